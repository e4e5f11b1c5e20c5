#pragma once

#include "messages/container.hpp"

namespace berth {

/// What is known when a container has ended.
struct ExitFacts {
  /// As from waitpid(2).
  int wait_status = 0;
  Timestamp at;
  /// The OOM actor found that a kill took the container.
  bool oom_killed = false;
  /// Bytes; 0: none.
  uint64_t memory_limit = 0;
  /// What was asked for, if the limit has an allowance for a sandbox on top of it; else 0 or the same.
  uint64_t asked_limit = 0;
  /// Somebody asked for its end.
  bool stop_asked = false;
  /// The monitor died, so that the real status is unknown.
  bool monitor_lost = false;
  /// The host was started anew, so that there is no status.
  bool rebooted = false;
};

/// Exit code, signal and a reason for people. A signal n gives the code 128+n, as in a shell.
ExitInfo explain_exit(const ExitFacts& facts);

/// "64.0 MiB".
std::string human_bytes(uint64_t bytes);

/// "SIGKILL", or "signal 35".
std::string signal_name(int signal);

} // namespace berth
