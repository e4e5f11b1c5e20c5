#include "actors/runtime_actor.hpp"

#include "actors/guard.hpp"

#include <algorithm>

namespace berth {

namespace {

using Self = RuntimeActor::stateful_pointer<RuntimeState>;

using ProbeActor = caf::typed_actor<caf::replies_to<PrepareRuntime>::with<PreparedRuntime>>;

/// Answers once, from its own thread, and ends.
ProbeActor::behavior_type probe_actor(ProbeActor::pointer self, ProbeRuntime probe) {
  guard(self);
  return {
    [=](const PrepareRuntime&) -> caf::result<PreparedRuntime> {
      self->quit();
      auto prepared = probe();
      if (!prepared)
        return to_caf(prepared.error());
      return std::move(*prepared);
    },
  };
}

void grant(Self self) {
  auto& state = self->state;
  while (state.free_slots > 0 && !state.waiting.empty()) {
    auto next = std::move(state.waiting.front());
    state.waiting.pop_front();
    --state.free_slots;
    state.holders.insert(next.holder);
    next.promise.deliver(StartSlot{});
  }
}

void give_back(Self self, const caf::actor_addr& holder) {
  auto& state = self->state;
  state.waiting.erase(std::remove_if(state.waiting.begin(), state.waiting.end(),
                                     [&](const auto& x) { return x.holder == holder; }),
                      state.waiting.end());
  if (state.holders.erase(holder) > 0)
    ++state.free_slots;
  grant(self);
}

} // namespace

RuntimeActor::behavior_type runtime_actor(Self self, ProbeRuntime probe, std::chrono::milliseconds deadline,
                                          uint32_t slots) {
  guard(self);
  self->state.free_slots = slots;
  self->set_down_handler([=](const caf::down_msg& down) { give_back(self, down.source); });
  return {
    [=](const PrepareRuntime&) -> caf::result<PreparedRuntime> {
      auto promise = self->make_response_promise<PreparedRuntime>();
      auto prober = self->spawn<caf::detached>(probe_actor, probe);
      self->request(prober, deadline, PrepareRuntime{})
        .then([promise](PreparedRuntime& prepared) mutable { promise.deliver(std::move(prepared)); },
              [promise](caf::error& err) mutable { promise.deliver(std::move(err)); });
      return promise;
    },
    [=](const TakeStartSlot&) -> caf::result<StartSlot> {
      auto holder = caf::actor_cast<caf::actor_addr>(self->current_sender());
      self->monitor(caf::actor_cast<caf::actor>(self->current_sender()));
      auto promise = self->make_response_promise<StartSlot>();
      self->state.waiting.push_back({std::move(holder), promise});
      grant(self);
      return promise;
    },
    [=](const ReturnStartSlot&) { give_back(self, caf::actor_cast<caf::actor_addr>(self->current_sender())); },
  };
}

} // namespace berth
