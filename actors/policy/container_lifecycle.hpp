#pragma once

#include "messages/container_memory.hpp"

#include <cstdint>
#include <optional>

namespace berth {

/// What can happen to a container, whoever caused it.
enum class Happened : uint8_t {
  slot_granted,
  monitor_created,
  watch_placed,
  monitor_started,
  stop_asked,
  init_exited,
  exit_told,
  launch_failed,
};

/// The phase after `event`, or nothing if the event makes no sense in `phase` and has to be ignored.
///
///     accepted --slot--> creating --created--> created --watched--> starting --started--> running
///         |                 |                     |                     |                    |
///         |                 +----------------- stop_asked --------------+--------------------+--> stopping
///         +-- launch_failed (from any phase up to ended in which it has not run) --> failed
///     creating … stopping --init_exited--> ended --exit_told--> exited
///
/// An exit may overtake `monitor_started` (the workload ran shorter than the start took): `ended` swallows it. A story that is
/// told again, to an actor in the place of one that has died, comes to `monitor_started` before the watch is placed anew.
std::optional<Phase> next(Phase phase, Happened event);

/// What users see of a phase.
ContainerState visible_state(Phase phase);

} // namespace berth
