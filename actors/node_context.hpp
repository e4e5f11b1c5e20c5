#pragma once

#include "config/settings.hpp"
#include "messages/event.hpp"
#include "messages/launcher.hpp"
#include "messages/oom.hpp"
#include "runtimes/launch_host.hpp"
#include "runtimes/linux/fd_monitor.hpp"

#include <memory>

namespace berth {

/// What the actors of one node share: settings that do not change while it runs, and the handles of its single actors.
struct NodeContext {
  LaunchHost host;
  NodeSettings settings;
  std::shared_ptr<FdMonitor> fds;
  /// How long a runtime may take until it has proven that it works, the waiting for its turn included.
  std::chrono::milliseconds prepare_deadline{70'000};
  EventActor events;
  OomActor oom;
  /// At least one; containers are spread over them.
  std::vector<LauncherActor> launchers;

  const LauncherActor& launcher_of(const ContainerId& id) const {
    return launchers[std::hash<ContainerId>{}(id) % launchers.size()];
  }
};

using NodeContextPtr = std::shared_ptr<const NodeContext>;

} // namespace berth
