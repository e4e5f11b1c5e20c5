#pragma once

#include "messages/launch.hpp"
#include "messages/oom.hpp"
#include "messages/runtime_profile.hpp"
#include "messages/selection.hpp"

#include <caf/replies_to.hpp>
#include <caf/typed_actor.hpp>

#include <chrono>

namespace berth {

/// Where a container is in its life, as users see it.
enum class ContainerState : uint8_t { creating, created, running, stopping, exited, removing };

const char* to_string(ContainerState state);

/// How a container ended.
struct ExitInfo {
  /// The exit code as a shell gives it: 128+n for signal n.
  int32_t code = 0;
  /// 0 unless init was ended by a signal.
  int32_t signal = 0;
  /// An OOM kill took the container.
  bool oom_killed = false;
  Timestamp at;
  /// For people: "exited with code 3", "killed at its memory limit of 64.0 MiB", "stopped: SIGTERM".
  std::string reason;
};

template <class Inspector>
auto inspect(Inspector& f, ExitInfo& x) {
  return f(x.code, x.signal, x.oom_killed, x.at, x.reason);
}

/// All there is to know about one container.
struct ContainerInfo {
  LaunchSpec spec; ///< with id; limits as granted
  std::string runtime_id;
  ContainerState state = ContainerState::creating;
  /// Of init (runc) or the sandbox (gVisor); 0 before `create` and after the exit.
  int32_t pid = 0;
  uint64_t pid_start_time = 0;
  Selection selection;
  RuntimeProfile profile;
  uint64_t generation = 0;
  Timestamp accepted_at;
  Timestamp created_at;
  Timestamp started_at;
  /// Valid once the state is `exited`.
  ExitInfo exit;
  uint64_t oom_kills = 0;
  /// Directory with bundle, pid, monitor socket, record.
  std::string directory;
  std::string log_path;
  /// OCI cgroupsPath.
  std::string cgroup;
  /// What the user should know, e.g. that no GPU device was injected.
  std::vector<std::string> warnings;
};

template <class Inspector>
auto inspect(Inspector& f, ContainerInfo& x) {
  return f(x.spec, x.runtime_id, x.state, x.pid, x.pid_start_time, x.selection, x.profile, x.generation, x.accepted_at,
           x.created_at, x.started_at, x.exit, x.oom_kills, x.directory, x.log_path, x.cgroup, x.warnings);
}

/// POOL -> CONTAINER: go. Answered when the container runs, or with the reason why it does not.
struct BeginLaunch {};

template <class Inspector>
auto inspect(Inspector& f, BeginLaunch&) {
  return f();
}

struct DescribeContainer {};

template <class Inspector>
auto inspect(Inspector& f, DescribeContainer&) {
  return f();
}

/// API -> CONTAINER: SIGTERM, then SIGKILL after `grace`. Answered when it has ended.
struct StopContainer {
  /// Negative: the pool's termination grace period.
  std::chrono::milliseconds grace{-1};
};

template <class Inspector>
auto inspect(Inspector& f, StopContainer& x) {
  return f(x.grace);
}

/// API -> CONTAINER: deliver a signal.
struct SignalContainer {
  int32_t signal = 0;
};

template <class Inspector>
auto inspect(Inspector& f, SignalContainer& x) {
  return f(x.signal);
}

/// API -> CONTAINER: forget it and remove what is left of it. Answered when all is gone; then the actor ends.
struct RemoveContainer {
  /// Kill it first if it runs.
  bool force = false;
};

template <class Inspector>
auto inspect(Inspector& f, RemoveContainer& x) {
  return f(x.force);
}

/// API -> CONTAINER: whoever was attached has read the last byte of the log.
struct ReleaseOutput {};

template <class Inspector>
auto inspect(Inspector& f, ReleaseOutput&) {
  return f();
}

/// INTERNAL: one packet from the monitor (runtimes/monitor_protocol.hpp).
struct MonitorPacket {
  std::string bytes;
};

template <class Inspector>
auto inspect(Inspector& f, MonitorPacket& x) {
  return f(x.bytes);
}

/// INTERNAL: the monitor closed its socket.
struct MonitorGone {};

template <class Inspector>
auto inspect(Inspector& f, MonitorGone&) {
  return f();
}

/// INTERNAL: a time limit has passed; `epoch` tells whether it still matters.
struct ContainerTimeout {
  uint64_t epoch = 0;
};

template <class Inspector>
auto inspect(Inspector& f, ContainerTimeout& x) {
  return f(x.epoch);
}

/// How long the API waits for a description.
constexpr auto describe_deadline = std::chrono::seconds{5};
/// How long a signal or a removal may take to be answered.
constexpr auto container_deadline = std::chrono::seconds{60};
/// Slack on top of the grace period that a stop may take to be answered.
constexpr auto stop_slack = std::chrono::seconds{60};

/// CONTAINER: one container's life.
///
///     POOL --- BeginLaunch ---> CONTAINER --(spawn)--> monitor
///     monitor  created -------> CONTAINER -- WatchOom --> OOM, then `start` to the monitor
///     monitor  started -------> CONTAINER --> ContainerInfo to whoever launched
///     monitor  exited --------> CONTAINER -- FinishOom -> OOM, then the event `container.exited`
///     monitor  deleted -------> CONTAINER (may be removed now)
///
/// Ordering rules: 1. the OOM watch is placed between create and start; 2. the pidfd is held before start; 3. an exit may
/// overtake the start reply; 4. the final OOM count is read before the cgroup goes and told before the exit; 5. the exit is
/// the last message about a container but its removal.
using ContainerActor = caf::typed_actor<
  caf::replies_to<BeginLaunch>::with<ContainerInfo>,
  caf::replies_to<DescribeContainer>::with<ContainerInfo>,
  caf::replies_to<StopContainer>::with<ContainerInfo>,
  caf::replies_to<SignalContainer>::with<void>,
  caf::replies_to<RemoveContainer>::with<void>,
  caf::reacts_to<ReleaseOutput>,
  caf::reacts_to<OomKill>,
  caf::reacts_to<MonitorPacket>,
  caf::reacts_to<MonitorGone>,
  caf::reacts_to<ContainerTimeout>>;

} // namespace berth
