#pragma once

#include "messages/container.hpp"

#include <cstdint>
#include <optional>

namespace berth {

/// Where a container is in its life, as its actor sees it.
enum class Phase : uint8_t {
  /// Admitted; waits for a start slot.
  accepted,
  /// The monitor is at work: root file system, `create`.
  creating,
  /// Init exists and waits; the OOM watch is being placed.
  created,
  /// The monitor was told to start it.
  starting,
  running,
  /// Asked to stop, by signal or by abort.
  stopping,
  /// Init has ended; the last OOM count is being told.
  ended,
  /// The exit is told.
  exited,
  /// It never ran; what there was of it is being removed.
  failed,
};

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
/// An exit may overtake `monitor_started` (the workload ran shorter than the start took): `ended` swallows it.
std::optional<Phase> next(Phase phase, Happened event);

/// What users see of a phase.
ContainerState visible_state(Phase phase);

} // namespace berth
