#include "apps/berth/log_text.hpp"

#include "apps/berth/table.hpp"

#include <nlohmann/json.hpp>

namespace berth::cli {

namespace {

using Json = nlohmann::ordered_json;

/// What differs from the configuration is what the reader looks for.
void add(Table& table, const std::string& name, const Json& row) {
  auto level = row.value("level", "");
  auto configured = row.value("configuredLevel", "");
  table.add({{name}, {level, level == configured ? Tone::plain : Tone::warning}, {configured, Tone::faint}});
}

} // namespace

Answer<std::string> describe_log(std::string_view json, bool in_colour) {
  auto status = Json::parse(json, nullptr, false);
  if (!status.is_object() || !status.value("components", Json{}).is_array())
    return fail("bad_answer", "the daemon gave an answer that is not understood");
  auto table = Table{{{"COMPONENT"}, {"LEVEL"}, {"CONFIGURED"}}};
  add(table, "(all)", status);
  for (const auto& component : status["components"])
    if (component.is_object())
      add(table, component.value("component", ""), component);
  return table.render(in_colour);
}

std::string log_request(const LogOptions& options) {
  auto request = Json{{"level", options.level}};
  if (!options.component.empty())
    request["component"] = options.component;
  return request.dump();
}

} // namespace berth::cli
