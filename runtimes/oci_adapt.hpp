#pragma once

#include "runtimes/oci_spec.hpp"

namespace berth {

/// Host tasks that a gVisor sandbox needs beside those of its workload. Measured on 2 CPUs: 20
/// (release 20240729, systrap) and 26 (20221219, ptrace) for one sleeping process; Go starts more
/// on hosts with more CPUs.
constexpr uint64_t gvisor_extra_pids = 64;
/// Memory of the sandbox itself, which is in the same cgroup. Measured: 11 to 14 MiB idle, up to 23
/// MiB while it boots.
constexpr uint64_t gvisor_extra_memory = 32 * 1024 * 1024;
/// The least that a workload in a sandbox gets, whatever was asked for: below 16 MiB in all, no
/// sandbox boots.
constexpr uint64_t gvisor_min_memory = 16 * 1024 * 1024;

/// A bundle's contents as far as they differ between runtimes.
struct BundleTraits {
  /// Of the container's cgroup.
  Limits limits;
  bool seccomp = true;
  /// `memory.oom.group`.
  bool oom_group = false;
  /// Read-only, nosuid and nodev reach the mounts below a bind mount's source, too.
  bool recursive_mount_options = false;
};

/// What the runtime of `profile` makes of a request. Fails with `unsupported` for what it would
/// ignore although it was asked for by name, with `bad_request` for limits that cannot work.
Result<BundleTraits> adapt_bundle(const BundleRequest& request, const RuntimeProfile& profile);

} // namespace berth
