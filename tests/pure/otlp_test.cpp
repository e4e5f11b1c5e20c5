#include "runtimes/otlp.hpp"

#include "tests/support/catch.hpp"

#include <nlohmann/json.hpp>

#include <set>

using namespace berth;
using Json = nlohmann::json;

namespace {

/// The keys that opentelemetry-proto v1 gives these messages in JSON (ExportTraceServiceRequest and below).
void check_keys(const Json& object, const std::set<std::string>& known) {
  REQUIRE(object.is_object());
  for (const auto& [key, value] : object.items()) {
    INFO(key);
    CHECK(known.count(key) == 1);
  }
}

void check_attributes(const Json& attributes) {
  REQUIRE(attributes.is_array());
  for (const auto& attribute : attributes) {
    check_keys(attribute, {"key", "value"});
    CHECK_FALSE(attribute["key"].get<std::string>().empty());
    check_keys(attribute["value"], {"stringValue", "boolValue", "intValue", "doubleValue", "arrayValue", "kvlistValue", "bytesValue"});
    CHECK(attribute["value"].size() == 1);
    // 64-bit integers are texts in the JSON form of protobuf.
    if (attribute["value"].contains("intValue"))
      CHECK(attribute["value"]["intValue"].is_string());
  }
}

bool is_hex(const Json& text, size_t size) {
  auto value = text.get<std::string>();
  return value.size() == size && value.find_first_not_of("0123456789abcdef") == std::string::npos;
}

SpanInfo message() {
  auto span = SpanInfo{};
  span.trace = {0x4bf92f3577b34da6, 0xa3ce929d0e0e4736};
  span.id = 0xf067aa0ba902b7;
  span.parent = 1;
  span.name = "LaunchOrder";
  span.from = {"node", 3, {}, {}};
  span.to = {"pool", 4, {"web"}, {}};
  span.queued = {1'700'000'000'123'456'789};
  span.began = {1'700'000'000'123'456'999};
  span.ended = {1'700'000'000'123'999'999};
  return span;
}

} // namespace

TEST_CASE("spans become what the published schema of OTLP has", "[trace]") {
  auto root = message();
  root.kind = SpanKind::request;
  root.parent = 0;
  root.name = "POST \"\xff\"";
  auto failed = message();
  failed.outcome = SpanOutcome::failed;
  failed.code = "unknown_pool";
  auto dropped = message();
  dropped.outcome = SpanOutcome::dropped;
  auto request = Json::parse(to_otlp({root, message(), failed, dropped}, {"berthd", "1.2.3", "node-1"}));
  check_keys(request, {"resourceSpans"});
  REQUIRE(request["resourceSpans"].size() == 1);
  const auto& resource = request["resourceSpans"][0];
  check_keys(resource, {"resource", "scopeSpans", "schemaUrl"});
  check_keys(resource["resource"], {"attributes", "droppedAttributesCount"});
  check_attributes(resource["resource"]["attributes"]);
  CHECK(resource["resource"]["attributes"][0] == Json{{"key", "service.name"}, {"value", {{"stringValue", "berthd"}}}});
  REQUIRE(resource["scopeSpans"].size() == 1);
  check_keys(resource["scopeSpans"][0], {"scope", "spans", "schemaUrl"});
  const auto& spans = resource["scopeSpans"][0]["spans"];
  REQUIRE(spans.size() == 4);
  for (const auto& span : spans) {
    check_keys(span, {"traceId", "spanId", "traceState", "parentSpanId", "flags", "name", "kind", "startTimeUnixNano",
                      "endTimeUnixNano", "attributes", "droppedAttributesCount", "events", "droppedEventsCount", "links",
                      "droppedLinksCount", "status"});
    CHECK(is_hex(span["traceId"], 32));
    CHECK(is_hex(span["spanId"], 16));
    CHECK((span["kind"].get<int>() >= 1 && span["kind"].get<int>() <= 5));
    CHECK(span["startTimeUnixNano"] == "1700000000123456789");
    CHECK(span["endTimeUnixNano"] == "1700000000123999999");
    check_attributes(span["attributes"]);
    check_keys(span["status"], {"code", "message"});
    for (const auto& event : span["events"])
      check_keys(event, {"timeUnixNano", "name", "attributes", "droppedAttributesCount"});
  }
  CHECK_FALSE(spans[0].contains("parentSpanId"));
  CHECK(spans[1]["parentSpanId"] == "0000000000000001");
  CHECK(spans[1]["spanId"] == "00f067aa0ba902b7");
  CHECK(spans[1]["status"] == Json::object());
  CHECK(spans[1]["events"][0]["timeUnixNano"] == "1700000000123456999");
  CHECK(spans[2]["status"] == Json{{"code", 2}, {"message", "unknown_pool"}});
  CHECK(spans[3]["status"] == Json{{"code", 2}, {"message", "dropped"}});
  CHECK(spans[3]["events"].empty());
}
