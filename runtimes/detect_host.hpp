#pragma once

#include "runtimes/launch_host.hpp"

namespace berth {

/// The berth-monitor executable: `option` if it is not empty, else the one beside the calling program. Fails with
/// `bad_request` or `system_error` if there is none.
Result<std::string> find_monitor(const std::string& option);

/// Asks the host for everything that launches share. Opens the node's cgroups (`paths.cgroup_base`), and so makes them on
/// cgroup v2. Fails with `system_error` on a host on which no container could be limited, and as `find_monitor`.
Result<LaunchHost> detect_launch_host(const NodePaths& paths, const LogSettings& logs, const std::string& monitor_option);

} // namespace berth
