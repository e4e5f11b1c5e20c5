#pragma once

#include "messages/pool.hpp"

#include <map>

namespace berth {

/// API -> NODE: whom do I talk to about this container?
struct FindContainer {
  ContainerId id;
};

template <class Inspector>
auto inspect(Inspector& f, FindContainer& x) {
  return f(x.id);
}

struct ListContainers {
  /// Ended ones, too.
  bool all = false;
  /// Empty: every pool.
  PoolName pool;
};

template <class Inspector>
auto inspect(Inspector& f, ListContainers& x) {
  return f(x.all, x.pool);
}

/// REVISION -> NODE: the actors of all pools.
struct FindPools {};

template <class Inspector>
auto inspect(Inspector& f, FindPools&) {
  return f();
}

using PoolActors = std::map<PoolName, PoolActor>;

/// REVISION -> NODE: launches find these pools from now on, and those no more. Containers of removed pools are still found.
struct ChangePools {
  PoolActors added;
  std::vector<PoolName> removed;
  /// How long a launch may take at most, by the new settings.
  std::chrono::milliseconds longest_launch{0};
};

template <class Inspector>
auto inspect(Inspector& f, ChangePools& x) {
  return f(x.added, x.removed, x.longest_launch);
}

struct ListPools {};

template <class Inspector>
auto inspect(Inspector& f, ListPools&) {
  return f();
}

/// POOL -> NODE: this actor stands for the container from now on.
struct ContainerSpawned {
  ContainerId id;
  ContainerActor actor;
};

template <class Inspector>
auto inspect(Inspector& f, ContainerSpawned& x) {
  return f(x.id, x.actor);
}

/// CONTAINER -> NODE: nothing is left of it; the id is free.
struct ContainerRemoved {
  ContainerId id;
};

template <class Inspector>
auto inspect(Inspector& f, ContainerRemoved& x) {
  return f(x.id);
}

using ContainerInfos = std::vector<ContainerInfo>;
using PoolInfos = std::vector<PoolInfo>;

/// NODE: knows the pools and which actor stands for which container; supervises.
///
///     API -- LaunchOrder ------> NODE --> (delegated to the POOL)
///                                     \-> unknown_pool, duplicate_id, bad_id, rootfs_missing, bad_request
///     API -- FindContainer ----> NODE --> ContainerActor
///                                     \-> unknown_container
///     API -- CancelLaunch -----> NODE --> (delegated to the POOL), or false if the launch has left the queue
///     API -- ListContainers ---> NODE --> ContainerInfos, by time of acceptance
///     API -- ListPools --------> NODE --> PoolInfos, by name
///
/// An id is taken from the moment of acceptance until the container is removed. `ContainerRemoved` is sent before anybody is
/// told of the removal, so whoever knows of it can use the id again.
using NodeActor = caf::typed_actor<
  caf::replies_to<LaunchOrder>::with<ContainerInfo>,
  caf::replies_to<FindContainer>::with<ContainerActor>,
  caf::replies_to<CancelLaunch>::with<bool>,
  caf::replies_to<ListContainers>::with<ContainerInfos>,
  caf::replies_to<ListPools>::with<PoolInfos>,
  caf::replies_to<FindPools>::with<PoolActors>,
  caf::replies_to<ChangePools>::with<void>,
  caf::reacts_to<ContainerSpawned>,
  caf::reacts_to<ContainerRemoved>>;

} // namespace berth
