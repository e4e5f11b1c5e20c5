#pragma once

#include "messages/launcher.hpp"
#include "runtimes/launch_host.hpp"
#include "runtimes/linux/fd_monitor.hpp"

#include <caf/typed_event_based_actor.hpp>

#include <memory>

namespace berth {

/// LAUNCHER for containers of this host. To be spawned detached: everything it does blocks.
LauncherActor::behavior_type launcher_actor(LauncherActor::pointer self, LaunchHost host,
                                            std::shared_ptr<FdMonitor> reaper);

} // namespace berth
