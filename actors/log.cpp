#include "actors/log.hpp"

#include <cstdio>

#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

namespace berth::log {

namespace {

spdlog::level::level_enum to_spdlog(Level level) {
  switch (level) {
    case Level::debug: return spdlog::level::debug;
    case Level::info: return spdlog::level::info;
    case Level::warn: return spdlog::level::warn;
    case Level::error: return spdlog::level::err;
  }
  return spdlog::level::err;
}

const char* padded_name(Level level) {
  switch (level) {
    case Level::debug: return "DEBUG ";
    case Level::info: return "INFO  ";
    case Level::warn: return "WARN  ";
    case Level::error: return "ERROR ";
  }
  return "ERROR ";
}

spdlog::logger& logger() {
  static auto instance = [] {
    auto result = spdlog::stderr_logger_mt("berthd");
    // Levels are part of the text, padded as operators know them.
    result->set_pattern("%Y-%m-%dT%H:%M:%S.%eZ %v", spdlog::pattern_time_type::utc);
    result->set_level(spdlog::level::debug);
    result->flush_on(spdlog::level::debug);
    return result;
  }();
  return *instance;
}

void append_value(std::string& out, std::string_view value) {
  auto plain = !value.empty() && value.find_first_of(" \"=\\\t") == std::string_view::npos;
  for (auto c : value)
    plain = plain && static_cast<unsigned char>(c) >= 0x20 && c != 0x7f;
  if (plain) {
    out += value;
    return;
  }
  out += '"';
  for (auto c : value) {
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (c == '\n') {
      out += "\\n";
    } else if (c == '\t') {
      out += "\\t";
    } else if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) {
      char buf[8];
      std::snprintf(buf, sizeof(buf), "\\x%02x", static_cast<unsigned char>(c));
      out += buf;
    } else {
      out += c;
    }
  }
  out += '"';
}

} // namespace

void set_level(Level level) {
  logger().set_level(to_spdlog(level));
}

bool parse_level(std::string_view text, Level& level) {
  for (auto candidate : {Level::debug, Level::info, Level::warn, Level::error}) {
    auto name = spdlog::level::to_string_view(to_spdlog(candidate));
    if (text == std::string_view{name.data(), name.size()} || (candidate == Level::warn && text == "warn")) {
      level = candidate;
      return true;
    }
  }
  return false;
}

std::string format_line(Level level, std::string_view message, std::initializer_list<Field> fields) {
  auto line = std::string{padded_name(level)};
  line += message;
  for (const auto& field : fields) {
    line += ' ';
    line += field.key;
    line += '=';
    append_value(line, field.value);
  }
  return line;
}

void write(Level level, std::string_view message, std::initializer_list<Field> fields) {
  auto& out = logger();
  if (out.should_log(to_spdlog(level)))
    out.log(to_spdlog(level), "{}", format_line(level, message, fields));
}

} // namespace berth::log
