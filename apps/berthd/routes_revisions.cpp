#include "apps/berthd/routes.hpp"

namespace berth {

namespace {

/// A change that has begun is carried out whether its client waits for it or not.
Result<void> send(Call& call, Result<Receipt> receipt) {
  if (!receipt)
    return failure(std::move(receipt.error()));
  return call.reply.send_json(200, to_wire(*receipt));
}

/// Refuses a configuration that is too large to be read; nothing if it is not.
std::optional<Result<void>> refuse_too_large(Call& call, const std::vector<ConfigFile>& files) {
  auto bytes = size_t{0};
  for (const auto& file : files)
    bytes += file.text.size();
  auto objection = objection_to_size(files.size(), bytes);
  if (objection.empty())
    return std::nullopt;
  return call.reply.send_json(413, to_wire(Error{ec::invalid_config, "configuration", std::move(objection),
                                                 "berthd could not start with it either: make it smaller"}));
}

} // namespace

Result<void> plan_config(Call& call) {
  auto order = parse_plan_request(call.request.body);
  if (!order)
    return failure(std::move(order.error()));
  if (auto refused = refuse_too_large(call, order->files))
    return *refused;
  auto plan = call.node.plan(std::move(*order));
  if (!plan)
    return failure(std::move(plan.error()));
  return call.reply.send_json(200, to_wire(*plan));
}

Result<void> apply_config(Call& call) {
  auto order = parse_apply_request(call.request.body);
  if (!order)
    return failure(std::move(order.error()));
  if (auto refused = refuse_too_large(call, order->files))
    return *refused;
  order->options.origin = "apply";
  return send(call, call.node.apply(std::move(*order)));
}

Result<void> reload_config(Call& call) {
  auto order = parse_reload_request(call.request.body);
  if (!order)
    return failure(std::move(order.error()));
  order->options.origin = "reload";
  return send(call, call.node.reload(call.api.reload, std::move(*order)));
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
