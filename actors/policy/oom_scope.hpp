#pragma once

#include "messages/oom.hpp"

namespace berth {

/// What is known about one or more kills in a container.
struct OomFacts {
  /// False for gVisor.
  bool has_host_processes = true;
  int32_t init_pid = 0;
  /// Host pid of the victim as the kernel log tells it; 0 if it does not.
  int32_t victim_pid = 0;
  /// The kernel killed the whole group (memory.oom.group).
  bool group_killed = false;
  /// Init has ended by SIGKILL, or is about to.
  bool init_killed = false;
};

/// Did the kill take the container, or a process in it? The victim's pid decides where it is known: another process may
/// have been killed a moment before somebody else killed init.
OomScope oom_scope(const OomFacts& facts);

/// Did a SIGKILL end init? `wait_status` is as from waitpid(2). A sandbox tells how its own first process ended by its exit code,
/// so 137 is 128 + SIGKILL there: runsc does that itself when its gofer is gone, as after an OOM kill of the gofer.
bool ended_by_kill(int wait_status, bool has_host_processes);

} // namespace berth
