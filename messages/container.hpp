#pragma once

#include "messages/cause.hpp"
#include "messages/oom.hpp"
#include "messages/pool.hpp"

#include <caf/replies_to.hpp>
#include <caf/typed_actor.hpp>

#include <chrono>

namespace berth {

/// POOL -> CONTAINER: go, if you have not gone yet. Answered when the container runs, or with the reason why it does not.
struct BeginLaunch {
  Cause cause;
};

template <class Inspector>
auto inspect(Inspector& f, BeginLaunch& x) {
  return f(x.cause);
}

struct DescribeContainer {
  Cause cause;
};

template <class Inspector>
auto inspect(Inspector& f, DescribeContainer& x) {
  return f(x.cause);
}

/// API -> CONTAINER: SIGTERM, then SIGKILL after `grace`. Answered when it has ended.
struct StopContainer {
  /// Negative: the pool's termination grace period.
  std::chrono::milliseconds grace{-1};
  Cause cause;
};

template <class Inspector>
auto inspect(Inspector& f, StopContainer& x) {
  return f(x.grace, x.cause);
}

/// API -> CONTAINER: deliver a signal.
struct SignalContainer {
  int32_t signal = 0;
  Cause cause;
};

template <class Inspector>
auto inspect(Inspector& f, SignalContainer& x) {
  return f(x.signal, x.cause);
}

/// API -> CONTAINER: forget it and remove what is left of it. Answered when all is gone; then the actor ends.
struct RemoveContainer {
  /// Kill it first if it runs.
  bool force = false;
  Cause cause;
};

template <class Inspector>
auto inspect(Inspector& f, RemoveContainer& x) {
  return f(x.force, x.cause);
}

/// API -> CONTAINER: whoever was attached has read the last byte of the log.
struct ReleaseOutput {
  Cause cause;
};

template <class Inspector>
auto inspect(Inspector& f, ReleaseOutput& x) {
  return f(x.cause);
}

/// POOL -> CONTAINER: whom you work with from now on. One of them has died, and this one is in its place.
struct UseNeighbours {
  PoolActor pool;
  OomActor oom;
  Cause cause;
};

template <class Inspector>
auto inspect(Inspector& f, UseNeighbours& x) {
  return f(x.pool, x.oom, x.cause);
}

/// INTERNAL: one packet from the monitor (runtimes/monitor_protocol.hpp).
struct MonitorPacket {
  std::string bytes;
  Cause cause;
};

template <class Inspector>
auto inspect(Inspector& f, MonitorPacket& x) {
  return f(x.bytes, x.cause);
}

/// INTERNAL: the monitor closed its socket.
struct MonitorGone {
  Cause cause;
};

template <class Inspector>
auto inspect(Inspector& f, MonitorGone& x) {
  return f(x.cause);
}

/// INTERNAL: a time limit has passed; `epoch` tells whether it still matters.
struct ContainerTimeout {
  uint64_t epoch = 0;
  Cause cause;
};

template <class Inspector>
auto inspect(Inspector& f, ContainerTimeout& x) {
  return f(x.epoch, x.cause);
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
///
/// It tells NODE what it must not forget (`KeepContainer`) before anybody can hear of it. A CONTAINER that dies is started
/// again by its POOL, from that and from the monitor's story, which the launcher's link repeats. So every order below may
/// come twice, and means the same.
using ContainerActor = caf::typed_actor<
  caf::replies_to<BeginLaunch>::with<ContainerInfo>,
  caf::replies_to<DescribeContainer>::with<ContainerInfo>,
  caf::replies_to<StopContainer>::with<ContainerInfo>,
  caf::replies_to<SignalContainer>::with<void>,
  caf::replies_to<RemoveContainer>::with<void>,
  caf::reacts_to<ReleaseOutput>,
  caf::reacts_to<UseNeighbours>,
  caf::reacts_to<OomKill>,
  caf::reacts_to<MonitorPacket>,
  caf::reacts_to<MonitorGone>,
  caf::reacts_to<ContainerTimeout>>;

} // namespace berth
