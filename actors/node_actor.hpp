#pragma once

#include "actors/node_context.hpp"
#include "messages/node.hpp"

#include <caf/stateful_actor.hpp>
#include <caf/typed_event_based_actor.hpp>

#include <map>
#include <memory>
#include <set>
#include <vector>

namespace berth {

struct NodeState {
  struct Entry {
    PoolName pool;
    /// Who got the launch: the pool's name may stand for another one by now.
    PoolActor pool_actor;
    /// Null until the pool has spawned it: the launch is in the pool's queue.
    ContainerActor actor;
    /// Of the launch that made this entry.
    uint64_t ticket = 0;
  };

  std::map<PoolName, PoolActor> pools;
  /// Not configured any more; they end with their last container.
  std::vector<PoolActor> retired;
  std::map<ContainerId, Entry> containers;
  uint64_t last_ticket = 0;
  /// Ids of containers of an earlier run of the daemon, which still run and are not taken over.
  std::set<ContainerId> foreign;
  std::chrono::milliseconds longest_launch{0};

  static inline const char* name = "node";
};

/// NODE with the pools of these settings. `foreign` are ids that must not be given away.
NodeActor::behavior_type node_actor(NodeActor::stateful_pointer<NodeState> self, std::shared_ptr<const Settings> settings,
                                    SpawnPool spawn_pool, std::set<ContainerId> foreign);

} // namespace berth
