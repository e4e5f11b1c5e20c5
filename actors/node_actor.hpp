#pragma once

#include "actors/node_context.hpp"
#include "messages/node.hpp"

#include <caf/stateful_actor.hpp>
#include <caf/typed_event_based_actor.hpp>

#include <functional>
#include <map>
#include <set>

namespace berth {

/// Spawns the POOL of one pool's settings below the given parent; a function so that tests can put their own there.
using SpawnPool = std::function<PoolActor(const NodeActor& parent, const PoolSettings& settings)>;

struct NodeState {
  struct Entry {
    PoolName pool;
    /// Null until the pool has spawned it: the launch is in the pool's queue.
    ContainerActor actor;
    /// Of the launch that made this entry.
    uint64_t ticket = 0;
  };

  std::map<PoolName, PoolActor> pools;
  std::map<ContainerId, Entry> containers;
  uint64_t last_ticket = 0;
  /// Ids of containers of an earlier run of the daemon, which still run and are not taken over.
  std::set<ContainerId> foreign;
  std::chrono::milliseconds longest_launch{0};

  static inline const char* name = "node";
};

/// NODE with these pools. `foreign` are ids that must not be given away.
NodeActor::behavior_type node_actor(NodeActor::stateful_pointer<NodeState> self,
                                    std::map<std::string, PoolSettings> pools, SpawnPool spawn_pool,
                                    std::chrono::milliseconds start_timeout, std::set<ContainerId> foreign);

} // namespace berth
