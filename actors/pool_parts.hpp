#pragma once

#include "actors/pool_actor.hpp"

/// What the two halves of a POOL share: launches and containers (pool_actor.cpp), generations (pool_generations.cpp).
namespace berth::pool {

using Self = PoolActor::stateful_pointer<PoolActorState>;
using Generation = PoolActorState::Generation;

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

  Generation& current() const {
    return state().generations.at(state().current);
  }

  const PoolSettings& settings() const {
    return *current().settings;
  }

  /// Launches that were admitted and have no container yet, of all generations.
  uint32_t admitted() const;
};

Event event_of(const Pool& pool, std::string type, uint64_t generation);

// -- generations (pool_generations.cpp) -----------------------------------------------------------

/// Makes the first generation, which becomes the current one at once: launches wait for it.
void begin(const Pool& pool, std::shared_ptr<const PoolSettings> settings, uint64_t number);

caf::result<PreparedGeneration> on_prepare(const Pool& pool, const PrepareGeneration& order);
caf::result<PoolReceipt> on_commit(const Pool& pool, DrainMode drain);
void on_abort(const Pool& pool);
PoolReceipt on_retire(const Pool& pool, DrainMode drain);
caf::result<PoolInfo> on_await_ready(const Pool& pool);
PoolInfo describe(const Pool& pool);

/// True if an actor that a generation needs has died: its runtime or its selector.
bool is_part_of_pool(const Pool& pool, const caf::down_msg& down);

/// Stops a container with the grace period that it was started with.
void stop(const Pool& pool, const ContainerActor& container);

/// Ends what of a generation nobody needs any more; and the pool, if it is retired and empty.
void dispose_if_drained(const Pool& pool, uint64_t number);

// -- launches (pool_actor.cpp) --------------------------------------------------------------------

/// Starts what waits, as far as there are places.
void pump(const Pool& pool);

/// Answers what waits in the queue with this error.
void refuse_waiting(const Pool& pool, const Error& error);

} // namespace berth::pool
