#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <vector>

namespace berth {

/// The OCI runtimes that a pool can pick.
enum class RuntimeKind : uint8_t { runc, gvisor };

/// "runc" or "gvisor", as in the configuration.
const char* to_string(RuntimeKind kind);

/// Names a container for its user; unique on its node. Valid ids match `[a-zA-Z0-9][a-zA-Z0-9_.-]{0,63}`.
struct ContainerId {
  std::string value;

  friend auto operator<=>(const ContainerId&, const ContainerId&) = default;
};

template <class Inspector>
auto inspect(Inspector& f, ContainerId& x) {
  return f(x.value);
}

/// Names a pool, as in the configuration; the same character set as container ids.
struct PoolName {
  std::string value;

  friend auto operator<=>(const PoolName&, const PoolName&) = default;
};

template <class Inspector>
auto inspect(Inspector& f, PoolName& x) {
  return f(x.value);
}

/// True for names that are safe as a container id, a pool name, and one component of a path.
bool is_valid_name(const std::string& name);

/// True for names that the kernel uses, or may use one day, for its own files in the directories of cgroups: "tasks",
/// "cgroup.procs", "memory.max". (systemd escapes the same ones.)
bool is_cgroup_file_name(const std::string& name);

/// Wall-clock time in nanoseconds since the epoch; 0 means "not yet".
struct Timestamp {
  int64_t ns = 0;

  friend auto operator<=>(const Timestamp&, const Timestamp&) = default;
};

template <class Inspector>
auto inspect(Inspector& f, Timestamp& x) {
  return f(x.ns);
}

Timestamp now();

/// RFC 3339 in UTC with nanoseconds: "2026-01-02T03:04:05.000000006Z"; empty for 0.
std::string to_string(Timestamp time);

/// A list of program arguments; never a shell string.
using Argv = std::vector<std::string>;

} // namespace berth

template <>
struct std::hash<berth::ContainerId> {
  size_t operator()(const berth::ContainerId& x) const noexcept {
    return std::hash<std::string>{}(x.value);
  }
};
