#pragma once

#include "actors/node_metrics.hpp"
#include "actors/policy/restarts.hpp"
#include "config/settings.hpp"
#include "messages/journal.hpp"
#include "messages/launcher.hpp"
#include "messages/node.hpp"
#include "messages/oom.hpp"
#include "messages/runtime.hpp"
#include "runtimes/launch_host.hpp"
#include "runtimes/linux/fd_monitor.hpp"

#include <functional>
#include <memory>

namespace berth {

/// Who looks at actors as they come. Called by the actors' owners, from any thread.
using ActorWatch = std::function<void(ActorKind kind, const caf::actor& actor)>;

/// What the actors of one node share: its host, the handles of its single actors, and the settings of the node. It never
/// changes: a new generation of a pool gets a new one.
struct NodeContext {
  LaunchHost host;
  NodeSettings settings;
  std::shared_ptr<FdMonitor> fds;
  /// Probes take turns on a node with many pools; this many may come one after the other, the own one included.
  int64_t probe_rounds = 1;
  JournalActor journal;
  /// At least one; containers are spread over them.
  std::vector<LauncherActor> launchers;
  RestartLimits restart_limits;
  /// Told of every actor that its owner would start again, when it is spawned: for tests that kill them. May be empty.
  ActorWatch on_spawn;
  NodeMetricsPtr metrics = std::make_shared<NodeMetrics>();

  const LauncherActor& launcher_of(const ContainerId& id) const {
    return launchers[std::hash<ContainerId>{}(id) % launchers.size()];
  }

  /// How long a runtime may take until it has proven that it works by these settings, the waiting for its turn included. Each
  /// probe has its own, shorter limits.
  std::chrono::milliseconds prepare_deadline(const NodeSettings& by) const {
    return (by.probe_timeout.value + prepare_slack) * probe_rounds;
  }
};

using NodeContextPtr = std::shared_ptr<const NodeContext>;

/// Spawns a POOL below the given parent; a function so that tests can put their own there.
using SpawnPool = std::function<PoolActor(const NodeActor& parent, PoolSeed seed)>;

/// Spawns an OOM with watches of its own. Fails if the kernel gives it none.
using SpawnOom = std::function<Result<OomActor>()>;

} // namespace berth
