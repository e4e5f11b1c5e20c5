#include "actors/log.hpp"

#include "runtimes/utf8.hpp"

#include <algorithm>
#include <array>
#include <cstdio>
#include <utility>

namespace berth::log {

namespace {

const char* padded_name(Level level) {
  switch (level) {
    case Level::debug: return "DEBUG ";
    case Level::info: return "INFO  ";
    case Level::warn: return "WARN  ";
    case Level::error: return "ERROR ";
  }
  return "ERROR ";
}

bool is_control(char c) {
  return static_cast<unsigned char>(c) < 0x20 || c == 0x7f;
}

void append_hex(std::string& out, const char* format, char c) {
  char buf[8];
  std::snprintf(buf, sizeof(buf), format, static_cast<unsigned>(static_cast<unsigned char>(c)));
  out += buf;
}

/// Length of the character at the beginning of `text`; 0 if it is not UTF-8.
size_t character(std::string_view text) {
  auto lead = static_cast<unsigned char>(text.front());
  if (lead < 0x80)
    return 1;
  auto size = size_t{lead >= 0xf0 ? 4u : lead >= 0xe0 ? 3u : 2u};
  return size <= text.size() && is_utf8(text.substr(0, size)) ? size : 0;
}

/// Gives every character to `good`, and every byte that belongs to none to `bad`.
template <class Good, class Bad>
void for_each_character(std::string_view text, Good good, Bad bad) {
  while (!text.empty()) {
    auto size = character(text);
    if (size > 0)
      good(text.substr(0, size));
    else
      bad(text.front());
    text.remove_prefix(std::max(size, size_t{1}));
  }
}

/// In quotes. `control` is a format for control characters; bytes that are not UTF-8 go to `bad`.
template <class Bad>
void append_quoted(std::string& out, std::string_view value, const char* control, Bad bad) {
  out += '"';
  for_each_character(
    value,
    [&](std::string_view c) {
      if (c == "\"" || c == "\\")
        out.append("\\").append(c);
      else if (c == "\n")
        out += "\\n";
      else if (c == "\t")
        out += "\\t";
      else if (is_control(c.front()))
        append_hex(out, control, c.front());
      else
        out += c;
    },
    bad);
  out += '"';
}

void append_text(std::string& out, std::string_view value) {
  auto is_plain = !value.empty() && value.find_first_of(" \"=\\") == std::string_view::npos
                  && std::none_of(value.begin(), value.end(), is_control) && is_utf8(value);
  if (is_plain)
    out += value;
  else
    append_quoted(out, value, "\\x%02x", [&](char byte) { append_hex(out, "\\x%02x", byte); });
}

void append_json(std::string& out, std::string_view value) {
  append_quoted(out, value, "\\u%04x", [&](char) { out += "\xef\xbf\xbd"; });
}

/// Calls `add` with the key and value of what the context knows and the line has not said.
template <class Add>
void add_context(const Context& context, std::initializer_list<Field> fields, Add add) {
  auto is_said = [&](std::string_view key) {
    return std::any_of(fields.begin(), fields.end(), [&](const Field& field) { return field.key == key; });
  };
  for (const auto& [key, value] : {std::pair<std::string_view, std::string_view>{"container_id", context.container_id},
                                   {"pool", context.pool},
                                   {"trace_id", context.trace_id}})
    if (!value.empty() && !is_said(key))
      add(key, value);
}

} // namespace

std::string format_text(Level level, std::string_view message, std::initializer_list<Field> fields, const Context& context) {
  auto line = std::string{padded_name(level)};
  line += message;
  auto add = [&](std::string_view key, std::string_view value) {
    line.append(" ").append(key).append("=");
    append_text(line, value);
  };
  for (const auto& field : fields)
    if (!field.key.empty())
      add(field.key, field.value);
  add_context(context, fields, add);
  return line;
}

std::string format_json(std::string_view time, Level level, std::string_view message, std::initializer_list<Field> fields,
                        const Context& context) {
  auto line = std::string{};
  auto add = [&](std::string_view key, std::string_view value) {
    line += line.empty() ? '{' : ',';
    append_json(line, key);
    line += ':';
    append_json(line, value);
  };
  constexpr auto own = std::array<std::string_view, 4>{"time", "level", "component", "message"};
  add(own[0], time);
  add(own[1], to_string(level));
  add(own[2], context.component);
  add(own[3], message);
  for (const auto& field : fields) {
    if (field.key.empty())
      continue;
    // Of two keys with the same name most readers keep the last one.
    auto is_taken = std::find(own.begin(), own.end(), field.key) != own.end();
    add(is_taken ? "field_" + std::string{field.key} : std::string{field.key}, field.value);
  }
  add_context(context, fields, add);
  return line += '}';
}

} // namespace berth::log
