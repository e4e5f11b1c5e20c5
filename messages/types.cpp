#include "messages/types.hpp"

#include <algorithm>
#include <array>
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

bool is_cgroup_file_name(const std::string& name) {
  constexpr auto files = std::array{"tasks", "notify_on_release", "release_agent"};
  constexpr auto prefixes = std::array{"cgroup",  "cpu",     "cpuacct", "cpuset",  "memory", "pids",
                                       "io",      "blkio",   "hugetlb", "rdma",    "misc",   "dmem",
                                       "devices", "freezer", "net_cls", "net_prio", "perf_event", "debug"};
  auto prefix = name.substr(0, name.find('.'));
  auto is = [](const std::string& text) { return [&](const char* x) { return text == x; }; };
  return std::any_of(files.begin(), files.end(), is(name))
         || (prefix.size() < name.size() && std::any_of(prefixes.begin(), prefixes.end(), is(prefix)));
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
