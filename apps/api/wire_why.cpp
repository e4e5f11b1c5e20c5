#include "apps/api/wire.hpp"

#include <nlohmann/json.hpp>

namespace berth {

namespace {

using Json = nlohmann::ordered_json;

/// Whether a line of the precedence is the one that counts. An explanation that was not recorded has that line only.
bool wins(const Explanation& explanation, size_t index) {
  return explanation.precedence.size() == 1 || index == static_cast<size_t>(explanation.winner);
}

Json json_of(const UsedValue& value) {
  return {{"key", value.key}, {"value", value.value}, {"source", value.source}};
}

Json json_of(const Alternative& alternative) {
  return {{"way", alternative.way},
          {"runtime", to_string(alternative.runtime)},
          {"outcome", to_string(alternative.outcome)},
          {"why", alternative.why}};
}

Json json_of(const RuntimeFact& fact) {
  return {{"runtime", to_string(fact.kind)}, {"probed", fact.probed},     {"usable", fact.usable},
          {"reason", fact.reason},           {"version", fact.version},   {"platform", fact.platform},
          {"binary", fact.binary},           {"bootMs", fact.boot_ms}};
}

template <class Value>
Json json_of(const std::vector<Value>& values) {
  auto result = Json::array();
  for (const auto& value : values)
    result.push_back(json_of(value));
  return result;
}

} // namespace

std::string to_wire(const Explanation& explanation) {
  auto precedence = json_of(explanation.precedence);
  for (size_t i = 0; i < precedence.size(); ++i)
    precedence[i]["wins"] = wins(explanation, i);
  auto is_decided = explanation.rule != SelectionRule::none;
  auto json = Json{
    {"pool", explanation.pool.value},
    {"gpus", explanation.gpus},
    {"checkpoint", explanation.checkpoint},
    {"asked",
     {{"memory", explanation.asked.memory_bytes},
      {"cpuMillis", explanation.asked.cpu_millis},
      {"pids", explanation.asked.pids}}},
    {"generation", explanation.generation},
    {"revision", explanation.revision},
    {"refused", explanation.refused},
    {"error", explanation.refused ? Json::parse(to_wire(explanation.error))["error"] : Json{}},
    {"rule", to_string(explanation.rule)},
    {"runtime", explanation.refused || !is_decided ? Json{} : Json(to_string(explanation.runtime))},
    {"configuredRuntime", is_decided ? Json(to_string(explanation.configured)) : Json{}},
    {"reason", explanation.refused || !is_decided ? Json{} : Json(to_string(explanation.reason))},
    {"precedence", std::move(precedence)},
    {"alternatives", json_of(explanation.alternatives)},
    {"runtimes", json_of(explanation.runtimes)},
    {"settings", json_of(explanation.settings)},
  };
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

} // namespace berth
