#include "apps/api/wire.hpp"

#include <nlohmann/json.hpp>

namespace berth {

namespace {

using Json = nlohmann::ordered_json;

std::string text_of(const Json& json) {
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

std::string hex(uint64_t value) {
  return value == 0 ? std::string{} : to_string(TraceId{0, value}).substr(16);
}

Json end_of(const SpanActor& actor) {
  return {{"kind", actor.kind}, {"actor", actor.number}, {"pool", actor.pool.value}, {"container", actor.container.value}};
}

Json to_json(const SpanInfo& span) {
  return {{"seq", span.seq},
          {"traceId", to_string(span.trace)},
          {"spanId", hex(span.id)},
          {"parentSpanId", hex(span.parent)},
          {"kind", to_string(span.kind)},
          {"name", span.name},
          {"from", end_of(span.from)},
          {"to", end_of(span.to)},
          {"queuedAt", to_string(span.queued)},
          {"beganAt", to_string(span.began)},
          {"endedAt", to_string(span.ended)},
          {"waitNs", span.began.ns - span.queued.ns},
          {"workNs", span.ended.ns - span.began.ns},
          {"outcome", to_string(span.outcome)},
          {"code", span.code}};
}

Json to_json(const ActorInfo& actor) {
  return {{"actor", actor.number},
          {"kind", actor.kind},
          {"pool", actor.pool.value},
          {"container", actor.container.value},
          {"detail", actor.detail},
          {"state", actor.state},
          {"mailbox", actor.mailbox},
          {"handled", actor.handled},
          {"busyNs", actor.busy.count()},
          {"restarts", actor.restarts}};
}

} // namespace

std::string span_line(const SpanInfo& span) {
  return text_of(to_json(span)) + "\n";
}

std::string to_wire(const SpanBatch& batch) {
  auto spans = Json::array();
  for (const auto& span : batch.spans)
    spans.push_back(to_json(span));
  return text_of({{"cursor", batch.cursor}, {"missed", batch.missed}, {"spans", std::move(spans)}});
}

std::string to_wire(const TracingState& state) {
  return text_of({{"mode", to_string(state.mode)},
                  {"kept", state.kept},
                  {"maxSpans", state.max_spans},
                  {"maxAgeMs", state.max_age.count()},
                  {"maxRate", state.max_rate},
                  {"recorded", state.recorded},
                  {"dropped", state.dropped},
                  {"refused", state.refused},
                  {"collector", state.collector},
                  {"exported", state.exported},
                  {"exportLost", state.export_lost},
                  {"exportError", state.export_error}});
}

std::string to_wire(const std::vector<ActorInfo>& actors) {
  auto list = Json::array();
  for (const auto& actor : actors)
    list.push_back(to_json(actor));
  return text_of(list);
}

std::string to_wire(const ActorInfo& actor, const ActorState& state) {
  auto knows = Json::object();
  for (const auto& [name, value] : state.texts)
    knows[name] = value;
  for (const auto& [name, value] : state.numbers)
    knows[name] = value;
  for (const auto& [name, value] : state.flags)
    knows[name] = value;
  for (const auto& [name, value] : state.lists)
    knows[name] = value;
  auto json = to_json(actor);
  json["knows"] = std::move(knows);
  return text_of(json);
}

} // namespace berth
