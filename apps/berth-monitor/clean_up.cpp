#include "apps/berth-monitor/clean_up.hpp"

#include "runtimes/linux/cgroup.hpp"
#include "runtimes/linux/file.hpp"
#include "runtimes/linux/mount.hpp"

#include <vector>

#include <dirent.h>

namespace berth {

void remove_runtime_state(const MonitorPlan& plan, Leftovers& leftovers) {
  auto directory = ::opendir(plan.state_root.c_str());
  if (directory == nullptr)
    return;
  auto names = std::vector<std::string>{};
  while (auto entry = ::readdir(directory)) {
    // runc: a directory ID. runsc: files ID_sandbox:ID.state, ID_sandbox:ID.lock, and the socket
    // runsc-ID.sock.
    auto name = std::string_view{entry->d_name};
    auto rest = name.starts_with("runsc-") ? name.substr(6) : name;
    if (rest.starts_with(plan.runtime_id))
      names.emplace_back(name);
  }
  ::closedir(directory);
  for (auto& name : names)
    leftovers.add(remove_tree(plan.state_root + "/" + name));
}

void remove_cgroups(const MonitorPlan& plan, Leftovers& leftovers) {
  if (!plan.cgroup_parent.empty()) {
    // All descendants of ours are dead; this is for processes that somebody else has put there.
    // Linux 5.14 and later.
    static_cast<void>(write_file(plan.cgroup_parent + "/cgroup.kill", "1"));
    leftovers.add(remove_group(plan.cgroup_parent));
  }
  for (auto& group : plan.leftover_cgroups)
    leftovers.add(remove_group(group));
}

void remove_rootfs(const MonitorPlan& plan, const std::string& mounted_on, Leftovers& leftovers) {
  if (plan.rootfs_lower.empty())
    return;
  leftovers.add(unmount(mounted_on));
  leftovers.add(remove_tree(plan.layer_dir));
}

} // namespace berth
