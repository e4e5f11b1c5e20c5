#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace berth {

enum class FindingStatus : uint8_t {
  ok,
  /// Worth knowing; nothing that the configuration asks for is missing.
  note,
  /// Berth runs, but something will be worse than it could be.
  warning,
  /// What the configuration asks for will not work.
  problem,
};

/// "ok", "note", "warning", "problem".
const char* to_string(FindingStatus status);

/// What one check has found out about the host.
struct Finding {
  /// Stable, AREA.WHAT: "cgroup.controllers". Scripts match on it; several findings of one check share it.
  std::string name;
  /// What of several things it is about: a directory, a pool's platform; may be empty.
  std::string subject;
  FindingStatus status = FindingStatus::ok;
  std::string found;
  /// The next step; empty only if the status is `ok`.
  std::string fix;

  friend bool operator==(const Finding&, const Finding&) = default;
};

using Findings = std::vector<Finding>;

/// Leaves the fix out where there is nothing to be done.
Finding make_finding(const char* name, std::string subject, FindingStatus status, std::string found, std::string fix);

/// "memory, pids".
std::string join_words(const std::vector<std::string>& words);

/// "cgroup" of "cgroup.controllers".
std::string_view area_of(const Finding& finding);

/// Is this check one of those that were asked for? `wanted` holds beginnings of names; all are wanted if it is empty.
bool is_wanted(std::string_view name, const std::vector<std::string>& wanted);

/// Could a finding with such a name be wanted: the names of a check begin with `prefix`.
bool may_be_wanted(std::string_view prefix, const std::vector<std::string>& wanted);

} // namespace berth
