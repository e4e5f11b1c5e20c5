#pragma once

#include "messages/cause.hpp"
#include "messages/container_info.hpp"
#include "messages/oom.hpp"
#include "messages/supervision.hpp"

#include <caf/actor_control_block.hpp>
#include <caf/allowed_unsafe_message_type.hpp>
#include <caf/replies_to.hpp>
#include <caf/typed_actor.hpp>

#include <chrono>
#include <memory>

namespace berth {

/// API -> NODE -> POOL: run this. Answered when the container runs, or with the reason why it does not.
struct LaunchOrder {
  /// NODE has checked it and filled in the id.
  LaunchSpec spec;
  /// Who reads the output; an `auto_remove` container is kept until it sends `ReleaseOutput` or ends. May be null.
  caf::strong_actor_ptr reader;
  /// NODE's number of it.
  uint64_t ticket = 0;
  /// NODE gave it to a POOL that has died; `is_made` says that a container was made of it by then.
  bool is_repeated = false;
  bool is_made = false;
  Cause cause;
};

template <class Inspector>
auto inspect(Inspector& f, LaunchOrder& x) {
  return f(x.spec, x.reader, x.ticket, x.is_repeated, x.is_made, x.cause);
}

/// API -> NODE -> POOL: what would become of a launch like this, and why? Answered once the pool's runtimes have been tried out; never
/// with an error of the launch, which is a part of the explanation.
struct ExplainLaunch {
  PoolName pool;
  uint32_t gpus = 0;
  bool checkpoint = false;
  Limits limits;
  Cause cause;
};

template <class Inspector>
auto inspect(Inspector& f, ExplainLaunch& x) {
  return f(x.pool, x.gpus, x.checkpoint, x.limits, x.cause);
}

/// How long the API waits for an explanation: a pool may still be trying its runtimes out.
constexpr auto explain_deadline = std::chrono::seconds{60};

/// How a pool stands.
enum class PoolState : uint8_t {
  /// Its runtime is being probed; launches wait in the queue.
  preparing,
  ready,
  /// Serves with runc instead of the configured runtime.
  degraded,
  /// Refuses launches.
  unavailable,
  /// Not configured any more; ends with its last container.
  retired,
  /// An actor that it needs has died again and again, and rests before it is started again; launches are refused meanwhile.
  restarting,
};

const char* to_string(PoolState state);

/// A generation of a pool that is not current any more and still has containers.
struct DrainingGeneration {
  uint64_t generation = 0;
  /// What plain launches of it got.
  RuntimeKind runtime = RuntimeKind::runc;
  uint32_t containers = 0;
};

template <class Inspector>
auto inspect(Inspector& f, DrainingGeneration& x) {
  return f(x.generation, x.runtime, x.containers);
}

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
  /// How often an actor of the pool (its own, selector, runtimes, those of its containers) has died and was started again.
  uint64_t restarts = 0;
  std::vector<DrainingGeneration> draining;
};

template <class Inspector>
auto inspect(Inspector& f, PoolInfo& x) {
  return f(x.name, x.state, x.generation, x.configured, x.effective, x.source, x.origin, x.version, x.platform, x.root,
           x.reason, x.running, x.starting, x.queued, x.max_containers, x.queue_length, x.overrides_allowed,
           x.fallback_allowed, x.restarts, x.draining);
}

struct DescribePool {
  Cause cause;
};

template <class Inspector>
auto inspect(Inspector& f, DescribePool& x) {
  return f(x.cause);
}

/// API -> NODE -> POOL: take this launch out of the queue. Answered with whether it was there; the launch is answered with
/// `cancelled`.
struct CancelLaunch {
  ContainerId id;
  Cause cause;
};

template <class Inspector>
auto inspect(Inspector& f, CancelLaunch& x) {
  return f(x.id, x.cause);
}

/// CONTAINER -> POOL: my processes have ended; the place is free.
struct ContainerEnded {
  ContainerId id;
  Cause cause;
};

template <class Inspector>
auto inspect(Inspector& f, ContainerEnded& x) {
  return f(x.id, x.cause);
}

/// NODE -> POOL: the OOM that watches containers from now on. The first one says also that NODE knows this pool.
struct UseOom {
  OomActor oom;
  Cause cause;
};

template <class Inspector>
auto inspect(Inspector& f, UseOom& x) {
  return f(x.oom, x.cause);
}

/// CONTAINER -> POOL: I want to start. Answered when a slot is free; the slot belongs to the sender until it sends
/// `ReturnStartSlot` or ends.
struct TakeStartSlot {
  /// The start is under way already, by the leave of a POOL that has died: answered at once, and counted.
  bool is_held = false;
  Cause cause;
};

template <class Inspector>
auto inspect(Inspector& f, TakeStartSlot& x) {
  return f(x.is_held, x.cause);
}

/// POOL -> CONTAINER.
struct StartSlot {};

template <class Inspector>
auto inspect(Inspector& f, StartSlot&) {
  return f();
}

struct ReturnStartSlot {
  Cause cause;
};

template <class Inspector>
auto inspect(Inspector& f, ReturnStartSlot& x) {
  return f(x.cause);
}

/// How long a container waits for a start slot: starts in front of it may each take their whole time.
constexpr auto start_slot_deadline = std::chrono::seconds{600};
// -- changes of a running pool (messages/revision.hpp tells their order) ---------------------------

enum class PoolChangeKind : uint8_t { added, removed, changed };

/// "added" / "removed" / "changed".
const char* to_string(PoolChangeKind kind);

/// What becomes of the containers of an old generation: they run to their end, or are stopped with the grace period of
/// their pool.
enum class DrainMode : uint8_t { wait, stop };

struct NodeSettings;
struct PoolSettings;

/// REVISION -> POOL: make a generation of these settings ready beside the one that serves. Answered when it could serve, or
/// with the reason why it cannot. Never leaves the process: the settings are shared, not copied.
struct PrepareGeneration {
  std::shared_ptr<const PoolSettings> settings;
  /// Those of the node that it shall run by.
  std::shared_ptr<const NodeSettings> node;
  bool allow_fallback = false;
  /// That makes it.
  uint64_t revision = 0;
  Cause cause;
};

/// POOL -> REVISION.
struct PreparedGeneration {
  uint64_t generation = 0;
  PoolState state = PoolState::ready;
  std::string reason;
};

template <class Inspector>
auto inspect(Inspector& f, PreparedGeneration& x) {
  return f(x.generation, x.state, x.reason);
}

/// REVISION -> POOL: serve with the generation that was prepared, from this message on.
struct CommitGeneration {
  DrainMode drain = DrainMode::wait;
  Cause cause;
};

template <class Inspector>
auto inspect(Inspector& f, CommitGeneration& x) {
  return f(x.drain, x.cause);
}

/// REVISION -> POOL: forget the generation that was prepared, or is being prepared.
struct AbortGeneration {
  Cause cause;
};

template <class Inspector>
auto inspect(Inspector& f, AbortGeneration& x) {
  return f(x.cause);
}

/// REVISION -> POOL: you are not configured any more. Take no launches, and end with your last container.
struct RetirePool {
  DrainMode drain = DrainMode::wait;
  Cause cause;
};

template <class Inspector>
auto inspect(Inspector& f, RetirePool& x) {
  return f(x.drain, x.cause);
}

/// REVISION -> POOL: answered when the first probes have ended, however they did.
struct AwaitReady {
  Cause cause;
};

template <class Inspector>
auto inspect(Inspector& f, AwaitReady& x) {
  return f(x.cause);
}

/// POOL -> REVISION: what a change meant for one pool.
struct PoolReceipt {
  PoolName name;
  PoolChangeKind kind = PoolChangeKind::changed;
  /// 0 for a pool that is new, or gone.
  uint64_t old_generation = 0;
  uint64_t new_generation = 0;
  /// What plain launches got and get.
  RuntimeKind old_runtime = RuntimeKind::runc;
  RuntimeKind new_runtime = RuntimeKind::runc;
  PoolState state = PoolState::ready;
  std::string reason;
  /// Launches from the beginning of the preparation to the commit.
  uint64_t accepted = 0;
  uint64_t queued = 0;
  uint64_t refused = 0;
  /// Containers that go on in old generations.
  uint32_t pinned = 0;
  /// The pool has answered. If not, it died in the middle of the change, and `reason` says what is known.
  bool in_effect = true;
};

template <class Inspector>
auto inspect(Inspector& f, PoolReceipt& x) {
  return f(x.name, x.kind, x.old_generation, x.new_generation, x.old_runtime, x.new_runtime, x.state, x.reason, x.accepted,
           x.queued, x.refused, x.pinned, x.in_effect);
}

/// How long a pool may take to answer what it does at once.
constexpr auto pool_deadline = std::chrono::seconds{10};

/// INTERNAL: a queued launch has waited for as long as it may.
struct QueueTimeout {
  uint64_t ticket = 0;
  Cause cause;
};

template <class Inspector>
auto inspect(Inspector& f, QueueTimeout& x) {
  return f(x.ticket, x.cause);
}

/// How long the API waits for a launch beyond what queue and start may take by configuration.
constexpr auto launch_slack = std::chrono::seconds{60};

/// POOL: admits launches, bounds how many starts run at once, owns the pool's runtimes and its SELECTOR. All its generations
/// share the start slots: a change must not let twice as many starts loose.
///
///     NODE ----- LaunchOrder ----> POOL --> ContainerInfo, when it runs
///                                       \-> limit_reached, queue_timeout, limit_exceeded, pool_unavailable, …
///     NODE ----- CancelLaunch ---> POOL --> bool
///     NODE ----- ExplainLaunch --> POOL --> Explanation
///     CONTAINER - TakeStartSlot --> POOL --> StartSlot (when one is free, first come first served)
///     CONTAINER - ReturnStartSlot -> POOL
///     CONTAINER - ContainerEnded -> POOL    frees the place; the next queued launch goes on
///     POOL ------ UseNeighbours --> CONTAINER   one of its neighbours was started again
///     SELF_CHECK - ListActors ----> POOL --> its containers, selectors and runtimes
///
/// It tells NODE what it must not forget (`KeepPool`) whenever that changes. Of its own actors, those that die are started
/// again: a SELECTOR by its rules, a RUNTIME by what its probe had found, a CONTAINER by what NODE remembers. A POOL that dies
/// is started again by NODE, which gives it its containers and repeats the launches that have no answer yet.
using PoolActor = caf::typed_actor<
  caf::replies_to<LaunchOrder>::with<ContainerInfo>,
  caf::replies_to<CancelLaunch>::with<bool>,
  caf::replies_to<ExplainLaunch>::with<Explanation>,
  caf::replies_to<DescribePool>::with<PoolInfo>,
  caf::replies_to<PrepareGeneration>::with<PreparedGeneration>,
  caf::replies_to<CommitGeneration>::with<PoolReceipt>,
  caf::reacts_to<AbortGeneration>,
  caf::replies_to<RetirePool>::with<PoolReceipt>,
  caf::replies_to<AwaitReady>::with<PoolInfo>,
  caf::replies_to<TakeStartSlot>::with<StartSlot>,
  caf::reacts_to<ReturnStartSlot>,
  caf::reacts_to<UseOom>,
  caf::reacts_to<ContainerEnded>,
  caf::replies_to<ListActors>::with<OwnedActors>,
  caf::reacts_to<RestartDue>,
  caf::reacts_to<QueueTimeout>>;

} // namespace berth

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(berth::PrepareGeneration)
