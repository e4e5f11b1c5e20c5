#pragma once

#include "messages/cause.hpp"
#include "messages/container.hpp"

#include <caf/allowed_unsafe_message_type.hpp>
#include <caf/replies_to.hpp>
#include <caf/typed_actor.hpp>

#include <chrono>
#include <memory>

namespace berth {

/// The daemon's end of a monitor's socket (runtimes/monitor_connection.hpp).
class MonitorConnection;

/// CONTAINER -> LAUNCHER: write the record and the bundle, start the monitor in them and send it its plan. For a container that
/// has its monitor already, its link is given again: an order that comes twice starts nothing twice.
struct StartMonitor {
  /// Complete but for what only a running container has (pid, times).
  ContainerInfo info;
  /// Whether an OOM kill shall take the whole container (cgroup v2: memory.oom.group).
  bool oom_group = false;
  /// For the record in its directory.
  uint64_t ticket = 0;
  std::chrono::milliseconds grace{0};
  /// There is a monitor, or there was one: nothing is started.
  bool is_started = false;
  Cause cause;
};

template <class Inspector>
auto inspect(Inspector& f, StartMonitor& x) {
  return f(x.info, x.oom_group, x.ticket, x.grace, x.is_started, x.cause);
}

/// LAUNCHER -> CONTAINER: the plan is sent, the monitor is at work. The link tells whoever listens the whole story, from its
/// beginning; it lasts until `RemoveFiles`. Never leaves the process.
struct MonitorLink {
  std::shared_ptr<MonitorConnection> connection;
};

/// CONTAINER -> LAUNCHER: remove the directories of an ended container with all that is in them.
struct RemoveFiles {
  ContainerInfo info;
  Cause cause;
};

template <class Inspector>
auto inspect(Inspector& f, RemoveFiles& x) {
  return f(x.info, x.cause);
}

/// CONTAINER -> LAUNCHER: the monitor has gone, and its last word was not heard. If it died before its work was done, do the rest
/// of it: end the container's processes, delete the runtime's record, remove cgroups and layers.
struct SweepContainer {
  ContainerInfo info;
  /// The host was started anew: no process and no group is the container's.
  bool rebooted = false;
  Cause cause;
};

template <class Inspector>
auto inspect(Inspector& f, SweepContainer& x) {
  return f(x.info, x.rebooted, x.cause);
}

/// LAUNCHER -> CONTAINER: nothing is left but files.
struct SweptContainer {
  /// All that the monitor has told, in its own packets. If its last word is not in it, it died, and was stood in for.
  std::vector<std::string> story;
  /// What could not be removed; empty if nothing is left.
  std::string leftovers;
};

template <class Inspector>
auto inspect(Inspector& f, SweptContainer& x) {
  return f(x.story, x.leftovers);
}

/// How long one order may take, those in front of it included.
constexpr auto launcher_deadline = std::chrono::seconds{60};

/// LAUNCHER: does what blocks on the way to a container (files, process creation) in a thread of its own.
using LauncherActor = caf::typed_actor<
  caf::replies_to<StartMonitor>::with<MonitorLink>,
  caf::replies_to<RemoveFiles>::with<void>,
  caf::replies_to<SweepContainer>::with<SweptContainer>>;

} // namespace berth

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(berth::MonitorLink)
