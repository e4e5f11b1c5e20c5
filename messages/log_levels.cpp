#include "messages/log_levels.hpp"

#include <algorithm>

namespace berth {

const char* to_string(LogLevel level) {
  switch (level) {
    case LogLevel::debug: return "debug";
    case LogLevel::info: return "info";
    case LogLevel::warn: return "warn";
    case LogLevel::error: return "error";
  }
  return "error";
}

const char* to_string(LogFormat format) {
  switch (format) {
    case LogFormat::text: return "text";
    case LogFormat::json: return "json";
  }
  return "text";
}

std::optional<LogLevel> parse_log_level(std::string_view text) {
  for (auto level : {LogLevel::debug, LogLevel::info, LogLevel::warn, LogLevel::error})
    if (text == to_string(level))
      return level;
  return text == "warning" ? std::optional{LogLevel::warn} : std::nullopt;
}

bool is_log_component(std::string_view name) {
  return std::find(log_components.begin(), log_components.end(), name) != log_components.end();
}

} // namespace berth
