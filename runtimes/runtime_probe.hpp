#pragma once

#include "runtimes/launch_host.hpp"
#include "runtimes/linux/fd_monitor.hpp"

#include <chrono>

namespace berth {

struct ProbeReport {
  RuntimeProfile profile;
  /// From the plan to the exit of the probe container.
  std::chrono::milliseconds boot_time{0};
};

/// Makes the root file system of probe containers: a directory with the monitor's executable, which needs no libraries, and
/// nothing else. To be called once, before the first probe.
Result<void> make_canary_root(const LaunchHost& host);

/// Finds out whether a runtime works for a pool on this host: binary, version, flags, and then a container that is really
/// booted and has to end with the right exit code before `berth.probeTimeout`. A device file is not believed: a KVM device
/// may exist and the platform hang. Whatever the outcome, nothing of the container is left. Blocks.
///
/// Fails with `runtime_failed` (binary missing, not what it claims, an argument it does not know) or `platform_failed`
/// (the platform is unknown to the binary, or the container did not boot).
Result<ProbeReport> probe_runtime(RuntimeKind kind, const PoolSettings& pool, const NodeSettings& settings,
                                  const LaunchHost& host, FdMonitor& reaper);

/// The platforms that the node's runsc offers, in its own order. Asks the program only. Fails with `runtime_failed`.
Result<std::vector<std::string>> offered_platforms(const NodeSettings& settings, const LaunchHost& host);

} // namespace berth
