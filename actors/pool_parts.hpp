#pragma once

#include "actors/observed.hpp"
#include "actors/pool_actor.hpp"

/// What the parts of a POOL share: launches and containers (pool_actor.cpp), explanations (pool_explain.cpp), generations
/// (pool_generations.cpp), and the deaths of the actors below it (pool_deaths.cpp).
namespace berth::pool {

using Self = SelfPointer<PoolActor, PoolActorState>;
using Generation = PoolActorState::Generation;
using Member = PoolActorState::Member;
using Reply = PoolActorState::Reply;

/// What every handler needs. The actor's own is in its state; the rest does not change.
struct Pool {
  Self self;
  NodeContextPtr node;
  NodeActor parent;
  SpawnRuntime spawn_runtime;

  PoolActorState& state() const {
    return self->state;
  }

  const std::string& name() const {
    return state().pool.value;
  }

  std::string subject() const {
    return "pool \"" + name() + "\"";
  }

  Generation& current() const {
    return state().generations.at(state().current);
  }

  const PoolSettings& settings() const {
    return *current().settings;
  }

  /// An actor below this one has come.
  template <class Handle>
  void announce(ActorKind kind, const Handle& actor) const {
    if (node->on_spawn)
      node->on_spawn(kind, caf::actor_cast<caf::actor>(actor));
  }
};

Event event_of(const Pool& pool, std::string type, uint64_t generation);

/// Tells an event, as soon as NODE knows this pool.
void publish(const Pool& pool, Event event);

/// Tells NODE what this pool is, before anybody can hear of what has changed.
void keep(const Pool& pool);

// -- generations (pool_generations.cpp) -----------------------------------------------------------

/// Makes the generations of the seed. Launches wait until the current one is prepared.
void begin(const Pool& pool, const PoolMemory& memory);

/// NODE knows this pool: what it had to tell until now is told now.
void announce_pool(const Pool& pool);

caf::result<PreparedGeneration> on_prepare(const Pool& pool, const PrepareGeneration& order);
caf::result<PoolReceipt> on_commit(const Pool& pool, DrainMode drain);
void on_abort(const Pool& pool);
PoolReceipt on_retire(const Pool& pool, DrainMode drain);
caf::result<PoolInfo> on_await_ready(const Pool& pool);
PoolInfo describe(const Pool& pool);

/// The generation of this number, the one that is being prepared included.
Generation* find_generation(const Pool& pool, uint64_t number);

/// Asks a runtime to prove that it works.
void ask_to_prepare(const Pool& pool, const Generation& generation, RuntimeKind kind);

void spawn_selector(const Pool& pool, Generation& generation);

/// Spawns the actor of this member; by what its probe has found, if it has ended well.
void spawn_member(const Pool& pool, const Generation& generation, RuntimeKind kind, Member& member);

/// Why the generation cannot take launches at the moment although it is prepared, if that is so.
std::optional<Error> resting(const Generation& generation);

/// Stops a container with the grace period that it was started with.
void stop(const Pool& pool, const ContainerActor& container);

/// Ends what of a generation nobody needs any more; and the pool, if it is retired and empty.
void dispose_if_drained(const Pool& pool, uint64_t number);

// -- launches (pool_actor.cpp) --------------------------------------------------------------------

/// Containers and launches that count against the pool's limit.
size_t taken(const Pool& pool);

/// Starts what waits, as far as there are places.
void pump(const Pool& pool);

/// Answers what waits in the queue with this error.
void refuse_waiting(const Pool& pool, const Error& error);

void ask_selector(const Pool& pool, uint64_t ticket);

/// Answers a launch that has no container yet.
void refuse_selecting(const Pool& pool, uint64_t ticket, const caf::error& error);

/// Spawns the actor of a container, whether it is new or goes on.
void spawn_container(const Pool& pool, const ContainerId& id, ContainerMemory memory);

/// Asks a container to go, or how it went, for whoever waits for it.
void ask_to_begin(const Pool& pool, const ContainerId& id);

/// The neighbours of a container as they are now.
UseNeighbours neighbours(const Pool& pool);

void give_place_back(const Pool& pool, const ContainerId& id);

void give_slot_back(const Pool& pool, const caf::actor_addr& holder);

/// Why the pool can take no more launches.
Error full(const Pool& pool);

/// Why a retired pool takes none.
Error not_configured(const Pool& pool);

// -- explanations (pool_explain.cpp) --------------------------------------------------------------

caf::result<Explanation> on_explain(const Pool& pool, const ExplainLaunch& launch);

/// Answers the questions that have waited for the probes.
void explain_waiting(const Pool& pool);

/// What a container remembers of why it got its runtime.
SharedExplanation explain(Generation& generation, const ExplainLaunch& launch, const SelectionTrail& trail);

// -- deaths (pool_deaths.cpp) ---------------------------------------------------------------------

/// Takes over the containers of a POOL that has died.
void adopt(const Pool& pool, const std::vector<AdoptedContainer>& containers);

/// An actor that was monitored has ended: starts another one, if it was one of ours and there is still a need.
void on_death(const Pool& pool, const caf::down_msg& down);

} // namespace berth::pool
