#pragma once

#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>

/// The daemon's log: one line per event, a fixed message and `key=value` fields. Operators search for the messages, so they
/// are part of the interface. Only actors and apps log; everything below returns errors instead.
namespace berth::log {

enum class Level : uint8_t { debug, info, warn, error };

struct Field {
  std::string_view key;
  std::string value;
};

/// Sets the lowest level that is written. Lines go to stderr.
void set_level(Level level);

/// "debug", "info", "warn", "error"; false for anything else.
bool parse_level(std::string_view text, Level& level);

/// Writes `2026-01-02T03:04:05.678Z INFO  message key=value key="with spaces"`. Control characters in values are escaped:
/// a value never starts a new line.
void write(Level level, std::string_view message, std::initializer_list<Field> fields);

inline void debug(std::string_view message, std::initializer_list<Field> fields = {}) {
  write(Level::debug, message, fields);
}

inline void info(std::string_view message, std::initializer_list<Field> fields = {}) {
  write(Level::info, message, fields);
}

inline void warn(std::string_view message, std::initializer_list<Field> fields = {}) {
  write(Level::warn, message, fields);
}

inline void error(std::string_view message, std::initializer_list<Field> fields = {}) {
  write(Level::error, message, fields);
}

/// The text of a line without time; separate so that tests can hold it to the documentation.
std::string format_line(Level level, std::string_view message, std::initializer_list<Field> fields);

} // namespace berth::log
