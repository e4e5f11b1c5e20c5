#pragma once

#include "messages/types.hpp"
#include "runtimes/cgroup_files.hpp"

#include <map>

namespace berth {

/// The two interfaces that the kernel has for cgroups. On a host that uses both, what counts is the memory controller.
enum class CgroupVersion : uint8_t { v1 = 1, v2 = 2 };

/// "v1" / "v2".
const char* to_string(CgroupVersion version);

/// Where the cgroups of this host are.
struct CgroupHost {
  CgroupVersion version = CgroupVersion::v2;
  /// A mount point for each hierarchy in which a runtime makes groups. On v2 there is one; on v1 one for each set of
  /// controllers, the named hierarchies, and cgroup v2 if it is mounted beside them.
  std::vector<std::string> hierarchies;
  /// Mount point for each controller that can be used.
  std::map<std::string, std::string> controllers;

  friend bool operator==(const CgroupHost&, const CgroupHost&) = default;
};

/// Finds out by the texts of /proc/self/mountinfo, /proc/cgroups, and `cgroup.controllers` in the root of cgroup v2 (empty
/// if it is not mounted). Fails with `system_error` on a host on which no runtime could limit memory.
Result<CgroupHost> describe_cgroup_host(std::string_view mountinfo, std::string_view proc_cgroups,
                                        std::string_view v2_controllers);

/// The groups of one container: directories, but for `oci_path`. On v2 the container has a group of ours, and the runtime
/// owns one below it: what is counted in ours is still there when the runtime has removed its own.
///
///     v1: MOUNT/base/pool/id in each hierarchy           made and removed by the runtime
///     v2: MOUNT/base/pool/id                             made and removed by us
///         MOUNT/base/pool/id/run                         made and removed by the runtime
struct ContainerCgroups {
  /// `linux.cgroupsPath` of the bundle.
  std::string oci_path;
  /// v2: our group. Empty on v1.
  std::string parent;
  /// Where memory is counted.
  std::string memory;
  /// Where its limits are: the runtime's group. The same as `memory` on v1.
  std::string memory_limits;
  /// The same for CPU time and processes; empty if the host has no such controller.
  std::string cpu_usage;
  std::string cpu_limits;
  std::string pids;
  /// v1: the directories that a runtime leaves behind if it is killed.
  std::vector<std::string> leftovers;

  friend bool operator==(const ContainerCgroups&, const ContainerCgroups&) = default;
};

/// The name of the runtime's group below ours on v2.
constexpr auto runtime_group_name = "run";

/// `base` starts with a slash: "/berth".
ContainerCgroups container_cgroups(const CgroupHost& host, const std::string& base,
                                   const PoolName& pool, const std::string& runtime_id);

} // namespace berth
