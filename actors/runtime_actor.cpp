#include "actors/runtime_actor.hpp"

#include "actors/guard.hpp"

#include <caf/typed_response_promise.hpp>

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

} // namespace

RuntimeActor::behavior_type runtime_actor(Self self, ProbeRuntime probe, std::chrono::milliseconds deadline) {
  guard(self);
  return {
    [=](const PrepareRuntime&) -> caf::result<PreparedRuntime> {
      auto promise = self->make_response_promise<PreparedRuntime>();
      auto prober = self->spawn<caf::detached>(probe_actor, probe);
      self->request(prober, deadline, PrepareRuntime{})
        .then([promise](PreparedRuntime& prepared) mutable { promise.deliver(std::move(prepared)); },
              [promise](caf::error& err) mutable { promise.deliver(std::move(err)); });
      return promise;
    },
  };
}

} // namespace berth
