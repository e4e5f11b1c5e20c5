#include "actors/log.hpp"
#include "apps/berthd/routes.hpp"

namespace berth {

namespace {

Result<void> tell(Call& call) {
  return call.reply.send_json(200, to_wire(LogStatus{log::current_levels(), log::configured_levels()}));
}

} // namespace

Result<void> get_log(Call& call) {
  return tell(call);
}

Result<void> set_log(Call& call) {
  auto order = parse_log_request(call.request.body);
  if (!order)
    return failure(std::move(order.error()));
  if (order->component.empty() && order->level)
    log::set_level(*order->level);
  else if (order->component.empty())
    log::reset_levels();
  else if (order->level)
    log::set_level(order->component, *order->level);
  else
    log::reset_level(order->component);
  log::info("level of the log was set", {{"of", order->component.empty() ? "all" : order->component},
                                         {"to", order->level ? to_string(*order->level) : "what is configured"}});
  return tell(call);
}

} // namespace berth
