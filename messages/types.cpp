#include "messages/types.hpp"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <ctime>

namespace berth {

const char* to_string(RuntimeKind kind) {
  switch (kind) {
    case RuntimeKind::runc: return "runc";
    case RuntimeKind::gvisor: return "gvisor";
  }
  return "?";
}

bool is_valid_name(const std::string& name) {
  // Spelled out instead of <cctype>: the answer must not depend on the locale.
  auto is_alnum = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9'); };
  return !name.empty() && name.size() <= 64 && is_alnum(name.front())
         && std::all_of(name.begin(), name.end(),
                        [&](char c) { return is_alnum(c) || c == '_' || c == '.' || c == '-'; });
}

Timestamp now() {
  auto since_epoch = std::chrono::system_clock::now().time_since_epoch();
  return {std::chrono::duration_cast<std::chrono::nanoseconds>(since_epoch).count()};
}

std::string to_string(Timestamp time) {
  if (time.ns == 0)
    return {};
  auto seconds = static_cast<time_t>(time.ns / 1'000'000'000);
  auto fraction = static_cast<long>(time.ns % 1'000'000'000);
  if (fraction < 0) {
    fraction += 1'000'000'000;
    --seconds;
  }
  auto utc = std::tm{};
  ::gmtime_r(&seconds, &utc);
  char buf[64];
  auto n = std::strftime(buf, sizeof(buf), "%Y-%m-%dT%H:%M:%S", &utc);
  std::snprintf(buf + n, sizeof(buf) - n, ".%09ldZ", fraction);
  return buf;
}

} // namespace berth
