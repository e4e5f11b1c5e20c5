#include "messages/cause.hpp"

#include <random>

namespace berth {

namespace {

constexpr size_t traceparent_size = 55;

void append_hex(std::string& out, uint64_t value, int digits = 16) {
  for (auto shift = 4 * (digits - 1); shift >= 0; shift -= 4)
    out += "0123456789abcdef"[(value >> shift) & 0xf];
}

/// Nothing unless all of it is lower-case hexadecimal digits, as the recommendation wants them.
std::optional<uint64_t> parse_hex(std::string_view text) {
  auto value = uint64_t{0};
  for (auto c : text) {
    auto digit = c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
    if (digit < 0)
      return std::nullopt;
    value = value << 4 | static_cast<uint64_t>(digit);
  }
  return value;
}

/// splitmix64 over two seeds, so that no two threads of a fleet walk the same way.
uint64_t random_bits() {
  struct Seed {
    uint64_t state;
    uint64_t salt;
  };
  thread_local auto seed = [] {
    auto device = std::random_device{};
    auto word = [&] { return uint64_t{device()} << 32 | device(); };
    return Seed{word(), word()};
  }();
  for (;;) {
    auto bits = (seed.state += 0x9e3779b97f4a7c15) ^ seed.salt;
    bits = (bits ^ (bits >> 30)) * 0xbf58476d1ce4e5b9;
    bits = (bits ^ (bits >> 27)) * 0x94d049bb133111eb;
    bits ^= bits >> 31;
    if (bits != 0)
      return bits;
  }
}

} // namespace

std::string to_string(const TraceId& id) {
  auto result = std::string{};
  if (!id)
    return result;
  append_hex(result, id.high);
  append_hex(result, id.low);
  return result;
}

std::optional<TraceId> parse_trace_id(std::string_view text) {
  if (text.size() != 32)
    return std::nullopt;
  auto high = parse_hex(text.substr(0, 16));
  auto low = parse_hex(text.substr(16));
  if (!high || !low || (*high | *low) == 0)
    return std::nullopt;
  return TraceId{*high, *low};
}

TraceId make_trace_id() {
  return {random_bits(), random_bits()};
}

uint64_t make_span_id() {
  return random_bits();
}

std::string to_traceparent(const TracePoint& point) {
  auto result = "00-" + to_string(point.trace) + "-";
  append_hex(result, point.span);
  return result + (point.is_recorded ? "-01" : "-00");
}

std::optional<TracePoint> parse_traceparent(std::string_view text) {
  if (text.size() < traceparent_size || text[2] != '-' || text[35] != '-' || text[52] != '-')
    return std::nullopt;
  auto version = parse_hex(text.substr(0, 2));
  auto trace = parse_trace_id(text.substr(3, 32));
  auto span = parse_hex(text.substr(36, 16));
  auto flags = parse_hex(text.substr(53, 2));
  if (!version || *version == 0xff || !trace || !span || *span == 0 || !flags)
    return std::nullopt;
  auto is_longer = text.size() > traceparent_size;
  if (is_longer && (*version == 0 || text[traceparent_size] != '-'))
    return std::nullopt;
  return TracePoint{*trace, *span, (*flags & 1) != 0};
}

} // namespace berth
