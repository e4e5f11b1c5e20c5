#pragma once

#include "config/settings.hpp"

#include <string>

namespace berth {

/// Where a node keeps what. All below one directory if `--root` is given, so that many nodes fit on one host.
struct NodePaths {
  /// /run/berth, or ROOT/run: what need not outlive the host's boot.
  std::string run_directory;
  /// /var/lib/berth, or ROOT/state: logs and writable layers.
  std::string state_directory;
  /// /run/berth/berth.sock, or ROOT/berth.sock.
  std::string socket;
  /// State root of gVisor unless a pool names one: /run/gvisor, or ROOT/run/gvisor.
  std::string gvisor_root;
  /// Name of our group in the cgroup hierarchies, with a slash: "/berth", or "/berth-" and a hash of ROOT.
  std::string cgroup_base;

  /// One directory for each container, by id.
  std::string containers() const {
    return run_directory + "/containers";
  }

  std::string container_directory(const ContainerId& id) const {
    return containers() + "/" + id.value;
  }

  std::string log_directory(const ContainerId& id) const {
    return state_directory + "/logs/" + id.value;
  }

  /// The writable layer of a container's root file system.
  std::string layer_directory(const ContainerId& id) const {
    return state_directory + "/layers/" + id.value;
  }

  /// gVisor's state root as configured: what the log shows.
  std::string gvisor_root_of(const PoolSettings& pool) const {
    return pool.gvisor_root.value.empty() ? gvisor_root : pool.gvisor_root.value;
  }

  /// The state root that a runtime of a pool really uses: each pool has its own.
  std::string state_root(RuntimeKind kind, const PoolSettings& pool) const;
};

/// The paths below `root`, which is absolute; the system's directories if it is empty.
NodePaths node_paths(const std::string& root);

} // namespace berth
