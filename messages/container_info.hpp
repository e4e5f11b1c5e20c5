#pragma once

#include "messages/explanation.hpp"
#include "messages/launch.hpp"
#include "messages/runtime_profile.hpp"
#include "messages/selection.hpp"

namespace berth {

/// Where a container is in its life, as users see it.
enum class ContainerState : uint8_t { creating, created, running, stopping, exited, removing };

const char* to_string(ContainerState state);

/// How a container ended.
struct ExitInfo {
  /// The exit code as a shell gives it: 128+n for signal n.
  int32_t code = 0;
  /// 0 unless init was ended by a signal.
  int32_t signal = 0;
  /// An OOM kill took the container.
  bool oom_killed = false;
  Timestamp at;
  /// For people: "exited with code 3", "killed at its memory limit of 64.0 MiB", "stopped: SIGTERM".
  std::string reason;
};

template <class Inspector>
auto inspect(Inspector& f, ExitInfo& x) {
  return f(x.code, x.signal, x.oom_killed, x.at, x.reason);
}

/// All there is to know about one container.
struct ContainerInfo {
  LaunchSpec spec; ///< with id; limits as granted
  std::string runtime_id;
  ContainerState state = ContainerState::creating;
  /// Of init (runc) or the sandbox (gVisor); 0 before `create` and after the exit.
  int32_t pid = 0;
  uint64_t pid_start_time = 0;
  Selection selection;
  RuntimeProfile profile;
  uint64_t generation = 0;
  Timestamp accepted_at;
  Timestamp created_at;
  Timestamp started_at;
  /// Valid once the state is `exited`.
  ExitInfo exit;
  uint64_t oom_kills = 0;
  /// Of the launch: 32 hexadecimal digits. Everything that this led to has it.
  std::string trace_id;
  /// Directory with bundle, pid, monitor socket, record.
  std::string directory;
  std::string log_path;
  /// OCI cgroupsPath.
  std::string cgroup;
  /// Directory with the memory counters that outlive the container's processes.
  std::string memory_cgroup;
  /// Why it got its runtime.
  SharedExplanation why;
  /// What the user should know, e.g. that no GPU device was injected.
  std::vector<std::string> warnings;
};

template <class Inspector>
auto inspect(Inspector& f, ContainerInfo& x) {
  return f(x.spec, x.runtime_id, x.state, x.pid, x.pid_start_time, x.selection, x.profile, x.generation, x.accepted_at,
           x.created_at, x.started_at, x.exit, x.oom_kills, x.trace_id, x.directory, x.log_path, x.cgroup, x.memory_cgroup,
           x.why, x.warnings);
}

} // namespace berth
