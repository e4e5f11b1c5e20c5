#include "runtimes/otlp.hpp"

#include <nlohmann/json.hpp>

namespace berth {

namespace {

using Json = nlohmann::ordered_json;

/// Numbers of the enum SpanKind of OTLP.
constexpr int kind_internal = 1;
constexpr int kind_server = 2;
constexpr int kind_consumer = 5;
/// Of Status.StatusCode.
constexpr int status_error = 2;

std::string hex(uint64_t id) {
  return to_string(TraceId{0, id}).substr(16);
}

int kind_of(const SpanInfo& span) {
  switch (span.kind) {
    case SpanKind::request: return kind_server;
    case SpanKind::message:
    case SpanKind::answer: return kind_consumer;
    case SpanKind::work: return kind_internal;
  }
  return kind_internal;
}

class Attributes {
public:
  void add(const char* key, const std::string& value) {
    if (!value.empty())
      list_.push_back({{"key", key}, {"value", {{"stringValue", value}}}});
  }

  void add(const char* key, uint64_t value) {
    if (value != 0)
      list_.push_back({{"key", key}, {"value", {{"intValue", std::to_string(value)}}}});
  }

  void add_end(const std::string& prefix, const SpanActor& actor) {
    add((prefix + ".kind").c_str(), actor.kind);
    add((prefix + ".actor").c_str(), actor.number);
    add((prefix + ".pool").c_str(), actor.pool.value);
    add((prefix + ".container").c_str(), actor.container.value);
  }

  Json take() {
    return std::move(list_);
  }

private:
  Json list_ = Json::array();
};

Json to_json(const SpanInfo& span) {
  auto attributes = Attributes{};
  attributes.add("berth.span.kind", to_string(span.kind));
  attributes.add_end("berth.from", span.from);
  attributes.add_end("berth.to", span.to);
  attributes.add("error.type", span.code);
  auto json = Json{{"traceId", to_string(span.trace)},
                   {"spanId", hex(span.id)},
                   {"name", span.name},
                   {"kind", kind_of(span)},
                   {"startTimeUnixNano", std::to_string(span.queued.ns)},
                   {"endTimeUnixNano", std::to_string(span.ended.ns)},
                   {"attributes", attributes.take()},
                   {"events", Json::array()},
                   {"status", Json::object()}};
  if (span.parent != 0)
    json["parentSpanId"] = hex(span.parent);
  if (span.began != span.queued && span.outcome != SpanOutcome::dropped)
    json["events"].push_back({{"timeUnixNano", std::to_string(span.began.ns)}, {"name", "handling"}});
  if (span.outcome != SpanOutcome::ok)
    json["status"] = {{"code", status_error}, {"message", span.code.empty() ? to_string(span.outcome) : span.code}};
  return json;
}

} // namespace

std::string to_otlp(const std::vector<SpanInfo>& spans, const OtlpResource& resource) {
  auto about = Attributes{};
  about.add("service.name", resource.service);
  about.add("service.version", resource.version);
  about.add("host.name", resource.host);
  auto list = Json::array();
  for (const auto& span : spans)
    list.push_back(to_json(span));
  auto scope = Json{{"scope", {{"name", "berth"}, {"version", resource.version}}}, {"spans", std::move(list)}};
  auto json = Json{{"resourceSpans", Json::array({Json{{"resource", {{"attributes", about.take()}}},
                                                       {"scopeSpans", Json::array({std::move(scope)})}}})}};
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

} // namespace berth
