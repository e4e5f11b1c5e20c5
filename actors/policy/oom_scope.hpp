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

} // namespace berth
