#pragma once

#include "actors/node_context.hpp"
#include "actors/observed.hpp"
#include "actors/policy/take_over.hpp"
#include "actors/restarts.hpp"
#include "messages/journal.hpp"
#include "messages/node.hpp"

#include <caf/stateful_actor.hpp>
#include <caf/typed_event_based_actor.hpp>
#include <caf/typed_response_promise.hpp>

#include <map>
#include <memory>
#include <set>
#include <vector>

namespace berth {

/// What a NODE is made of.
struct NodeOrder {
  std::shared_ptr<const Settings> settings;
  /// The pools that it begins with, and the containers that are there already.
  std::vector<PoolStart> pools;
  uint64_t last_ticket = 0;
  /// It takes no launches.
  bool is_drained = false;
  SpawnPool spawn_pool;
  SpawnOom spawn_oom;
  JournalActor journal;
  /// Ids that must not be given away.
  std::set<ContainerId> foreign;
  RestartLimits restart_limits;
  NodeMetricsPtr metrics = std::make_shared<NodeMetrics>();
};

struct NodeState {
  struct Pool {
    PoolName name;
    PoolActor actor;
    /// It has not died, or not ended.
    bool lives = true;
    PoolMemoryPtr memory;
    Restarts restarts;
  };

  using PoolPtr = std::shared_ptr<Pool>;

  struct Container {
    /// Who got the launch: the pool's name may stand for another one by now.
    PoolPtr pool;
    /// Null until the pool has spawned it: the launch is in the pool's queue.
    ContainerActor actor;
    /// Why the actor has died, while another one is on its way.
    caf::error death;
    /// Null as long as the actor was.
    ContainerMemoryPtr memory;
    /// Of the launch that made this entry.
    uint64_t ticket = 0;
    /// Who waits for the next actor.
    std::vector<caf::typed_response_promise<ContainerActor>> seekers;
  };

  /// A launch that is not answered yet.
  struct Launch {
    ContainerId id;
    PoolPtr pool;
    LaunchOrder order;
    caf::typed_response_promise<ContainerInfo> reply;
    /// How often it was given to a pool, and how often of these it had no container yet.
    uint32_t attempts = 0;
    uint32_t without_container = 0;
    /// When it came.
    PhaseClock clock{};
  };

  std::map<PoolName, PoolPtr> pools;
  /// Not configured any more; they end with their last container.
  std::vector<PoolPtr> retired;
  OomActor oom;
  Restarts oom_restarts;
  std::map<ContainerId, Container> containers;
  /// By ticket, so in the order in which they came.
  std::map<uint64_t, Launch> launches;
  uint64_t last_ticket = 0;
  std::set<ContainerId> foreign;
  std::chrono::milliseconds longest_launch{0};
  PutOff put_off;

  bool is_drained = false;
  /// Who waits until nothing runs any more.
  std::vector<caf::typed_response_promise<DrainReport>> drain_promises;
  DrainReport drain_report;
  /// Of the deadline that still matters: that of the last drain.
  uint64_t drain_epoch = 0;
  /// What ran when the drain began, and is not known to have ended.
  std::set<ContainerId> drained;

  static inline const char* name = "node";
};

NodeActor::behavior_type node_actor(SelfPointer<NodeActor, NodeState> self, NodeOrder order);

} // namespace berth
