#include "actors/runtime_actor.hpp"

#include "actors/guard.hpp"

#include <caf/typed_response_promise.hpp>

namespace berth {

namespace {

using Self = SelfPointer<RuntimeActor, RuntimeState>;

using ProbeActor = caf::typed_actor<caf::replies_to<PrepareRuntime>::with<PreparedRuntime>>;

/// Answers once, from its own thread, and ends.
ProbeActor::behavior_type probe_actor(Observed<ProbeActor::base>* self, ProbeRuntime probe, ActorLabel label) {
  label.kind = "probe";
  guard(self, std::move(label));
  return {
    [=](const PrepareRuntime&) -> caf::result<PreparedRuntime> {
      self->quit();
      auto work = Work{"runtime: probe"};
      auto prepared = probe();
      if (!prepared)
        work.fail(prepared.error().code);
      if (!prepared)
        return to_caf(prepared.error());
      return std::move(*prepared);
    },
  };
}

} // namespace

RuntimeActor::behavior_type runtime_actor(Self self, ProbeRuntime probe, std::chrono::milliseconds deadline,
                                          RuntimeKind kind, PoolName pool) {
  auto label = ActorLabel{.pool = std::move(pool), .detail = to_string(kind)};
  guard(self, label);
  return {
    [=](const PrepareRuntime&) -> caf::result<PreparedRuntime> {
      auto promise = self->make_response_promise<PreparedRuntime>();
      auto prober = self->spawn<caf::detached>(probe_actor, probe, label);
      self->request(prober, deadline, PrepareRuntime{})
        .then([promise](PreparedRuntime& prepared) mutable { promise.deliver(std::move(prepared)); },
              [promise](caf::error& err) mutable { promise.deliver(std::move(err)); });
      return promise;
    },
  };
}

} // namespace berth
