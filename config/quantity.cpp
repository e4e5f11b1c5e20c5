#include "config/quantity.hpp"

#include "config/spelling.hpp"

#include <array>
#include <optional>

namespace berth {
namespace {

constexpr uint64_t kibi = 1024;
constexpr uint64_t min_memory = kibi * kibi;
constexpr uint64_t max_memory = kibi * kibi * kibi * kibi * kibi;
constexpr uint64_t min_cpu_millis = 10;
constexpr uint64_t max_cpu_millis = 4'096'000;
constexpr uint64_t max_pids = 4'194'304;
constexpr auto max_duration = std::chrono::milliseconds{std::chrono::hours{1000}};

constexpr const char* bytes_help =
    "write bytes or a number with K, M, G or T, such as 512M; powers of 1024";
constexpr const char* cpu_help = "write CPUs such as 2 or 0.5, or thousandths such as 500m";
constexpr const char* duration_help = "write seconds or a number with ms, s, m or h, such as 30s";

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

tl::unexpected<Error> reject(std::string_view text, std::string reason, std::string next) {
  return failure(ec::bad_request, in_quotes(text), std::move(reason), std::move(next));
}

/// Digits at the front of a text.
struct Decimal {
  uint64_t whole = 0;
  /// The places after the point, in millionths.
  uint64_t millionths = 0;
  bool has_point = false;
  bool overflow = false;
};

/// Takes "12" or "12.5" off the front of `text`; nothing if it does not start with a number or has
/// more than six places.
std::optional<Decimal> take_decimal(std::string_view& text) {
  auto result = Decimal{};
  if (text.empty() || !is_digit(text.front()))
    return std::nullopt;
  for (; !text.empty() && is_digit(text.front()); text.remove_prefix(1)) {
    result.overflow |= __builtin_mul_overflow(result.whole, uint64_t{10}, &result.whole);
    result.overflow |= __builtin_add_overflow(
        result.whole, static_cast<uint64_t>(text.front() - '0'), &result.whole);
  }
  if (text.empty() || text.front() != '.')
    return result;
  text.remove_prefix(1);
  result.has_point = true;
  auto place = uint64_t{1'000'000};
  auto places = 0;
  for (; !text.empty() && is_digit(text.front()); text.remove_prefix(1), ++places) {
    place /= 10;
    if (place == 0)
      return std::nullopt;
    result.millionths += place * static_cast<uint64_t>(text.front() - '0');
  }
  if (places == 0)
    return std::nullopt;
  return result;
}

/// How many bytes a suffix stands for; nothing if it is no suffix.
std::optional<uint64_t> byte_unit(std::string_view suffix) {
  if (suffix.empty())
    return 1;
  auto unit = uint64_t{0};
  switch (suffix.front()) {
    case 'k':
    case 'K': unit = kibi; break;
    case 'm':
    case 'M': unit = kibi * kibi; break;
    case 'g':
    case 'G': unit = kibi * kibi * kibi; break;
    case 't':
    case 'T': unit = kibi * kibi * kibi * kibi; break;
    default: return std::nullopt;
  }
  suffix.remove_prefix(1);
  if (!suffix.empty() && suffix.front() == 'i')
    suffix.remove_prefix(1);
  if (suffix.empty() || suffix == "B" || suffix == "b")
    return unit;
  return std::nullopt;
}

/// One unit of time in milliseconds, taken off the front of `text`.
std::optional<uint64_t> take_time_unit(std::string_view& text) {
  struct Unit {
    std::string_view name;
    uint64_t millis;
  };
  // "ms" before "m": the first match counts.
  for (auto unit : {Unit{"ms", 1}, Unit{"s", 1000}, Unit{"m", 60'000}, Unit{"h", 3'600'000}})
    if (text.starts_with(unit.name)) {
      text.remove_prefix(unit.name.size());
      return unit.millis;
    }
  return std::nullopt;
}

} // namespace

Result<uint64_t> parse_bytes(std::string_view text) {
  auto rest = text;
  auto number = take_decimal(rest);
  auto unit = byte_unit(rest);
  if (!number || !unit || (number->has_point && *unit == 1))
    return reject(text, "not an amount of bytes", bytes_help);
  auto bytes = uint64_t{0};
  // The largest unit is 2^40 and the fraction below 10^6, so its product cannot overflow.
  if (number->overflow || __builtin_mul_overflow(number->whole, *unit, &bytes)
      || __builtin_add_overflow(bytes, number->millionths * *unit / 1'000'000, &bytes))
    return reject(text, "too large", "at most 16777215T");
  return bytes;
}

Result<uint64_t> parse_memory(std::string_view text) {
  auto bytes = parse_bytes(text);
  if (bytes && *bytes != 0 && (*bytes < min_memory || *bytes > max_memory))
    return reject(text, "out of range for a memory limit",
                  "from " + format_bytes(min_memory) + " to " + format_bytes(max_memory)
                      + ", or 0 for none");
  return bytes;
}

Result<uint64_t> parse_cpu(std::string_view text) {
  auto rest = text;
  auto number = take_decimal(rest);
  auto in_millis = rest == "m";
  if (!number || (!rest.empty() && !in_millis) || (in_millis && number->has_point))
    return reject(text, "not an amount of CPUs", cpu_help);
  if (number->millionths % 1000 != 0)
    return reject(text, "finer than a thousandth of a CPU", cpu_help);
  auto millis = uint64_t{0};
  auto too_large =
      number->overflow
      || __builtin_mul_overflow(number->whole, in_millis ? uint64_t{1} : uint64_t{1000}, &millis)
      || __builtin_add_overflow(millis, number->millionths / 1000, &millis)
      || millis > max_cpu_millis;
  if (too_large || (millis != 0 && millis < min_cpu_millis))
    return reject(text, "out of range for a CPU limit", "from 10m to 4096, or 0 for none");
  return millis;
}

Result<uint64_t> parse_count(std::string_view text) {
  auto rest = text;
  auto number = take_decimal(rest);
  if (!number || !rest.empty() || number->has_point || (text.size() > 1 && text.front() == '0'))
    return reject(text, "not a whole number", "write decimal digits only");
  if (number->overflow)
    return reject(text, "too large", "at most 18446744073709551615");
  return number->whole;
}

Result<uint64_t> parse_pids(std::string_view text) {
  auto count = parse_count(text);
  if (count && *count > max_pids)
    return reject(text, "out of range for a limit of processes",
                  "from 1 to 4194304, or 0 for none");
  return count;
}

Result<std::chrono::milliseconds> parse_duration(std::string_view text) {
  auto rest = text;
  auto total = uint64_t{0};
  auto parts = 0;
  auto too_long = false;
  do {
    auto number = take_decimal(rest);
    auto unit = take_time_unit(rest);
    // A number without a unit counts as seconds if it stands alone.
    if (number && !unit && rest.empty() && parts == 0)
      unit = 1000;
    if (!number || !unit)
      return reject(text, "not a duration", duration_help);
    // 10^6 times the largest unit is below 2^42.
    auto fraction = number->millionths * *unit;
    if (fraction % 1'000'000 != 0)
      return reject(text, "finer than a millisecond", duration_help);
    auto millis = uint64_t{0};
    too_long |= number->overflow || __builtin_mul_overflow(number->whole, *unit, &millis)
                || __builtin_add_overflow(millis, fraction / 1'000'000, &millis)
                || __builtin_add_overflow(total, millis, &total);
    ++parts;
  } while (!rest.empty());
  if (too_long || total > static_cast<uint64_t>(max_duration.count()))
    return reject(text, "too long", "at most 1000h");
  return std::chrono::milliseconds{total};
}

std::string format_bytes(uint64_t bytes) {
  constexpr auto units = std::array{"", "Ki", "Mi", "Gi", "Ti"};
  auto unit = size_t{0};
  while (bytes != 0 && bytes % kibi == 0 && unit + 1 < units.size()) {
    bytes /= kibi;
    ++unit;
  }
  return std::to_string(bytes) + units[unit];
}

std::string format_cpu(uint64_t millis) {
  auto result = std::to_string(millis / 1000);
  if (millis % 1000 == 0)
    return result;
  auto places = std::to_string(1000 + millis % 1000);
  places.front() = '.';
  places.erase(places.find_last_not_of('0') + 1);
  return result + places;
}

std::string format_duration(std::chrono::milliseconds duration) {
  auto millis = duration.count();
  if (millis % 1000 != 0)
    return std::to_string(millis) + "ms";
  auto seconds = millis / 1000;
  auto result = std::string{};
  if (seconds >= 3600)
    result += std::to_string(seconds / 3600) + 'h';
  if (seconds % 3600 >= 60)
    result += std::to_string(seconds % 3600 / 60) + 'm';
  if (seconds % 60 != 0 || seconds == 0)
    result += std::to_string(seconds % 60) + 's';
  return result;
}

} // namespace berth
