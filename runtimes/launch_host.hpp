#pragma once

#include "messages/container_info.hpp"
#include "runtimes/linux/cgroup.hpp"
#include "runtimes/linux/host_facts.hpp"
#include "runtimes/node_paths.hpp"
#include "runtimes/oci_spec.hpp"

#include <memory>

namespace berth {

/// What every launch on this node shares.
struct LaunchHost {
  NodePaths paths;
  std::shared_ptr<const CgroupRoot> cgroups;
  HostFacts facts;
  BundleHost bundle;
  LogSettings logs;
  /// Absolute path of the berth-monitor executable.
  std::string monitor_binary;
};

/// Gives a container its runtime id and its places: directory, log, cgroups. Makes nothing.
void place_container(ContainerInfo& info, const LaunchHost& host);

} // namespace berth
