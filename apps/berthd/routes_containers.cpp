#include "apps/berthd/route_support.hpp"
#include "apps/berthd/routes.hpp"

namespace berth {

Result<void> list_containers(Call& call) {
  auto all = call.query.flag("all");
  if (!all)
    return failure(std::move(all.error()));
  auto pool = PoolName{call.query.text("pool")};
  if (call.query.has("pool"))
    if (auto found = find_pool(call.node, pool); !found)
      return failure(std::move(found.error()));
  auto containers = call.node.containers(*all, pool);
  if (!containers)
    return failure(std::move(containers.error()));
  return call.reply.send_json(200, to_wire(*containers));
}

Result<void> get_container(Call& call) {
  auto container = describe_target(call);
  if (!container)
    return failure(std::move(container.error()));
  return call.reply.send_json(200, to_wire(*container));
}

Result<void> remove_container(Call& call) {
  auto id = container_in(call);
  auto force = call.query.flag("force");
  if (!id)
    return failure(std::move(id.error()));
  if (!force)
    return failure(std::move(force.error()));
  if (auto removed = call.node.remove(*id, *force); !removed)
    return removed;
  return call.reply.send(204, {}, {});
}

Result<void> stop_container(Call& call) {
  auto id = container_in(call);
  auto timeout = call.query.seconds("timeout");
  if (!id)
    return failure(std::move(id.error()));
  if (!timeout)
    return failure(std::move(timeout.error()));
  auto container = call.node.describe(*id);
  if (!container)
    return failure(std::move(container.error()));
  // The container knows the grace period that it was started with; none is longer than a day.
  auto longest = timeout->value_or(std::chrono::hours{24});
  auto ended =
      call.node.stop(*id, timeout->value_or(std::chrono::milliseconds{-1}), longest + stop_slack);
  if (!ended)
    return failure(std::move(ended.error()));
  return call.reply.send_json(200, to_wire(*ended));
}

Result<void> kill_container(Call& call) {
  auto id = container_in(call);
  auto signal = parse_signal(call.query.has("signal") ? call.query.text("signal") : "KILL");
  if (!id)
    return failure(std::move(id.error()));
  if (!signal)
    return failure(std::move(signal.error()));
  if (auto sent = call.node.signal(*id, *signal); !sent)
    return sent;
  return call.reply.send(204, {}, {});
}

Result<void> wait_container(Call& call) {
  auto id = container_in(call);
  if (!id)
    return failure(std::move(id.error()));
  // The watch comes first: an end between the two is seen by one of them.
  auto watch = EndWatch::begin(call.node, *id);
  if (!watch)
    return failure(std::move(watch.error()));
  auto container = call.node.describe(*id);
  if (!container)
    return failure(std::move(container.error()));
  auto ended = has_ended(*container) ? std::optional{*container} : std::nullopt;
  while (!ended) {
    auto batch = call.node.events(watch->wish(event_wait_limit));
    if (!batch)
      return failure(std::move(batch.error()));
    watch->take(*batch, container->accepted_at);
    if (!watch->worth_a_look())
      continue;
    auto seen = watch->look(call.node, *container);
    if (!seen)
      return failure(std::move(seen.error()));
    ended = std::move(*seen);
  }
  return call.reply.send_json(200, to_wire(*ended));
}

Result<void> get_stats(Call& call) {
  auto container = describe_target(call);
  if (!container)
    return failure(std::move(container.error()));
  if (container->pid == 0)
    return failure(ec::wrong_state, "container \"" + container->spec.id.value + "\"",
                   std::string{"it is "} + to_string(container->state),
                   "only running containers use anything");
  auto time = now();
  auto stats = call.api.stats(*container);
  if (!stats)
    return failure(std::move(stats.error()));
  return call.reply.send_json(200, to_wire(*container, *stats, time));
}

} // namespace berth
