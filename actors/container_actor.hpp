#pragma once

#include "actors/node_context.hpp"
#include "actors/policy/container_lifecycle.hpp"
#include "messages/node.hpp"
#include "messages/runtime.hpp"
#include "runtimes/linux/pidfd.hpp"
#include "runtimes/linux/monitor_connection.hpp"
#include "runtimes/monitor_protocol.hpp"

#include <caf/actor_clock.hpp>
#include <caf/stateful_actor.hpp>
#include <caf/typed_event_based_actor.hpp>
#include <caf/typed_response_promise.hpp>

#include <optional>

namespace berth {

/// What a CONTAINER is made of.
struct ContainerOrder {
  /// With selection, profile, generation and places; the rest is filled in as it happens.
  ContainerInfo info;
  RuntimeActor runtime;
  PoolActor pool;
  NodeActor parent;
  /// Who reads the output; may be null.
  caf::strong_actor_ptr reader;
  std::chrono::milliseconds grace{30'000};
  bool oom_group = false;
};

struct ContainerActorState {
  ContainerOrder order;
  Phase phase = Phase::accepted;
  bool stop_asked = false;
  /// We have sent SIGKILL to init.
  bool kill_sent = false;
  /// Because another process of it was OOM-killed, and the pool wants that to end the container.
  bool group_killed = false;
  bool monitor_lost = false;
  /// The monitor has removed everything but files.
  bool deleted = false;
  bool removing = false;
  bool output_released = true;
  bool running_told = false;
  /// Why the launch failed or was given up; told once the monitor has cleaned up.
  std::optional<Error> failure;
  std::optional<MonitorExited> exited;

  std::shared_ptr<MonitorConnection> connection;
  FdMonitor::Token watch = 0;
  /// Held from before the start until the exit.
  UniqueFd init;
  /// Of the timer that still matters: the start's, then a stop's.
  uint64_t timer_epoch = 0;
  /// When a stop turns from SIGTERM to SIGKILL.
  caf::actor_clock::time_point kill_due;

  std::vector<caf::typed_response_promise<ContainerInfo>> launch_promises;
  std::vector<caf::typed_response_promise<ContainerInfo>> stop_promises;
  std::vector<caf::typed_response_promise<caf::unit_t>> remove_promises;

  static inline const char* name = "container";
};

ContainerActor::behavior_type container_actor(ContainerActor::stateful_pointer<ContainerActorState> self,
                                              NodeContextPtr node, ContainerOrder order);

} // namespace berth
