#include "apps/berth/settings_report.hpp"

#include "config/describe_settings.hpp"

#include <nlohmann/json.hpp>

namespace berth::cli {

namespace {

using Json = nlohmann::ordered_json;

std::string to_text(const Json& json) {
  return json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

} // namespace

std::string errors_as_json(const std::vector<ConfigError>& errors) {
  auto json = Json{{"valid", false}, {"errors", Json::array()}};
  for (auto& error : errors)
    json["errors"].push_back({{"file", error.where.file},
                              {"line", error.where.line},
                              {"column", error.where.column},
                              {"path", error.path},
                              {"what", error.what}});
  return to_text(json);
}

std::string settings_as_json(const Settings& settings) {
  auto json =
    Json{{"valid", true}, {"settings", Json::array()}, {"notices", Json::array()}, {"ignored", Json::array()}};
  for (auto& row : describe(settings))
    json["settings"].push_back({{"path", row.path}, {"value", row.value}, {"source", row.source}});
  for (auto& notice : settings.notices)
    json["notices"].push_back({{"path", notice.path}, {"what", notice.what}, {"origin", to_string(notice.origin)}});
  for (auto& key : settings.ignored)
    json["ignored"].push_back({{"path", key.path}, {"why", key.why}, {"origin", to_string(key.origin)}});
  return to_text(json);
}

} // namespace berth::cli
