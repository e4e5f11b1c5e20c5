#include "apps/berthd/route_support.hpp"
#include "apps/berthd/routes.hpp"

#include "config/spelling.hpp"

#include <algorithm>

namespace berth {

namespace {

constexpr uint32_t batch_size = 1000;

/// "container.oom" is a type, "container." a group of them.
Result<void> check_type(std::string_view type) {
  constexpr auto groups = std::to_array<std::string_view>({"container", "pool", "runtime", "node", "actor"});
  auto group = type.substr(0, type.find('.'));
  if (group.size() < type.size() && std::find(groups.begin(), groups.end(), group) != groups.end())
    return {};
  return failure(
      ec::bad_request, "event type " + in_quotes(type), "unknown",
      "write a type such as container.oom, or a group such as container. (with its dot)");
}

Result<EventFilter> filter_of(const Query& query) {
  auto result = EventFilter{};
  auto types = query.list("type");
  if (!types)
    return failure(std::move(types.error()));
  for (const auto& type : *types)
    if (auto ok = check_type(type); !ok)
      return failure(std::move(ok.error()));
  result.types = std::move(*types);
  result.pool.value = query.text("pool");
  result.container.value = query.text("container");
  return result;
}

std::string lines_of(const EventBatch& batch, bool tell_gap) {
  auto result = std::string{};
  if (batch.missed > 0 && tell_gap)
    result += gap_line(batch.missed);
  for (const auto& event : batch.events)
    result += event_line(event);
  return result;
}

} // namespace

Result<void> get_events(Call& call) {
  auto reading = reading_in(call.query);
  if (!reading)
    return failure(std::move(reading.error()));
  auto filter = filter_of(call.query);
  if (!filter)
    return failure(std::move(filter.error()));
  auto wish = ReadEvents{0, batch_size, std::chrono::milliseconds{0}, std::move(*filter)};
  auto cursor = call.node.event_cursor();
  if (!cursor)
    return failure(std::move(cursor.error()));
  // An event that has not happened yet was one of another node, or of a journal that is gone: all is news.
  auto restarted = reading->since.has_value() && *reading->since > *cursor;
  if (reading->since && !restarted)
    wish.since = *reading->since;
  else if (reading->follow && !restarted)
    wish.since = *cursor;
  // Who did not say where to begin has missed nothing at the beginning.
  auto tell_gap = reading->since.has_value();
  if (auto begun = call.reply.begin_stream(ndjson_type); !begun)
    return begun;
  auto lines = LineStream{call.reply, call.api.heartbeat};
  if (restarted)
    if (auto sent = lines.send(restart_line()); !sent)
      return sent;
  for (;;) {
    wish.wait = reading->follow
                    ? std::min<std::chrono::milliseconds>(lines.until_heartbeat(), event_wait_limit)
                    : std::chrono::milliseconds{0};
    auto batch = call.node.events(wish);
    if (!batch)
      return failure(std::move(batch.error()));
    wish.since = batch->cursor;
    if (auto sent = lines.send(lines_of(*batch, tell_gap)); !sent)
      return sent;
    tell_gap = true;
    // What is kept comes in parts, those that are not in memory any more first.
    if (!reading->follow && batch->cursor >= *cursor)
      return {};
    if (auto sent = lines.keep_alive(); !sent)
      return sent;
  }
}

} // namespace berth
