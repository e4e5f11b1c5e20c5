#pragma once

#include "messages/container_info.hpp"
#include "messages/error.hpp"

#include <caf/actor_clock.hpp>
#include <caf/actor_control_block.hpp>

#include <chrono>
#include <memory>
#include <optional>

namespace berth {

/// Where a container is in its life, as its actor sees it (actors/policy/container_lifecycle.hpp has the steps).
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

/// "accepted", "creating", …
const char* to_string(Phase phase);

/// Everything of a CONTAINER that is not told by its monitor: what it was made of, what was asked of it, and what it has told
/// already. NODE keeps the newest one, and so does the journal; with it and with the monitor's story, which is told again from
/// its beginning to whoever asks, another actor goes on in the place of one that has died, in this berthd or in the next.
struct ContainerMemory {
  /// NODE's number of the launch: an id may stand for another container by now.
  uint64_t ticket = 0;
  ContainerInfo info;
  Phase phase = Phase::accepted;

  /// As the container was started; later settings of the pool do not touch it.
  std::chrono::milliseconds grace{30'000};
  bool oom_group = false;
  /// Who reads the output; may be null. Clients do not outlive the daemon.
  caf::strong_actor_ptr reader;

  bool accepted_told = false;
  /// The monitor was told to start it.
  bool start_asked = false;
  bool running_told = false;
  bool output_released = true;
  bool stop_asked = false;
  bool remove_asked = false;
  /// We have sent SIGKILL to init.
  bool kill_sent = false;
  /// When a stop turns from SIGTERM to SIGKILL. The clock goes on for as long as the host is up, whoever reads it.
  caf::actor_clock::time_point kill_due = caf::actor_clock::time_point::max();
  /// Because another process of it was OOM-killed, and the pool wants that to end the container.
  bool group_killed = false;
  /// An OOM kill of init itself was told.
  bool oom_took_it = false;
  /// The monitor has removed everything but files.
  bool deleted = false;
  /// It was there before this berthd: nothing of it is to be started.
  bool adopted = false;
  /// The host was started anew while it lived: nothing of it can be there any more, and its pids may be others'.
  bool rebooted = false;
  /// Why the launch failed or was given up; told once the monitor has cleaned up.
  std::optional<Error> failure;
};

using ContainerMemoryPtr = std::shared_ptr<const ContainerMemory>;

/// It counts against the limit of its pool: a launch is under way, or its processes live.
inline bool holds_place(const ContainerMemory& memory) {
  return memory.phase < Phase::exited;
}

} // namespace berth
