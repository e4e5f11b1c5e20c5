#pragma once

#include "messages/error.hpp"
#include "runtimes/cgroup_host.hpp"

namespace berth {

/// Asks the kernel. Fails with `system_error` and a next step on a host on which no container could be limited.
Result<CgroupHost> detect_cgroup_host();

/// A group in one of ours, where those of a pool's containers are.
struct FoundGroup {
  std::string pool;
  /// Of a container: its runtime id.
  std::string name;
  std::string path;
};

/// The part of the cgroup tree that is ours: `/base`, in it a group for each pool, in it one for each container.
class CgroupRoot {
public:
  /// Makes `/base` and, on v2, gives it the controllers memory, pids and cpu, and io and cpuset if the host has them, on
  /// every level from the root on. `base` starts with a slash. Fails with `system_error` if another manager of cgroups
  /// stands in the way.
  static Result<CgroupRoot> open(CgroupHost host, std::string base);

  const CgroupHost& host() const noexcept {
    return host_;
  }

  /// Can the use of swap be limited?
  bool has_swap_limit() const noexcept {
    return has_swap_limit_;
  }

  /// Can the kernel be told to kill all of a group at once (`memory.oom.group`)? Never on v1.
  bool has_oom_group() const noexcept {
    return has_oom_group_;
  }

  /// Makes the pool's group on v2. On v1 the runtime makes all groups. Nothing to do is success.
  Result<void> prepare_pool(const PoolName& pool) const;

  /// The groups of a container; nothing is made.
  ContainerCgroups container(const PoolName& pool, const std::string& runtime_id) const;

  /// Makes our group of a container on v2, before the runtime's `create`. Nothing to do on v1.
  Result<void> prepare_container(const ContainerCgroups& container) const;

  /// Removes the pool's groups if no container is in them any more.
  void remove_pool(const PoolName& pool) const;

  /// Removes the groups of all pools and `/base`, as far as they are empty.
  void remove_all() const;

  /// The groups that are where those of containers belong.
  std::vector<FoundGroup> list() const;

  /// How many groups there are below `/base` in all hierarchies: pools, containers and what they made.
  size_t count_groups() const;

private:
  CgroupRoot(CgroupHost host, std::string base);

  CgroupHost host_;
  std::string base_;
  bool has_swap_limit_ = false;
  bool has_oom_group_ = false;
};

/// Removes a group and all groups below it. Waits for up to 0.3 s for processes in it that are just ending; so not for
/// actors. Refuses directories that are no cgroups. Nothing there is success.
Result<void> remove_group(const std::string& directory);

/// What a container uses at this moment.
struct ContainerStats {
  /// Bytes, page cache included.
  uint64_t memory_current = 0;
  /// Highest `memory_current` so far; nothing on v2 before Linux 5.19.
  std::optional<uint64_t> memory_peak;
  /// Bytes; 0 means no limit.
  uint64_t memory_limit = 0;
  /// CPU time since the start, in nanoseconds.
  std::optional<uint64_t> cpu_usage_ns;
  /// How long the container had to wait for its CPU limit, in nanoseconds.
  std::optional<uint64_t> cpu_throttled_ns;
  /// Processes and threads.
  std::optional<uint64_t> pids;
  uint64_t oom_kills = 0;
};

/// Fails with `system_error` if the container's groups are gone.
Result<ContainerStats> read_container_stats(const CgroupHost& host,
                                            const ContainerCgroups& container);

} // namespace berth
