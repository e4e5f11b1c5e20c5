#pragma once

#include "messages/error.hpp"
#include "messages/launch.hpp"
#include "messages/runtime_profile.hpp"
#include "runtimes/oci_user.hpp"

namespace berth {

/// What the host allows a bundle to ask for.
struct BundleHost {
  /// The kernel has cgroup namespaces.
  bool cgroup_namespaces = false;
  /// The use of swap can be limited.
  bool swap_limit = false;
  /// Our own hard limit of open files, which a runtime without CAP_SYS_RESOURCE cannot exceed.
  uint64_t max_open_files = 1024;
};

/// A device node of the host.
struct DeviceNode {
  /// The same on the host and in the container.
  std::string path;
  /// 'c' or 'b', as in mknod(1).
  char type = 'c';
  uint32_t major = 0;
  uint32_t minor = 0;
  /// Permission bits.
  uint32_t mode = 0;
  uint32_t uid = 0;
  uint32_t gid = 0;

  friend bool operator==(const DeviceNode&, const DeviceNode&) = default;
};

/// Everything that goes into a bundle.
struct BundleRequest {
  /// Checked, with id, and with the limits that were granted.
  LaunchSpec spec;
  /// `spec.user` in numbers.
  ContainerUser user;
  /// One for each of `spec.devices`.
  std::vector<DeviceNode> devices;
  /// OCI cgroupsPath; never empty, because runc would else nest the group below its caller's.
  std::string cgroup;
  /// An OOM kill shall end the whole container; only where the host can do it (cgroup v2).
  bool oom_group = false;
  BundleHost host;
};

/// A further process in a running container.
struct ExecRequest {
  Argv args;
  /// On top of the container's own.
  std::vector<std::string> env;
  /// Empty: the container's.
  std::string workdir;
  ContainerUser user;
};

/// Prefix of the annotations that carry the labels of a container. runsc takes annotations of other
/// names as orders.
constexpr auto label_prefix = "berth.label.";

/// Text of config.json (OCI runtime specification 1.0.2) for the runtime of `profile`. The root
/// file system is `rootfs` beside it. Fails with `unsupported` for what the runtime would ignore,
/// with `bad_request` for limits that cannot work.
Result<std::string> render_config(const BundleRequest& request, const RuntimeProfile& profile);

/// Text of the file that `exec` takes: a process with the same restrictions as the container `spec`
/// describes. Fails with `bad_request` if the process makes no sense.
Result<std::string> render_process(const LaunchSpec& spec, const ExecRequest& exec,
                                   const BundleHost& host);

/// PATH and then the container's variables and those of `more`; of several with the same name, the
/// last.
std::vector<std::string> merge_env(const std::vector<std::string>& env,
                                   const std::vector<std::string>& more = {});

/// The host name of a container that asked for none: its id in the characters of host names.
std::string hostname_of(const ContainerId& id);

} // namespace berth
