#include "apps/berthd/routes.hpp"

namespace berth {

namespace {

/// A change that has begun is carried out whether its client waits for it or not.
Result<void> send(Call& call, Result<Receipt> receipt) {
  if (!receipt)
    return failure(std::move(receipt.error()));
  return call.reply.send_json(200, to_wire(*receipt));
}

} // namespace

Result<void> plan_config(Call& call) {
  auto order = parse_plan_request(call.request.body);
  if (!order)
    return failure(std::move(order.error()));
  auto plan = call.node.plan(std::move(*order));
  if (!plan)
    return failure(std::move(plan.error()));
  return call.reply.send_json(200, to_wire(*plan));
}

Result<void> apply_config(Call& call) {
  auto order = parse_apply_request(call.request.body);
  if (!order)
    return failure(std::move(order.error()));
  order->options.origin = "apply";
  return send(call, call.node.apply(std::move(*order)));
}

Result<void> roll_back(Call& call) {
  auto order = parse_rollback_request(call.request.body);
  if (!order)
    return failure(std::move(order.error()));
  order->options.origin = "rollback";
  return send(call, call.node.roll_back(std::move(*order)));
}

Result<void> list_revisions(Call& call) {
  auto revisions = call.node.revisions();
  if (!revisions)
    return failure(std::move(revisions.error()));
  return call.reply.send_json(200, to_wire(*revisions));
}

} // namespace berth
