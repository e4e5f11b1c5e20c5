#pragma once

#include "runtimes/doctor/finding.hpp"
#include "runtimes/doctor/host_places.hpp"

#include <chrono>
#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace berth {

struct ExamineOrder {
  HostPlaces places;
  /// The configuration; a default that is missing is no problem.
  std::string config;
  bool config_is_default = true;
  /// Where containers are tried out; absolute.
  std::string trial_parent = "/tmp";
  /// The berth-monitor executable; empty: beside the calling program.
  std::string monitor;
  /// Also try the platforms of gVisor that no pool asks for.
  bool all_platforms = false;
  /// For each boot; nothing: `berth.probeTimeout`.
  std::optional<std::chrono::milliseconds> timeout;
  /// Beginnings of the names of the checks to run; empty: all.
  std::vector<std::string> wanted;
  /// Told before each check that takes its time.
  std::function<void(const std::string& what)> on_progress = [](const std::string&) {};
  /// Asked between checks; when it is true, the rest is left out.
  std::function<bool()> is_interrupted = [] { return false; };
};

/// The names that findings can have.
const std::vector<std::string>& check_names();

/// Examines this host: is it fit to run Berth with this configuration? Boots containers, if run by root, and leaves nothing
/// behind. Blocks.
Findings examine_host(const ExamineOrder& order);

} // namespace berth
