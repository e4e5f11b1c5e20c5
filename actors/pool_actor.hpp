#pragma once

#include "actors/node_context.hpp"
#include "actors/observed.hpp"
#include "actors/policy/select_runtime.hpp"
#include "actors/restarts.hpp"
#include "messages/node.hpp"
#include "messages/runtime.hpp"
#include "messages/selector.hpp"

#include <caf/stateful_actor.hpp>
#include <caf/typed_event_based_actor.hpp>
#include <caf/typed_response_promise.hpp>

#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <set>

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
    Restarts restarts;
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
    Restarts selector_restarts;
    ExplanationShelf explanations;
    PoolState condition = PoolState::preparing;
    std::string reason;
    /// Its containers are stopped, as they come.
    bool is_stopping = false;
    /// That made it; 0: not known.
    uint64_t revision = 0;
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

  using Reply = caf::typed_response_promise<ContainerInfo>;

  struct Queued {
    uint64_t ticket = 0;
    LaunchOrder order;
    Reply promise;
    /// How long it may wait in all.
    std::chrono::milliseconds timeout{0};
    Wait wait{"pool: waits for a place"};
    PhaseClock clock{};
  };

  /// A launch that was admitted and waits for the word of its generation's SELECTOR.
  struct Selecting {
    LaunchOrder order;
    Reply reply;
    uint64_t generation = 0;
    /// Before the pool's limits were applied.
    Limits asked;
    /// How long it waited in the queue, and since when for the selector.
    std::chrono::nanoseconds queued{0};
    PhaseClock clock{};
  };

  struct Explaining {
    ExplainLaunch launch;
    caf::typed_response_promise<Explanation> promise;
  };

  struct Container {
    ContainerActor actor;
    uint64_t generation = 0;
    /// It counts against the pool's limit.
    bool has_place = true;
    bool runs = false;
    /// Who launched it, until it runs or has failed.
    std::vector<Reply> replies;
    Restarts restarts;
  };

  struct StartWaiting {
    caf::actor_addr holder;
    caf::typed_response_promise<StartSlot> promise;
    Wait wait{"pool: waits for a start slot"};
  };

  PoolName pool;
  OomActor oom;
  /// NODE knows it. One that is being tried out tells nobody how it stands.
  bool is_announced = true;
  std::vector<Event> held_back;
  /// The current one, and those that drain.
  std::map<uint64_t, Generation> generations;
  uint64_t current = 0;
  std::optional<Candidate> candidate;
  /// Not configured any more.
  bool retired = false;
  bool retired_told = false;
  bool removed_told = false;
  Counters counters;
  std::deque<Queued> queue;
  std::map<uint64_t, Selecting> selecting;
  uint64_t last_ticket = 0;
  std::map<ContainerId, Container> containers;
  /// Containers that have a place.
  size_t places = 0;
  /// The actors that stand for containers, and have stood for them: an id may have another one by now.
  std::map<caf::actor_addr, ContainerId> by_actor;
  /// The containers whose start is under way. One that dies gives its slot back by its death.
  std::set<caf::actor_addr> starting;
  std::deque<StartWaiting> start_queue;
  std::vector<caf::typed_response_promise<PoolInfo>> ready_promises;
  /// Questions that wait for the end of the probes.
  std::vector<Explaining> explaining;
  PutOff put_off;
  /// Of the actors below this one.
  uint64_t restarts = 0;

  static inline const char* name = "pool";
};

/// POOL that serves with the newest generation of its seed as soon as its runtimes are prepared, and takes over the containers
/// in it.
PoolActor::behavior_type pool_actor(SelfPointer<PoolActor, PoolActorState> self, NodeContextPtr node,
                                    NodeActor parent, PoolSeed seed, SpawnRuntime spawn_runtime);

} // namespace berth
