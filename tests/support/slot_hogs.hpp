#pragma once

#include "messages/pool.hpp"
#include "tests/support/actor_world.hpp"

namespace berth::test {

/// Lets actors take more start slots of a pool than it has, so that its containers stay at their first step.
inline void take_all_slots(ActorWorld& world, const PoolActor& pool) {
  for (auto i = 0; i < 20; ++i)
    world.spawn([pool](caf::event_based_actor* self) -> caf::behavior {
      self->request(pool, std::chrono::seconds{1000}, TakeStartSlot{true}).then([](const StartSlot&) {});
      return {[](caf::unit_t) {}};
    });
}

} // namespace berth::test
