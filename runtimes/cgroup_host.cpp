#include "runtimes/cgroup_host.hpp"

#include <algorithm>

namespace berth {

namespace {

/// The only place where the runtimes look for cgroup v2.
constexpr auto v2_mount_point = "/sys/fs/cgroup";

/// Makes `memory.events` count in the group itself only, so that ours would not see kills below.
constexpr auto local_events_option = "memory_localevents";

constexpr auto subject = "cgroups of this host";

template <class Range, class T>
bool contains(const Range& range, const T& value) {
  return std::find(range.begin(), range.end(), value) != range.end();
}

/// The controllers of a v1 hierarchy: the options that are not about the mount itself.
std::vector<std::string> controllers_of(const CgroupMount& mount,
                                        const std::vector<std::string>& known) {
  auto result = std::vector<std::string>{};
  for (auto& option : mount.options)
    if (contains(known, option) || option.starts_with("name="))
      result.push_back(option);
  std::sort(result.begin(), result.end());
  return result;
}

/// One mount of each hierarchy: the first that shows all of it, else the first.
std::vector<CgroupMount> distinct_hierarchies(const std::vector<CgroupMount>& mounts,
                                              const std::vector<std::string>& known) {
  auto result = std::vector<CgroupMount>{};
  for (auto whole : {true, false})
    for (auto& mount : mounts) {
      auto same = [&](const CgroupMount& x) {
        return x.v2 == mount.v2
               && (x.v2 || controllers_of(x, known) == controllers_of(mount, known));
      };
      if ((mount.root == "/") == whole && std::none_of(result.begin(), result.end(), same))
        result.push_back(mount);
    }
  return result;
}

Result<CgroupHost> describe_v1(const std::vector<CgroupMount>& mounts,
                               const std::vector<std::string>& known) {
  auto result = CgroupHost{CgroupVersion::v1, {}, {}};
  for (auto& mount : mounts) {
    result.hierarchies.push_back(mount.mount_point);
    if (!mount.v2)
      for (auto& controller : controllers_of(mount, known))
        if (contains(known, controller))
          result.controllers.emplace(controller, mount.mount_point);
  }
  return result;
}

Result<CgroupHost> describe_v2(const CgroupMount& mount,
                               const std::vector<std::string>& controllers) {
  if (mount.mount_point != v2_mount_point)
    return failure(
        ec::system_error, subject,
        "the memory controller belongs to cgroup v2, which is mounted at " + mount.mount_point,
        "mount cgroup2 at " + std::string{v2_mount_point} + ", where the runtimes look for it");
  if (contains(mount.options, local_events_option))
    return failure(ec::system_error, subject,
                   "mounted with " + std::string{local_events_option} + ", which hides OOM kills",
                   "mount -o remount,rw " + mount.mount_point);
  auto result = CgroupHost{CgroupVersion::v2, {mount.mount_point}, {}};
  for (auto& controller : controllers)
    result.controllers.emplace(controller, mount.mount_point);
  return result;
}

/// The directory of a group in the hierarchy of a controller; empty if there is none.
std::string group_in(const CgroupHost& host, const std::string& controller,
                     const std::string& path) {
  auto i = host.controllers.find(controller);
  return i != host.controllers.end() ? i->second + path : std::string{};
}

} // namespace

const char* to_string(CgroupVersion version) {
  switch (version) {
    case CgroupVersion::v1: return "v1";
    case CgroupVersion::v2: return "v2";
  }
  return "?";
}

Result<CgroupHost> describe_cgroup_host(std::string_view mountinfo, std::string_view proc_cgroups,
                                        std::string_view v2_controllers) {
  auto known = parse_proc_cgroups(proc_cgroups);
  auto mounts = distinct_hierarchies(parse_cgroup_mounts(mountinfo), known);
  auto has_memory = [&](const CgroupMount& x) {
    return !x.v2 && contains(controllers_of(x, known), "memory");
  };
  if (std::any_of(mounts.begin(), mounts.end(), has_memory))
    return describe_v1(mounts, known);
  auto v2 = std::find_if(mounts.begin(), mounts.end(), [](auto& x) { return x.v2; });
  auto controllers = split_words(v2_controllers);
  if (v2 != mounts.end() && contains(controllers, "memory"))
    return describe_v2(*v2, controllers);
  if (mounts.empty())
    return failure(ec::system_error, subject, "no cgroup file system is mounted",
                   "mount -t cgroup2 cgroup2 " + std::string{v2_mount_point});
  return failure(ec::system_error, subject, "the memory controller is not available",
                 "start the kernel with cgroup_enable=memory, and without cgroup_disable=memory");
}

ContainerCgroups container_cgroups(const CgroupHost& host, const std::string& base,
                                   const PoolName& pool, const std::string& runtime_id) {
  auto result = ContainerCgroups{};
  auto ours = base + "/" + pool.value + "/" + runtime_id;
  result.oci_path = ours;
  if (host.version == CgroupVersion::v2)
    result.oci_path += "/" + std::string{runtime_group_name};
  result.memory = group_in(host, "memory", ours);
  result.memory_limits = group_in(host, "memory", result.oci_path);
  result.pids = group_in(host, "pids", ours);
  result.cpu_limits = group_in(host, "cpu", result.oci_path);
  if (host.version == CgroupVersion::v2) {
    result.parent = result.memory;
    // cgroup v2 counts CPU time in every group, also without the controller.
    result.cpu_usage = host.hierarchies.front() + ours;
    return result;
  }
  result.cpu_usage = group_in(host, "cpuacct", ours);
  for (auto& hierarchy : host.hierarchies)
    result.leftovers.push_back(hierarchy + ours);
  return result;
}

} // namespace berth
