#include "actors/guard.hpp"
#include "actors/node_parts.hpp"
#include "actors/policy/explain_launch.hpp"
#include "runtimes/launch_check.hpp"

namespace berth::node {

namespace {

std::string names_of(const std::map<PoolName, NodeState::PoolPtr>& pools) {
  auto result = std::string{};
  for (const auto& [name, actor] : pools)
    result += (result.empty() ? "" : ", ") + name.value;
  return result;
}

} // namespace

Error unknown_pool(const NodeState& state, const PoolName& name) {
  return {ec::unknown_pool, "pool \"" + name.value + "\"", "it is not configured",
          state.pools.empty() ? "the configuration has no pools" : "the pools are: " + names_of(state.pools)};
}

caf::result<Explanation> on_explain(const Node& node, const ExplainLaunch& launch) {
  auto& state = node.state();
  auto pool = state.pools.find(launch.pool);
  if (pool == state.pools.end())
    return explain_refusal(launch, unknown_pool(state, launch.pool));
  if (auto checked = check_limits(launch.limits); !checked)
    return explain_refusal(launch, checked.error());
  if (pool->second->restarts.resting)
    return explain_refusal(launch, state.is_drained ? drained() : *pool->second->restarts.resting);
  auto promise = node.self->make_response_promise<Explanation>();
  node.self->request(pool->second->actor, explain_deadline, launch)
    .then(
      [=](Explanation& explanation) mutable {
        // A drained node does not even look at the pool.
        if (node.state().is_drained) {
          explanation.refused = true;
          explanation.error = drained();
        }
        promise.deliver(std::move(explanation));
      },
      [=](caf::error& err) mutable { promise.deliver(std::move(err)); });
  return promise;
}

} // namespace berth::node
