#pragma once

#include "actors/node_context.hpp"
#include "actors/observed.hpp"
#include "actors/policy/container_lifecycle.hpp"
#include "messages/node.hpp"
#include "runtimes/linux/pidfd.hpp"
#include "runtimes/linux/monitor_connection.hpp"
#include "runtimes/monitor_protocol.hpp"

#include <caf/stateful_actor.hpp>
#include <caf/typed_event_based_actor.hpp>
#include <caf/typed_response_promise.hpp>

#include <optional>

namespace berth {

/// What a CONTAINER is made of.
struct ContainerOrder {
  /// Of a new one: its info with selection, profile, generation and places; the rest is filled in as it happens. Of one whose
  /// actor has died: what NODE remembers.
  ContainerMemory memory;
  UseNeighbours neighbours;
  NodeActor parent;
  /// Where in a trace it was made.
  TracePoint trace;
};

struct ContainerActorState {
  enum class Slot : uint8_t { none, asked, held };

  ContainerMemory memory;
  UseNeighbours neighbours;
  NodeActor parent;

  /// This actor has been told to go, or goes on where another one has died.
  bool has_begun = false;
  bool monitor_lost = false;
  bool removing = false;
  /// The OOM watch has been asked for.
  bool watch_asked = false;
  std::optional<MonitorExited> exited;

  /// Of its pool and runtime.
  const LaunchMetrics* metrics = nullptr;
  /// Another actor has stood here before: what that has heard is told again.
  bool goes_on = false;
  /// Since when the present phase of the launch lasts, and how long its first record has taken.
  PhaseClock clock;
  std::chrono::nanoseconds recording{0};

  Slot slot = Slot::none;
  /// Of the request that still matters: a POOL may die with it.
  uint64_t slot_epoch = 0;

  std::shared_ptr<MonitorConnection> connection;
  /// Since when this actor hears its monitor, what that belongs to, and what it was told to do.
  int64_t attached = 0;
  TracePoint monitor_trace;
  std::optional<Wait> create_wait;
  std::optional<Wait> start_wait;
  /// For a monitor whose link is not there yet.
  std::vector<MonitorCommand> held_commands;
  /// Held from before the start until the exit.
  UniqueFd init;
  /// Of the timer that still matters: the start's, then a stop's.
  uint64_t timer_epoch = 0;

  std::vector<caf::typed_response_promise<ContainerInfo>> launch_promises;
  std::vector<caf::typed_response_promise<ContainerInfo>> stop_promises;
  std::vector<caf::typed_response_promise<caf::unit_t>> remove_promises;

  static inline const char* name = "container";
};

/// CONTAINER that waits for `BeginLaunch`, or goes on at once where one that has died was.
ContainerActor::behavior_type container_actor(SelfPointer<ContainerActor, ContainerActorState> self,
                                              NodeContextPtr node, ContainerOrder order);

} // namespace berth
