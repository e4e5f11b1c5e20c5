#pragma once

#include "runtimes/launch_host.hpp"
#include "runtimes/linux/monitor_connection.hpp"

namespace berth {

/// Writes a container's record and bundle into its new directory, starts its monitor there and sends it the plan. Blocks on
/// the file system and on process creation, so not for scheduled actors. After a failure nothing is left.
Result<std::shared_ptr<MonitorConnection>> launch_monitor(const ContainerInfo& info, bool oom_group,
                                                          const LaunchHost& host, FdMonitor& reaper);

/// Removes the directories of a container whose monitor has done its work.
Result<void> remove_container_files(const ContainerInfo& info, const LaunchHost& host);

/// Does what the monitor of a container can no longer do, because it died: ends the container's processes, deletes the
/// runtime's record, removes cgroups and layer. The mounts went with the monitor's namespace.
Result<void> sweep_container(const ContainerInfo& info, const LaunchHost& host);

} // namespace berth
