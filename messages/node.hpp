#pragma once

#include "messages/cause.hpp"
#include "messages/pool_memory.hpp"

#include <map>

namespace berth {

/// API -> NODE: whom do I talk to about this container? Waits for one that is being started again.
struct FindContainer {
  ContainerId id;
  /// Who is known to have died; another one is wanted.
  caf::actor_addr except;
  Cause cause;
};

template <class Inspector>
auto inspect(Inspector& f, FindContainer& x) {
  return f(x.id, x.except, x.cause);
}

struct ListContainers {
  /// Ended ones, too.
  bool all = false;
  /// Empty: every pool.
  PoolName pool;
  Cause cause;
};

template <class Inspector>
auto inspect(Inspector& f, ListContainers& x) {
  return f(x.all, x.pool, x.cause);
}

/// REVISION -> NODE: the actors of all pools.
struct FindPools {
  Cause cause;
};

template <class Inspector>
auto inspect(Inspector& f, FindPools& x) {
  return f(x.cause);
}

using PoolActors = std::map<PoolName, PoolActor>;

/// A pool that REVISION has spawned, and what it began with.
struct AddedPool {
  PoolActor actor;
  PoolMemoryPtr memory;
};

/// REVISION -> NODE: launches find these pools from now on, and those no more. Containers of removed pools are still found.
/// Answered with the actors of the removed ones: a pool may have died and come back since they were asked for, and from now on
/// it comes back as one that ends. Never leaves the process.
struct ChangePools {
  std::map<PoolName, AddedPool> added;
  /// Names of pools that end, and what becomes of their containers.
  std::vector<PoolName> removed;
  DrainMode drain = DrainMode::wait;
  /// How long a launch may take at most, by the new settings.
  std::chrono::milliseconds longest_launch{0};
  Cause cause;
};

struct ListPools {
  Cause cause;
};

template <class Inspector>
auto inspect(Inspector& f, ListPools& x) {
  return f(x.cause);
}

/// API -> NODE: take no launches any more, and end what runs: first by itself, from `deadline` on by a stop with the grace period of
/// its pool, the newest first. Answered when nothing runs.
struct DrainNode {
  std::chrono::milliseconds deadline{0};
  /// Also after a crash or a restart; else only for as long as this berthd lives.
  bool is_lasting = true;
  Cause cause;
};

template <class Inspector>
auto inspect(Inspector& f, DrainNode& x) {
  return f(x.deadline, x.is_lasting, x.cause);
}

/// NODE -> API.
struct DrainReport {
  /// Containers that ended since the drain began, and how many of these had to be stopped.
  uint32_t ended = 0;
  uint32_t stopped = 0;
};

template <class Inspector>
auto inspect(Inspector& f, DrainReport& x) {
  return f(x.ended, x.stopped);
}

/// API -> NODE: take launches again.
struct UndrainNode {
  Cause cause;
};

template <class Inspector>
auto inspect(Inspector& f, UndrainNode& x) {
  return f(x.cause);
}

/// POOL -> NODE: this actor stands for the container from now on. Never leaves the process.
struct ContainerSpawned {
  ContainerId id;
  ContainerActor actor;
  ContainerMemoryPtr memory;
  Cause cause;
};

/// CONTAINER -> NODE: remember this. Never leaves the process.
struct KeepContainer {
  ContainerMemoryPtr memory;
  Cause cause;
};

/// POOL -> NODE: what was that container that has lost its actor? Answered with `unknown_container` if it is removed.
struct RecallContainer {
  ContainerId id;
  Cause cause;
};

template <class Inspector>
auto inspect(Inspector& f, RecallContainer& x) {
  return f(x.id, x.cause);
}

/// NODE -> POOL. Never leaves the process.
struct RecalledContainer {
  ContainerMemoryPtr memory;
};

/// POOL -> NODE: remember this. Never leaves the process.
struct KeepPool {
  PoolMemoryPtr memory;
  Cause cause;
};

/// REVISION -> NODE: what do you remember of the configured pools?
struct RecallPools {
  Cause cause;
};

template <class Inspector>
auto inspect(Inspector& f, RecallPools& x) {
  return f(x.cause);
}

/// NODE -> REVISION. Never leaves the process.
struct RecalledPools {
  std::map<PoolName, PoolMemoryPtr> pools;
};

/// CONTAINER -> NODE: nothing is left of it; the id is free.
struct ContainerRemoved {
  ContainerId id;
  Cause cause;
};

template <class Inspector>
auto inspect(Inspector& f, ContainerRemoved& x) {
  return f(x.id, x.cause);
}

/// The longest that a drain may take, deadline and grace periods included.
constexpr auto drain_limit = std::chrono::milliseconds{std::chrono::hours{24 * 7}};

using ContainerInfos = std::vector<ContainerInfo>;
using PoolInfos = std::vector<PoolInfo>;

/// NODE: knows the pools and which actor stands for which container; supervises.
///
///     API -- LaunchOrder ------> NODE --> (delegated to the POOL)
///                                     \-> unknown_pool, duplicate_id, bad_id, rootfs_missing, bad_request
///     API -- FindContainer ----> NODE --> ContainerActor
///                                     \-> unknown_container, restarting
///     API -- CancelLaunch -----> NODE --> (delegated to the POOL), or false if the launch has left the queue
///     API -- ExplainLaunch ----> NODE --> Explanation, that of the POOL if there is one
///     API -- ListContainers ---> NODE --> ContainerInfos, by time of acceptance
///     API -- ListPools --------> NODE --> PoolInfos, by name
///     API -- DrainNode --------> NODE --> DrainReport, when nothing runs any more
///     SELF_CHECK - ListActors -> NODE --> OOM and the pools
///
/// It starts pools and OOM again when they die, and has what is needed for that: POOL and CONTAINER tell it what they must not
/// forget before anybody else can hear of it (`KeepPool`, `KeepContainer`). Launches of a pool that died are given to the new
/// one; the others are answered by their containers. NODE itself, EVENT, REVISION, RELOAD, SELF_CHECK and the LAUNCHERs are not
/// started again: without them berthd ends, and the service manager starts it.
///
/// An id is taken from the moment of acceptance until the container is removed. `ContainerRemoved` is sent before anybody is
/// told of the removal, so whoever knows of it can use the id again.
using NodeActor = caf::typed_actor<
  caf::replies_to<LaunchOrder>::with<ContainerInfo>,
  caf::replies_to<FindContainer>::with<ContainerActor>,
  caf::replies_to<CancelLaunch>::with<bool>,
  caf::replies_to<ExplainLaunch>::with<Explanation>,
  caf::replies_to<ListContainers>::with<ContainerInfos>,
  caf::replies_to<ListPools>::with<PoolInfos>,
  caf::replies_to<FindPools>::with<PoolActors>,
  caf::replies_to<ChangePools>::with<PoolActors>,
  caf::replies_to<DrainNode>::with<DrainReport>,
  caf::replies_to<UndrainNode>::with<void>,
  caf::reacts_to<ContainerSpawned>,
  caf::reacts_to<KeepContainer>,
  caf::replies_to<RecallContainer>::with<RecalledContainer>,
  caf::reacts_to<KeepPool>,
  caf::replies_to<RecallPools>::with<RecalledPools>,
  caf::reacts_to<ContainerRemoved>,
  caf::replies_to<ListActors>::with<OwnedActors>,
  caf::reacts_to<RestartDue>>;

} // namespace berth

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(berth::ChangePools)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(berth::ContainerSpawned)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(berth::KeepContainer)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(berth::RecalledContainer)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(berth::KeepPool)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(berth::RecalledPools)
