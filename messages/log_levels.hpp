#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

namespace berth {

/// How important a line of the daemon's log is.
enum class LogLevel : uint8_t { debug, info, warn, error };

enum class LogFormat : uint8_t { text, json };

/// "debug" / "info" / "warn" / "error".
const char* to_string(LogLevel level);
/// "text" / "json".
const char* to_string(LogFormat format);

/// Nothing for anything but these names; "warning" means warn.
std::optional<LogLevel> parse_log_level(std::string_view text);

/// The parts of the daemon whose lines have levels of their own: the kinds of actors, the API, and the rest.
constexpr auto log_components = std::to_array<std::string_view>(
  {"node", "pool", "runtime", "selector", "container", "oom", "launcher", "journal", "event", "revision", "reload", "self_check",
   "api", "config", "berthd"});

bool is_log_component(std::string_view name);

/// Which lines are written.
struct LogLevels {
  LogLevel level = LogLevel::debug;
  /// Of components that have one of their own, by name.
  std::map<std::string, LogLevel, std::less<>> components;

  friend bool operator==(const LogLevels&, const LogLevels&) = default;
};

} // namespace berth
