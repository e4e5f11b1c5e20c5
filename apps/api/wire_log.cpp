#include "apps/api/wire.hpp"

#include <nlohmann/json.hpp>

namespace berth {

namespace {

using Json = nlohmann::ordered_json;

/// The level that counts for a component.
LogLevel level_of(const LogLevels& levels, std::string_view component) {
  auto own = levels.components.find(component);
  return own == levels.components.end() ? levels.level : own->second;
}

} // namespace

std::string to_wire(const LogStatus& status) {
  auto components = Json::array();
  for (auto component : log_components)
    components.push_back({{"component", component},
                          {"level", to_string(level_of(status.current, component))},
                          {"configuredLevel", to_string(level_of(status.configured, component))},
                          {"isOwn", status.current.components.contains(component)}});
  return Json{{"level", to_string(status.current.level)},
              {"configuredLevel", to_string(status.configured.level)},
              {"components", components}}
    .dump();
}

} // namespace berth
