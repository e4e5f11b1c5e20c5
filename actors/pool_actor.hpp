#pragma once

#include "actors/node_context.hpp"
#include "actors/policy/select_runtime.hpp"
#include "messages/node.hpp"
#include "messages/runtime.hpp"

#include <caf/stateful_actor.hpp>
#include <caf/typed_event_based_actor.hpp>
#include <caf/typed_response_promise.hpp>

#include <deque>
#include <functional>
#include <map>
#include <optional>

namespace berth {

/// Spawns the RUNTIME for one kind; a function so that tests can put their own there.
using SpawnRuntime = std::function<RuntimeActor(RuntimeKind)>;

struct PoolActorState {
  /// One runtime of this generation.
  struct Member {
    RuntimeActor actor;
    /// Nothing while the probe runs.
    std::optional<Result<PreparedRuntime>> prepared;
  };

  struct Queued {
    uint64_t ticket = 0;
    LaunchOrder order;
    caf::typed_response_promise<ContainerInfo> promise;
  };

  PoolState condition = PoolState::preparing;
  std::string reason;
  uint64_t generation = 1;
  std::map<RuntimeKind, Member> members;
  SelectionRules rules;
  SelectorActor selector;
  std::deque<Queued> queue;
  uint64_t last_ticket = 0;
  /// Launches that were admitted and have no container yet.
  uint32_t admitted = 0;
  struct Place {
    /// Whose it is: after a removal the id may stand for another container.
    caf::actor_addr holder;
    bool runs = false;
  };

  std::map<ContainerId, Place> places;
  std::map<caf::actor_addr, ContainerId> actors;

  static inline const char* name = "pool";
};

PoolActor::behavior_type pool_actor(PoolActor::stateful_pointer<PoolActorState> self, NodeContextPtr node,
                                    NodeActor parent, PoolSettings settings, SpawnRuntime spawn_runtime);

} // namespace berth
