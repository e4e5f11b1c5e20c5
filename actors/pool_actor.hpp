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

/// Spawns the RUNTIME of one kind for a generation of these settings; a function so that tests can put their own there.
/// With `known` it need not be probed: the same invocation has proven that it works.
using SpawnRuntime = std::function<RuntimeActor(RuntimeKind kind, const PoolSettings& settings, const NodeSettings& node,
                                                const std::optional<PreparedRuntime>& known)>;

struct PoolActorState {
  /// One runtime of a generation.
  struct Member {
    RuntimeActor actor;
    /// Nothing while the probe runs.
    std::optional<Result<PreparedRuntime>> prepared;
  };

  /// One accepted version of the pool's settings with all that serves it. The first and the last launch of a generation see
  /// the same rules and runtimes; a change makes the next one.
  struct Generation {
    uint64_t number = 0;
    std::shared_ptr<const PoolSettings> settings;
    /// The node as this generation knows it: with the settings that it was made with.
    NodeContextPtr node;
    std::map<RuntimeKind, Member> members;
    SelectionRules rules;
    SelectorActor selector;
    PoolState condition = PoolState::preparing;
    std::string reason;
    /// Launches that were admitted and have no container yet.
    uint32_t admitted = 0;
    /// Launches that have one, and no answer yet.
    uint32_t unanswered = 0;
    /// Its containers are stopped, as they come.
    bool is_stopping = false;
  };

  struct Counters {
    uint64_t accepted = 0;
    uint64_t queued = 0;
    uint64_t refused = 0;
  };

  /// The generation that is being prepared, or waits for its commit.
  struct Candidate {
    Generation generation;
    bool allow_fallback = false;
    caf::typed_response_promise<PreparedGeneration> promise;
    /// When its preparation began.
    Counters since;
  };

  struct Queued {
    uint64_t ticket = 0;
    LaunchOrder order;
    caf::typed_response_promise<ContainerInfo> promise;
    /// How long it may wait in all.
    std::chrono::milliseconds timeout{0};
  };

  struct Place {
    /// Whose it is: after a removal the id may stand for another container.
    caf::actor_addr holder;
    uint64_t generation = 0;
    bool runs = false;
  };

  struct Container {
    ContainerId id;
    ContainerActor actor;
    uint64_t generation = 0;
  };

  PoolName pool;
  /// The current one, and those that drain.
  std::map<uint64_t, Generation> generations;
  uint64_t current = 0;
  std::optional<Candidate> candidate;
  /// Not configured any more.
  bool retired = false;
  Counters counters;
  std::deque<Queued> queue;
  uint64_t last_ticket = 0;
  std::map<ContainerId, Place> places;
  std::map<caf::actor_addr, Container> containers;
  std::vector<caf::typed_response_promise<PoolInfo>> ready_promises;

  static inline const char* name = "pool";
};

/// POOL that serves with `settings` as its generation of that number, as soon as their runtimes are prepared.
PoolActor::behavior_type pool_actor(PoolActor::stateful_pointer<PoolActorState> self, NodeContextPtr node,
                                    NodeActor parent, std::shared_ptr<const PoolSettings> settings, uint64_t generation,
                                    SpawnRuntime spawn_runtime);

} // namespace berth
