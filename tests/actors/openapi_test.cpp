#include "apps/berthd/routes.hpp"

#include "tests/support/catch.hpp"

#include <nlohmann/json.hpp>
#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <set>

using namespace berth;
using Json = nlohmann::json;
using Names = std::set<std::string>;

namespace {

YAML::Node description() {
  return YAML::Load(std::string{openapi_text});
}

/// Follows `$ref`.
YAML::Node resolved(const YAML::Node& node) {
  if (!node["$ref"])
    return node;
  auto path = node["$ref"].as<std::string>();
  auto result = description();
  for (size_t at = 2; at <= path.size();) {
    auto end = std::min(path.find('/', at), path.size());
    result.reset(result[path.substr(at, end - at)]);
    at = end + 1;
  }
  REQUIRE(result.IsDefined());
  return result;
}

YAML::Node schema(const std::string& name) {
  auto result = description()["components"]["schemas"][name];
  INFO(name);
  REQUIRE(result.IsDefined());
  return result;
}

Names keys_of(const YAML::Node& map) {
  auto result = Names{};
  for (const auto& entry : map)
    result.insert(entry.first.as<std::string>());
  return result;
}

Names keys_of(const Json& object) {
  auto result = Names{};
  for (const auto& [key, value] : object.items())
    result.insert(key);
  return result;
}

/// A value of JSON has exactly the keys that its schema describes, on all levels, and values of the
/// types there.
void check_value(const std::string& path, const Json& value, const YAML::Node& described) {
  auto schema = resolved(described);
  INFO(path << " = " << value.dump());
  if (value.is_null()) {
    CHECK((schema["nullable"] && schema["nullable"].as<bool>()));
    return;
  }
  auto type = schema["type"].as<std::string>();
  if (type == "object") {
    REQUIRE(value.is_object());
    if (!schema["properties"])
      return;
    CHECK(keys_of(value) == keys_of(schema["properties"]));
    for (const auto& [key, member] : value.items())
      if (schema["properties"][key])
        check_value(path + "." + key, member, schema["properties"][key]);
  } else if (type == "array") {
    REQUIRE(value.is_array());
    for (const auto& item : value)
      check_value(path + "[]", item, schema["items"]);
  } else if (type == "string") {
    CHECK(value.is_string());
  } else if (type == "integer") {
    CHECK(value.is_number_integer());
  } else if (type == "number") {
    CHECK(value.is_number());
  } else {
    CHECK(type == "boolean");
    CHECK(value.is_boolean());
  }
  if (schema["enum"] && value.is_string()) {
    auto allowed = Names{};
    for (const auto& item : schema["enum"])
      allowed.insert(item.as<std::string>());
    CHECK(allowed.count(value.get<std::string>()) == 1);
  }
}

ContainerInfo some_container() {
  auto info = ContainerInfo{};
  info.spec.id.value = "c-1";
  info.spec.pool.value = "web";
  info.spec.mounts = {{"/a", "/b", true}};
  info.state = ContainerState::exited;
  info.exit.at = Timestamp{1};
  return info;
}

Json to_json(const YAML::Node& node) {
  if (node.IsSequence()) {
    auto list = Json::array();
    for (const auto& item : node)
      list.push_back(to_json(item));
    return list;
  }
  if (node.IsMap()) {
    auto object = Json::object();
    for (const auto& entry : node)
      object[entry.first.as<std::string>()] = to_json(entry.second);
    return object;
  }
  // A quoted scalar is a text, whatever it looks like.
  auto scalar = node.as<std::string>();
  auto parsed = node.Tag() == "!" ? Json{} : Json::parse(scalar, nullptr, false);
  return parsed.is_number() || parsed.is_boolean() ? parsed : Json(scalar);
}

Json parse(const std::string& text) {
  return Json::parse(text);
}

Names parameters_of(const YAML::Node& path, const YAML::Node& operation, const std::string& where) {
  auto result = Names{};
  for (const auto& list : {path["parameters"], operation["parameters"]})
    for (const auto& entry : list) {
      auto parameter = resolved(entry);
      if (parameter["in"].as<std::string>() == where)
        result.insert(parameter["name"].as<std::string>());
    }
  return result;
}

std::string lower_case(std::string_view method) {
  auto result = std::string{method};
  std::transform(result.begin(), result.end(), result.begin(),
                 [](unsigned char c) { return std::tolower(c); });
  return result;
}

} // namespace

TEST_CASE("the description has exactly the operations that are served", "[openapi]") {
  auto described = Names{};
  for (const auto& path : description()["paths"])
    for (const auto& operation : path.second)
      if (operation.first.as<std::string>() != "parameters")
        described.insert(operation.first.as<std::string>() + " " + path.first.as<std::string>());
  auto served = Names{};
  for (const auto& route : routes)
    served.insert(lower_case(route.method) + " " + std::string{route.path});
  CHECK(described == served);
  CHECK(served.size() == routes.size());
}

TEST_CASE("every operation is described with its parameters and its body", "[openapi]") {
  auto ids = Names{};
  for (const auto& route : routes) {
    INFO(route.method << " " << route.path);
    auto path = description()["paths"][std::string{route.path}];
    auto operation = path[lower_case(route.method)];
    REQUIRE(operation.IsDefined());
    CHECK(ids.insert(operation["operationId"].as<std::string>()).second);
    CHECK(operation["summary"].IsDefined());
    CHECK(operation["responses"]["default"].IsDefined());
    auto query = Names{};
    for (auto name : route.query())
      query.insert(std::string{name});
    CHECK(parameters_of(path, operation, "query") == query);
    auto open = route.path.find('{');
    auto in_path =
        open == std::string_view::npos
            ? Names{}
            : Names{std::string{route.path.substr(open + 1, route.path.find('}') - open - 1)}};
    CHECK(parameters_of(path, operation, "path") == in_path);
    CHECK(operation["requestBody"].IsDefined() == (route.longest_body > 0));
  }
}

TEST_CASE("every reference in the description leads somewhere", "[openapi]") {
  auto text = openapi_text;
  auto count = 0;
  for (auto at = text.find("$ref: \""); at != std::string_view::npos;
       at = text.find("$ref: \"", at + 1)) {
    auto begin = at + std::string_view{"$ref: \""}.size();
    auto node = YAML::Node{};
    node["$ref"] = std::string{text.substr(begin, text.find('"', begin) - begin)};
    resolved(node);
    ++count;
  }
  CHECK(count > 20);
}

TEST_CASE("the description has the keys that are sent", "[openapi]") {
  auto container = some_container();
  check_value("Container", parse(to_wire(container)), schema("Container"));
  auto explanation = Explanation{};
  explanation.precedence = {{"worker.pools.web.runtime", "gvisor", "f:1:1"}};
  explanation.alternatives = {{"configured", RuntimeKind::gvisor, Outcome::chosen, "it works"}};
  explanation.runtimes = {{RuntimeKind::gvisor, true, true, {}, "1", "kvm", "/bin/runsc", 100}};
  explanation.settings = {{"worker.pools.web.oomGroup", "false", "default"}};
  check_value("Explanation", parse(to_wire(explanation)), schema("Explanation"));
  explanation.rule = SelectionRule::gvisor_configured;
  check_value("Explanation", parse(to_wire(explanation)), schema("Explanation"));
  explanation.refused = true;
  explanation.error = {ec::override_denied, "a", "b", "c"};
  check_value("Explanation", parse(to_wire(explanation)), schema("Explanation"));
  auto pool = PoolInfo{};
  pool.draining = {{1, RuntimeKind::gvisor, 2}};
  check_value("Pool", parse(to_wire(pool)), schema("Pool"));
  auto difference = SettingsDifference{{{{"web"}, PoolChangeKind::added, {{"runtime", "", "runc", "default"}}}},
                                       {{"berth.eventHistory", "1", "2", "f:1:1"}},
                                       {"berth.eventHistory"}};
  auto pinned = PinnedContainer{{"a"}, {"web"}, 1, RuntimeKind::runc, 7, 8, true};
  check_value("Plan", parse(to_wire(Plan{1, "d", difference, {pinned}})), schema("Plan"));
  auto receipt = Receipt{};
  receipt.time = Timestamp{1};
  receipt.difference = difference;
  receipt.pools = {PoolReceipt{}};
  receipt.pinned = {pinned};
  check_value("Receipt", parse(to_wire(receipt)), schema("Receipt"));
  check_value("Revision", parse(to_wire(RevisionInfos{{1, Timestamp{1}, "start", "d", difference, true}}))[0],
              schema("Revision"));
  check_value("Version", parse(to_wire(ServerVersion{"1", "n", Timestamp{1}, 1})),
              schema("Version"));
  auto ledger = Ledger{};
  ledger.notes = {"note"};
  ledger.entries = {{LedgerKind::runtime_record, "/r/x", Verdict::orphan, {}, "of no container", "busy"}};
  check_value("Ledger", parse(to_wire(ledger)), schema("Ledger"));
  check_value("DrainReport", parse(to_wire(DrainReport{3, 2})), schema("DrainReport"));
  check_value("Log", parse(to_wire(LogStatus{{LogLevel::info, {{"oom", LogLevel::debug}}}, {}})), schema("Log"));
  check_value("Health", parse(to_wire(Health{{{ActorKind::node, 1, {}}}, {"node"}})), schema("Health"));
  check_value("Trace", parse(to_wire(SpanBatch{{SpanInfo{}}, 1, 2})), schema("Trace"));
  check_value("Span", parse(span_line(SpanInfo{})), schema("Span"));
  check_value("Tracing", parse(to_wire(TracingState{})), schema("Tracing"));
  check_value("Actor", parse(to_wire(std::vector<ActorInfo>{ActorInfo{}}))[0], schema("Actor"));
  check_value("ActorState", parse(to_wire(ActorInfo{}, ActorState{{{"phase", "running"}}, {}, {}, {}})), schema("ActorState"));
  check_value("Stats", parse(to_wire(container, ContainerStats{}, Timestamp{1})), schema("Stats"));
  check_value("Event", parse(event_line(Event{1, Timestamp{1}, "a.b", {}, {}, 0, {}, {}, {}})),
              schema("Event"));
  check_value("RunningLine", parse(running_line(container)), schema("RunningLine"));
  check_value("ExitedLine", parse(exited_line(container)), schema("ExitedLine"));
  check_value("ExecExitedLine", parse(exited_line(0)), schema("ExecExitedLine"));
  check_value("OomLine", parse(oom_line(Event{1, Timestamp{1}, "a.b", {}, {}, 0, {}, {}, {}})),
              schema("OomLine"));
  check_value("Gap", parse(gap_line(1)), schema("Gap"));
  check_value("Restart", parse(restart_line()), schema("Restart"));
  // Of two keys for the same bytes, one is there.
  for (auto bytes : {"text", "\xff"}) {
    auto output = parse(output_line(LogStream::out, bytes));
    auto entry = parse(log_line({Timestamp{1}, LogStream::out, false, bytes}));
    for (auto* key : {"data", "base64"}) {
      output.emplace(key, "");
      entry.emplace(key, "");
    }
    check_value("OutputLine", output, schema("OutputLine"));
    check_value("LogLine", entry, schema("LogLine"));
  }
}

TEST_CASE("the description has every code of an error", "[openapi]") {
  auto described = Names{};
  for (const auto& code : schema("Error")["properties"]["error"]["properties"]["code"]["enum"])
    described.insert(code.as<std::string>());
  auto known = Names{};
  for (auto code = static_cast<uint8_t>(ec::bad_request);
       code <= static_cast<uint8_t>(ec::internal); ++code) {
    known.insert(to_string(static_cast<ec>(code)));
    check_value("Error", parse(to_wire(Error{static_cast<ec>(code), "a", "b", "c"})),
                schema("Error"));
  }
  CHECK(described == known);
}

TEST_CASE("the description has the keys that are taken, and its examples work", "[openapi]") {
  struct Row {
    std::string name;
    std::function<Result<void>(const std::string&)> take;
  };
  auto row = GENERATE(values<Row>({
      {"LaunchRequest",
       [](const std::string& body) {
         return parse_launch_request(body).map([](const auto&) {});
       }},
      {"WhyRequest",
       [](const std::string& body) {
         return parse_why_request(body).map([](const auto&) {});
       }},
      {"ExecRequest",
       [](const std::string& body) {
         return parse_exec_order(body).map([](const auto&) {});
       }},
      {"PlanRequest",
       [](const std::string& body) {
         return parse_plan_request(body).map([](const auto&) {});
       }},
      {"ApplyRequest",
       [](const std::string& body) {
         return parse_apply_request(body).map([](const auto&) {});
       }},
      {"ReloadRequest",
       [](const std::string& body) {
         return parse_reload_request(body).map([](const auto&) {});
       }},
      {"LogRequest",
       [](const std::string& body) {
         return parse_log_request(body).map([](const auto&) {});
       }},
      {"RollbackRequest",
       [](const std::string& body) {
         return parse_rollback_request(body).map([](const auto&) {});
       }},
  }));
  auto described = schema(row.name);
  auto keys = keys_of(described["properties"]);
  CHECK(keys_of(described["example"]) == keys);
  // The refusal of a key that is like none of them lists them all.
  auto refused = row.take(R"({"thisIsNoKeyAtAll":1})");
  REQUIRE_FALSE(refused);
  auto listed = Names{};
  auto text = refused.error().next.substr(std::string_view{"the keys are: "}.size());
  for (size_t at = 0; at < text.size();) {
    auto end = std::min(text.find(", ", at), text.size());
    listed.insert(text.substr(at, end - at));
    at = end + 2;
  }
  CHECK(listed == keys);
  auto example = to_json(described["example"]);
  INFO(example.dump());
  CHECK(row.take(example.dump()));
  for (const auto& required : described["required"]) {
    auto incomplete = example;
    incomplete.erase(required.as<std::string>());
    CHECK_FALSE(row.take(incomplete.dump()));
  }
}
