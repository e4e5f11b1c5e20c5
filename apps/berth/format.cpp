#include "apps/berth/format.hpp"

#include <algorithm>
#include <array>
#include <cstdio>

namespace berth::cli {

namespace {

template <class... Ts>
std::string print(const char* format, Ts... args) {
  char buf[64];
  std::snprintf(buf, sizeof(buf), format, args...);
  return buf;
}

bool is_continuation(char c) {
  return (static_cast<unsigned char>(c) & 0xC0) == 0x80;
}

/// Bytes of the UTF-8 sequence at the front of a non-empty `text`; 0 if there is no valid one.
size_t sequence_length(std::string_view text) {
  auto byte = [&](size_t i) { return static_cast<unsigned char>(text[i]); };
  auto first = byte(0);
  auto length = size_t{0};
  auto lowest = unsigned{0x80};
  auto highest = unsigned{0xBF};
  if (first < 0x80)
    return 1;
  if (first >= 0xC2 && first <= 0xDF)
    length = 2;
  else if (first >= 0xE0 && first <= 0xEF)
    length = 3;
  else if (first >= 0xF0 && first <= 0xF4)
    length = 4;
  if (length == 0 || text.size() < length)
    return 0;
  // Overlong forms, surrogates and what is beyond Unicode show in the second byte.
  if (first == 0xE0)
    lowest = 0xA0;
  else if (first == 0xED)
    highest = 0x9F;
  else if (first == 0xF0)
    lowest = 0x90;
  else if (first == 0xF4)
    highest = 0x8F;
  if (byte(1) < lowest || byte(1) > highest)
    return 0;
  for (size_t i = 2; i < length; ++i)
    if (!is_continuation(text[i]))
      return 0;
  return length;
}

std::string escaped(unsigned char c) {
  switch (c) {
    case '\n': return "\\n";
    case '\r': return "\\r";
    case '\t': return "\\t";
    case 0x1B: return "\\e";
    default: return print("\\x%02x", static_cast<unsigned>(c));
  }
}

bool is_plain_shell_text(std::string_view text) {
  auto is_plain = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9')
           || std::string_view{"_-./:=,+@%^"}.find(c) != std::string_view::npos;
  };
  return !text.empty() && std::all_of(text.begin(), text.end(), is_plain);
}

std::string shell_quoted(std::string_view text) {
  if (is_plain_shell_text(text))
    return std::string{text};
  auto result = std::string{"'"};
  for (auto c : text) {
    if (c == '\'')
      result += "'\\''";
    else
      result += c;
  }
  return result + "'";
}

} // namespace

std::string format_size(uint64_t bytes) {
  constexpr auto units = std::array{"KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
  if (bytes < 1024)
    return std::to_string(bytes) + " B";
  auto value = static_cast<double>(bytes) / 1024;
  auto unit = size_t{0};
  // 1023.95 would be printed as "1024.0".
  for (; value >= 1023.95 && unit + 1 < units.size(); ++unit)
    value /= 1024;
  return print("%.1f %s", value, units[unit]);
}

std::string format_span(std::chrono::nanoseconds span) {
  using namespace std::chrono;
  auto seconds = static_cast<long long>(duration_cast<std::chrono::seconds>(span).count());
  if (span < 1s)
    return print("%lld ms", static_cast<long long>(duration_cast<milliseconds>(span).count()));
  if (seconds < 60)
    return print("%.1f s", static_cast<double>(duration_cast<milliseconds>(span).count() / 100) / 10);
  if (seconds < 3600)
    return print("%lldm %llds", seconds / 60, seconds % 60);
  if (seconds < 86'400)
    return print("%lldh %lldm", seconds / 3600, seconds / 60 % 60);
  return print("%lldd %lldh", seconds / 86'400, seconds / 3600 % 24);
}

std::string format_age(Timestamp then, Timestamp now) {
  if (then.ns == 0)
    return {};
  auto seconds = (now.ns - then.ns) / 1'000'000'000;
  if (seconds < 1)
    return "just now";
  struct Unit {
    const char* name;
    int64_t seconds;
  };
  constexpr auto units = std::array{Unit{"year", 31'536'000}, Unit{"month", 2'592'000}, Unit{"week", 604'800},
                                    Unit{"day", 86'400},      Unit{"hour", 3600},       Unit{"minute", 60}};
  auto spell = [](int64_t n, const char* name) {
    return print("%lld %s%s ago", static_cast<long long>(n), name, n == 1 ? "" : "s");
  };
  for (auto& unit : units)
    if (seconds >= unit.seconds)
      return spell(seconds / unit.seconds, unit.name);
  return spell(seconds, "second");
}

std::string format_percent(double part, double whole) {
  return whole > 0 ? print("%.1f%%", part / whole * 100) : "-";
}

std::string printable(std::string_view text) {
  auto result = std::string{};
  while (!text.empty()) {
    auto length = sequence_length(text);
    auto first = static_cast<unsigned char>(text.front());
    auto is_c1 = length == 2 && first == 0xC2 && static_cast<unsigned char>(text[1]) < 0xA0;
    if (length == 0 || first < 0x20 || first == 0x7F)
      result += escaped(first);
    else if (is_c1)
      result += print("\\u%04x", static_cast<unsigned>(static_cast<unsigned char>(text[1])));
    else
      result += text.substr(0, length);
    text.remove_prefix(std::max(length, size_t{1}));
  }
  return result;
}

std::string format_command(const std::vector<std::string>& args) {
  auto result = std::string{};
  for (auto& arg : args) {
    if (!result.empty())
      result += ' ';
    result += shell_quoted(arg);
  }
  return result;
}

size_t width(std::string_view text) {
  return static_cast<size_t>(std::count_if(text.begin(), text.end(), [](char c) { return !is_continuation(c); }));
}

std::string shorten(std::string_view text, size_t columns) {
  if (width(text) <= columns)
    return std::string{text};
  auto kept = size_t{0};
  for (size_t n = 0; kept < text.size(); ++kept)
    if (!is_continuation(text[kept]) && ++n == columns)
      break;
  return std::string{text.substr(0, kept)} + "…";
}

} // namespace berth::cli
