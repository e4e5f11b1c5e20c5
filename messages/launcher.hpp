#pragma once

#include "messages/types.hpp"

#include <caf/allowed_unsafe_message_type.hpp>
#include <caf/replies_to.hpp>
#include <caf/typed_actor.hpp>

#include <chrono>
#include <memory>

namespace berth {

/// The daemon's end of a monitor's socket (runtimes/monitor_connection.hpp).
class MonitorConnection;

/// CONTAINER -> LAUNCHER: write the bundle and start the monitor in it.
struct StartMonitor {
  ContainerId container;
  /// Created, with `bundle/` in it; must not exist.
  std::string directory;
  /// Created if missing.
  std::string log_directory;
  /// Text of `launch.json` and of `bundle/config.json`.
  std::string record;
  std::string config;
  /// An encoded MonitorPlan.
  std::string plan;
};

template <class Inspector>
auto inspect(Inspector& f, StartMonitor& x) {
  return f(x.container, x.directory, x.log_directory, x.record, x.config, x.plan);
}

/// LAUNCHER -> CONTAINER: the plan is sent, the monitor is at work. Never leaves the process.
struct MonitorLink {
  std::shared_ptr<MonitorConnection> connection;
};

/// CONTAINER -> LAUNCHER: remove these directories with all that is in them.
struct RemoveFiles {
  std::vector<std::string> directories;
};

template <class Inspector>
auto inspect(Inspector& f, RemoveFiles& x) {
  return f(x.directories);
}

constexpr auto launcher_deadline = std::chrono::seconds{30};

/// LAUNCHER: does what blocks on the way to a container (files, process creation) in a thread of its own.
using LauncherActor = caf::typed_actor<
  caf::replies_to<StartMonitor>::with<MonitorLink>,
  caf::replies_to<RemoveFiles>::with<void>>;

} // namespace berth

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(berth::MonitorLink)
