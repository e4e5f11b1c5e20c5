#pragma once

#include "actors/observed.hpp"
#include "messages/launcher.hpp"
#include "runtimes/launch_host.hpp"
#include "runtimes/linux/fd_monitor.hpp"

#include <caf/stateful_actor.hpp>
#include <caf/typed_event_based_actor.hpp>

#include <map>
#include <memory>
#include <string>

namespace berth {

struct LauncherState {
  /// By runtime id, the monitors of the containers whose files are not removed yet.
  std::map<std::string, std::shared_ptr<MonitorConnection>> links;

  static inline const char* name = "launcher";
};

/// LAUNCHER for containers of this host. To be spawned detached: everything it does blocks.
LauncherActor::behavior_type launcher_actor(SelfPointer<LauncherActor, LauncherState> self, LaunchHost host,
                                            std::shared_ptr<FdMonitor> fds);

} // namespace berth
