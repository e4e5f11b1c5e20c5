#pragma once

#include "messages/container.hpp"

#include <caf/actor_control_block.hpp>
#include <caf/replies_to.hpp>
#include <caf/typed_actor.hpp>

#include <chrono>

namespace berth {

/// API -> NODE -> POOL: run this. Answered when the container runs, or with the reason why it does not.
struct LaunchOrder {
  /// NODE has checked it and filled in the id.
  LaunchSpec spec;
  /// Who reads the output; an `auto_remove` container is kept until it sends `ReleaseOutput` or ends. May be null.
  caf::strong_actor_ptr reader;
};

template <class Inspector>
auto inspect(Inspector& f, LaunchOrder& x) {
  return f(x.spec, x.reader);
}

/// How a pool stands.
enum class PoolState : uint8_t {
  /// Its runtime is being probed; launches wait in the queue.
  preparing,
  ready,
  /// Serves with runc instead of the configured runtime.
  degraded,
  /// Refuses launches.
  unavailable,
};

const char* to_string(PoolState state);

struct PoolInfo {
  PoolName name;
  PoolState state = PoolState::preparing;
  uint64_t generation = 0;
  RuntimeKind configured = RuntimeKind::runc;
  /// What a plain launch gets; equals `configured` unless the pool is degraded.
  RuntimeKind effective = RuntimeKind::runc;
  RuntimeSource source = RuntimeSource::builtin;
  std::string origin;
  /// Of the effective runtime.
  std::string version;
  std::string platform;
  std::string root;
  /// Why the pool is degraded or unavailable, or cannot do all that its policies allow.
  std::string reason;
  uint32_t running = 0;
  uint32_t starting = 0;
  uint32_t queued = 0;
  /// 0: no limit.
  uint32_t max_containers = 0;
  uint32_t queue_length = 0;
  bool overrides_allowed = true;
  bool fallback_allowed = true;
};

template <class Inspector>
auto inspect(Inspector& f, PoolInfo& x) {
  return f(x.name, x.state, x.generation, x.configured, x.effective, x.source, x.origin, x.version, x.platform, x.root,
           x.reason, x.running, x.starting, x.queued, x.max_containers, x.queue_length, x.overrides_allowed,
           x.fallback_allowed);
}

struct DescribePool {};

template <class Inspector>
auto inspect(Inspector& f, DescribePool&) {
  return f();
}

/// API -> NODE -> POOL: take this launch out of the queue. Answered with whether it was there; the launch is answered with
/// `cancelled`.
struct CancelLaunch {
  ContainerId id;
};

template <class Inspector>
auto inspect(Inspector& f, CancelLaunch& x) {
  return f(x.id);
}

/// CONTAINER -> POOL: my processes have ended; the place is free.
struct ContainerEnded {
  ContainerId id;
};

template <class Inspector>
auto inspect(Inspector& f, ContainerEnded& x) {
  return f(x.id);
}

/// INTERNAL: a queued launch has waited for as long as it may.
struct QueueTimeout {
  uint64_t ticket = 0;
};

template <class Inspector>
auto inspect(Inspector& f, QueueTimeout& x) {
  return f(x.ticket);
}

/// How long the API waits for a launch beyond what queue and start may take by configuration.
constexpr auto launch_slack = std::chrono::seconds{60};

/// POOL: admits launches, owns the pool's runtimes and its SELECTOR.
///
///     NODE ----- LaunchOrder ----> POOL --> ContainerInfo, when it runs
///                                       \-> limit_reached, queue_timeout, limit_exceeded, pool_unavailable, …
///     NODE ----- CancelLaunch ---> POOL --> bool
///     CONTAINER - ContainerEnded -> POOL    frees the place; the next queued launch goes on
using PoolActor = caf::typed_actor<
  caf::replies_to<LaunchOrder>::with<ContainerInfo>,
  caf::replies_to<CancelLaunch>::with<bool>,
  caf::replies_to<DescribePool>::with<PoolInfo>,
  caf::reacts_to<ContainerEnded>,
  caf::reacts_to<QueueTimeout>>;

} // namespace berth
