#include "actors/actor_card.hpp"
#include "apps/berthd/route_support.hpp"
#include "apps/berthd/routes.hpp"
#include "config/quantity.hpp"
#include "config/spelling.hpp"

#include <algorithm>
#include <charconv>

namespace berth {

namespace {

Result<SpanFilter> filter_of(const Query& query) {
  auto result = SpanFilter{};
  result.container.value = query.text("container");
  result.pool.value = query.text("pool");
  result.actor = query.text("actor");
  result.message = query.text("message");
  if (auto text = query.text("trace"); !text.empty()) {
    auto trace = parse_trace_id(text);
    if (!trace)
      return failure(ec::bad_request, "trace " + in_quotes(text), "not the id of a trace", "give 32 hexadecimal digits");
    result.trace = *trace;
  }
  if (auto text = query.text("slow"); !text.empty()) {
    auto slow = parse_duration(text);
    if (!slow)
      return failure(std::move(slow.error()));
    result.slow = *slow;
  }
  return result;
}

std::string lines_of(const SpanBatch& batch) {
  auto result = batch.missed > 0 ? gap_line(batch.missed) : std::string{};
  for (const auto& span : batch.spans)
    result += span_line(span);
  return result;
}

} // namespace

Result<void> get_trace(Call& call) {
  auto reading = reading_in(call.query);
  if (!reading)
    return failure(std::move(reading.error()));
  auto filter = filter_of(call.query);
  if (!filter)
    return failure(std::move(filter.error()));
  auto wish = ReadSpans{};
  wish.filter = std::move(*filter);
  if (reading->since) {
    wish.since = *reading->since;
  } else if (reading->follow) {
    // From now on.
    auto now = call.node.spans(call.api.trace, ReadSpans{0, 0});
    if (!now)
      return failure(std::move(now.error()));
    wish.since = now->cursor;
  }
  if (!reading->follow) {
    wish.max = span_batch_limit;
    auto batch = call.node.spans(call.api.trace, wish);
    if (!batch)
      return failure(std::move(batch.error()));
    return call.reply.send_json(200, to_wire(*batch));
  }
  if (auto begun = call.reply.begin_stream(ndjson_type); !begun)
    return begun;
  auto lines = LineStream{call.reply, call.api.heartbeat};
  for (;;) {
    wish.wait = std::min<std::chrono::milliseconds>(std::max(lines.until_heartbeat(), std::chrono::milliseconds{1}),
                                                    span_wait_limit);
    auto batch = call.node.spans(call.api.trace, wish);
    if (!batch)
      return failure(std::move(batch.error()));
    wish.since = batch->cursor;
    if (auto sent = lines.send(lines_of(*batch)); !sent)
      return sent;
    if (auto sent = lines.keep_alive(); !sent)
      return sent;
  }
}

Result<void> get_tracing(Call& call) {
  auto state = call.node.tracing(call.api.trace);
  if (!state)
    return failure(std::move(state.error()));
  return call.reply.send_json(200, to_wire(*state));
}

Result<void> set_tracing(Call& call) {
  auto text = call.query.text("mode");
  auto mode = parse_tracing_mode(text);
  if (!mode)
    return failure(ec::bad_request, "tracing mode " + in_quotes(text), "unknown", "write off, requested or all");
  auto state = call.node.set_tracing(call.api.trace, *mode);
  if (!state)
    return failure(std::move(state.error()));
  return call.reply.send_json(200, to_wire(*state));
}

Result<void> list_actors(Call& call) {
  auto actors = std::vector<ActorInfo>{};
  // Those of the API come and go with every request.
  for (const auto& card : actor_book().list())
    if (std::string_view{card->label().kind} != "api")
      actors.push_back(describe(*card));
  return call.reply.send_json(200, to_wire(actors));
}

Result<void> get_actor(Call& call) {
  auto number = uint64_t{0};
  const auto& text = call.target;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  auto cards = actor_book().list();
  auto card = std::find_if(cards.begin(), cards.end(), [&](const auto& x) { return x->number() == number; });
  if (error != std::errc{} || end != text.data() + text.size() || card == cards.end())
    return failure(ec::unknown_actor, "actor " + in_quotes(text), "there is none of this number", "see `berth actors`");
  auto actor = caf::actor_cast<caf::actor>((*card)->address());
  if (!actor)
    return failure(ec::unknown_actor, "actor " + text, "it has just ended", "see `berth actors`");
  auto state = call.node.describe(actor);
  if (!state)
    return failure(std::move(state.error()));
  return call.reply.send_json(200, to_wire(describe(**card), *state));
}

} // namespace berth
