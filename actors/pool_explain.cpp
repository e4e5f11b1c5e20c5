#include "actors/guard.hpp"
#include "actors/policy/admission.hpp"
#include "actors/policy/explain_launch.hpp"
#include "actors/policy/pool_limits.hpp"
#include "actors/pool_parts.hpp"

namespace berth::pool {

namespace {

RuntimeFact fact_of(const Generation& generation, RuntimeKind kind) {
  auto fact = RuntimeFact{};
  fact.kind = kind;
  auto member = generation.members.find(kind);
  if (member == generation.members.end() || !member->second.prepared)
    return fact;
  const auto& prepared = *member->second.prepared;
  fact.probed = true;
  fact.usable = prepared.has_value();
  if (!prepared) {
    fact.reason = render(prepared.error());
    return fact;
  }
  fact.version = prepared->profile.version;
  fact.platform = prepared->profile.platform;
  fact.binary = prepared->profile.binary;
  fact.boot_ms = prepared->boot_time.count();
  return fact;
}

GenerationFacts facts_of(const Generation& generation) {
  auto configured = generation.settings->runtime.value;
  auto facts = GenerationFacts{generation.number, generation.revision, generation.settings, {fact_of(generation, configured)}};
  if (configured != RuntimeKind::runc)
    facts.runtimes.push_back(fact_of(generation, RuntimeKind::runc));
  return facts;
}

/// With what a launch would be refused before anybody asks for its runtime, in the order of a real one.
std::optional<Error> refusal_of(const Pool& pool, const ExplainLaunch& launch) {
  const auto& state = pool.state();
  if (state.retired)
    return not_configured(pool);
  if (auto limits = apply_pool_limits(launch.limits, pool.settings()); !limits)
    return limits.error();
  if (auto error = resting(pool.current()))
    return error;
  auto admission = admit(false, taken(pool), state.queue.size(), pool.settings().max_containers.value,
                         pool.settings().queue.value.length);
  if (admission == Admission::refuse)
    return full(pool);
  return std::nullopt;
}

void explain_now(const Pool& pool, const ExplainLaunch& launch, caf::typed_response_promise<Explanation> promise) {
  auto facts = facts_of(pool.current());
  auto refusal = refusal_of(pool, launch);
  if (refusal && !pool.current().selector) {
    promise.deliver(explain_refusal(launch, *refusal));
    return;
  }
  pool.self->request(pool.current().selector, select_deadline, LaunchNeeds{launch.gpus, launch.checkpoint})
    .then([=](const SelectionTrail& trail) mutable { promise.deliver(explain_launch(facts, launch, trail, refusal)); },
          [=](caf::error& err) mutable {
            // A SELECTOR that has died comes back, or the pool rests.
            if (refusal)
              promise.deliver(explain_refusal(launch, *refusal));
            else
              promise.deliver(std::move(err));
          });
}

} // namespace

caf::result<Explanation> on_explain(const Pool& pool, const ExplainLaunch& launch) {
  auto promise = pool.self->make_response_promise<Explanation>();
  if (pool.current().condition == PoolState::preparing && !resting(pool.current()))
    pool.state().explaining.push_back({launch, promise});
  else
    explain_now(pool, launch, promise);
  return promise;
}

void explain_waiting(const Pool& pool) {
  for (auto& waiting : std::exchange(pool.state().explaining, {}))
    explain_now(pool, waiting.launch, std::move(waiting.promise));
}

SharedExplanation explain(Generation& generation, const ExplainLaunch& launch, const SelectionTrail& trail) {
  return generation.explanations.share(explain_launch(facts_of(generation), launch, trail, std::nullopt));
}

} // namespace berth::pool
