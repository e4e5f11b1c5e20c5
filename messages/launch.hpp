#pragma once

#include "messages/types.hpp"

namespace berth {

/// A bind mount from the host. Paths are absolute on both sides.
struct Mount {
  std::string source;
  std::string destination;
  bool read_only = false;

  friend bool operator==(const Mount&, const Mount&) = default;
};

template <class Inspector>
auto inspect(Inspector& f, Mount& x) {
  return f(x.source, x.destination, x.read_only);
}

/// Resource limits of one container; 0 means "not asked for".
struct Limits {
  uint64_t memory_bytes = 0;
  /// Thousandths of one CPU.
  uint64_t cpu_millis = 0;
  uint64_t pids = 0;

  friend bool operator==(const Limits&, const Limits&) = default;
};

template <class Inspector>
auto inspect(Inspector& f, Limits& x) {
  return f(x.memory_bytes, x.cpu_millis, x.pids);
}

/// What a user asks for when launching a container.
struct LaunchSpec {
  PoolName pool;
  /// Empty: the node picks one.
  ContainerId id;
  /// Absolute path of a directory; never written to.
  std::string rootfs;
  Argv args;
  /// "KEY=VALUE" each; added to the default PATH.
  std::vector<std::string> env;
  /// Absolute; empty means "/".
  std::string workdir;
  /// "UID", "UID:GID", or names of the container's /etc/passwd and /etc/group; empty means root.
  std::string user;
  /// Empty: the container id.
  std::string hostname;
  std::map<std::string, std::string> labels;
  std::vector<Mount> mounts;
  Limits limits;
  uint32_t gpus = 0;
  /// The container shall be able to be checkpointed.
  bool checkpoint = false;
  /// Remove the container when it has ended.
  bool auto_remove = false;
  /// Kernel parameters of the container's namespaces; runc only.
  std::map<std::string, std::string> sysctls;
  /// Paths of host device nodes to pass in; runc only.
  std::vector<std::string> devices;
  /// Give the container the launch's place in its trace, as TRACEPARENT in its environment.
  bool pass_trace = false;

  friend bool operator==(const LaunchSpec&, const LaunchSpec&) = default;
};

template <class Inspector>
auto inspect(Inspector& f, LaunchSpec& x) {
  return f(x.pool, x.id, x.rootfs, x.args, x.env, x.workdir, x.user, x.hostname, x.labels, x.mounts, x.limits, x.gpus,
           x.checkpoint, x.auto_remove, x.sysctls, x.devices, x.pass_trace);
}

} // namespace berth
