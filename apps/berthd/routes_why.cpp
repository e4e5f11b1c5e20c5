#include "actors/policy/explain_launch.hpp"
#include "apps/berthd/route_support.hpp"
#include "apps/berthd/routes.hpp"

namespace berth {

Result<void> explain_container(Call& call) {
  auto container = describe_target(call);
  if (!container)
    return failure(std::move(container.error()));
  return call.reply.send_json(200, to_wire(explanation_of(*container)));
}

Result<void> explain_launch(Call& call) {
  auto launch = parse_why_request(call.request.body);
  if (!launch)
    return failure(std::move(launch.error()));
  auto explanation = call.node.explain(*launch);
  if (!explanation)
    return failure(std::move(explanation.error()));
  return call.reply.send_json(200, to_wire(*explanation));
}

} // namespace berth
