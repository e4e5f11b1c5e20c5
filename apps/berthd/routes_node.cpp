#include "apps/berthd/route_support.hpp"
#include "apps/berthd/routes.hpp"

#include <algorithm>

namespace berth {

Result<void> get_version(Call& call) {
  return call.reply.send_json(200, to_wire(call.api.version));
}

Result<void> get_openapi(Call& call) {
  return call.reply.send(200, yaml_type, openapi_text);
}

Result<void> get_reconciliation(Call& call) {
  static const auto nothing = Ledger{};
  return call.reply.send_json(200, to_wire(call.api.ledger ? *call.api.ledger : nothing));
}

Result<void> drain_node(Call& call) {
  auto deadline = call.query.seconds("deadline");
  if (!deadline)
    return failure(std::move(deadline.error()));
  auto report = call.node.drain(deadline->value_or(std::chrono::milliseconds{0}));
  if (!report)
    return failure(std::move(report.error()));
  return call.reply.send_json(200, to_wire(*report));
}

Result<void> undrain_node(Call& call) {
  if (auto done = call.node.undrain(); !done)
    return done;
  return call.reply.send(204, {}, {});
}

Result<void> get_health(Call& call) {
  auto health = call.node.health(call.api.self_check);
  if (!health)
    return failure(std::move(health.error()));
  return call.reply.send_json(health->silent.empty() ? 200 : 503, to_wire(*health));
}

Result<void> list_pools(Call& call) {
  auto pools = call.node.pools();
  if (!pools)
    return failure(std::move(pools.error()));
  return call.reply.send_json(200, to_wire(*pools));
}

Result<void> get_pool(Call& call) {
  auto pool = find_pool(call.node, PoolName{call.target});
  if (!pool)
    return failure(std::move(pool.error()));
  return call.reply.send_json(200, to_wire(*pool));
}

} // namespace berth
