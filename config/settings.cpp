#include "config/settings.hpp"

namespace berth {

LogLevels NodeSettings::levels_of_log() const {
  auto result = LogLevels{log_level.value, {}};
  for (const auto& [component, level] : log_levels)
    result.components.emplace(component, level.value);
  return result;
}

std::string to_string(const Origin& origin) {
  if (origin.file.empty())
    return "default";
  // A file that cannot be read at all has no line.
  if (origin.line == 0)
    return origin.file;
  return origin.file + ':' + std::to_string(origin.line) + ':' + std::to_string(origin.column);
}

const char* to_string(OverridePolicy policy) {
  switch (policy) {
    case OverridePolicy::allow: return "allow";
    case OverridePolicy::deny: return "deny";
  }
  return "?";
}

const char* to_string(UnavailablePolicy policy) {
  switch (policy) {
    case UnavailablePolicy::fallback: return "fallback";
    case UnavailablePolicy::fail: return "fail";
  }
  return "?";
}

} // namespace berth
