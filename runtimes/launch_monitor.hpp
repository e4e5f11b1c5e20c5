#pragma once

#include "runtimes/launch_host.hpp"
#include "runtimes/linux/monitor_connection.hpp"

#include <chrono>

namespace berth {

struct LaunchOptions {
  /// End all processes of the container when the kernel kills one for want of memory.
  bool oom_group = false;
  /// For the record in its directory.
  uint64_t ticket = 0;
  std::chrono::milliseconds grace{30'000};
  /// It is a probe, which is of no use without the daemon that waits for it.
  bool is_probe = false;
};

/// Probes have ids that no user can give, so that their remains are known as such.
constexpr std::string_view probe_id_prefix = ".probe-";

/// Writes a container's record and bundle into its new directory, starts its monitor there and sends it the plan. Blocks on
/// the file system and on process creation, so not for scheduled actors. After a failure nothing is left.
Result<std::shared_ptr<MonitorConnection>> launch_monitor(const ContainerInfo& info, LaunchOptions options,
                                                          const LaunchHost& host, FdMonitor& reaper);

/// Removes the directories of a container whose monitor has done its work.
Result<void> remove_container_files(const ContainerInfo& info, const LaunchHost& host);

/// Does what the monitor of a container can no longer do, because it died: ends the container's processes, deletes the
/// runtime's record, removes cgroups and layer. The mounts went with the monitor's namespace. `rebooted`: so did processes and
/// cgroups with the boot of the host, and there are only files.
Result<void> sweep_container(const ContainerInfo& info, bool rebooted, const LaunchHost& host);

/// Removes what a runtime keeps of a container in its state root, without asking the runtime.
Result<void> remove_runtime_state(const std::string& state_root, const std::string& runtime_id);

} // namespace berth
