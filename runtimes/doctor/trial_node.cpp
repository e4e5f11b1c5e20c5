#include "runtimes/doctor/trial_node.hpp"

#include "runtimes/detect_host.hpp"
#include "runtimes/linux/checkup.hpp"
#include "runtimes/linux/file.hpp"
#include "runtimes/linux/kill_group.hpp"
#include "runtimes/runtime_probe.hpp"

namespace berth {

TrialNode::TrialNode(std::string root) : root_(std::move(root)) {
  // Before anything is made: all of it is removed by these, also if the rest fails half-way.
  host_.paths = node_paths(root_);
}

TrialNode::~TrialNode() {
  (void) remove();
}

Result<std::unique_ptr<TrialNode>> TrialNode::make(const std::string& parent, const std::string& monitor) {
  auto root = make_temporary_directory(parent, "berth-doctor-");
  if (!root)
    return failure(root.error());
  auto node = std::unique_ptr<TrialNode>{new TrialNode{*root}};
  const auto paths = node->host_.paths;
  for (const auto& directory : {paths.containers(), paths.state_directory + "/logs", paths.state_directory + "/layers"})
    if (auto made = make_directories(directory, private_directory_mode); !made)
      return failure(made.error());
  auto host = detect_launch_host(paths, LogSettings{}, monitor);
  if (!host)
    return failure(host.error());
  node->host_ = std::move(*host);
  auto reaper = FdMonitor::start();
  if (!reaper)
    return failure(reaper.error());
  node->reaper_ = std::move(*reaper);
  if (auto made = make_canary_root(node->host_); !made)
    return failure(made.error());
  return node;
}

Result<void> TrialNode::remove() {
  if (root_.empty())
    return {};
  auto result = Result<void>{};
  if (auto cgroups = detect_cgroup_host())
    for (const auto& hierarchy : cgroups->hierarchies) {
      auto group = hierarchy + host_.paths.cgroup_base;
      kill_group(group);
      if (auto removed = remove_group(group); !removed)
        result = removed;
    }
  if (auto removed = remove_tree(root_); !removed)
    result = removed;
  root_.clear();
  return result;
}

} // namespace berth
