#pragma once

#include "runtimes/linux/unique_fd.hpp"
#include "runtimes/oom_victim.hpp"

#include <vector>

namespace berth {

/// Finds the victims of OOM kills in the kernel's log. For one thread at a time.
class KernelLog {
public:
  /// Begins at the end of the log. Without permission to read it (CAP_SYSLOG), or without /dev/kmsg, the result never
  /// has victims and says why.
  static KernelLog open();

  /// Empty if the log can be read; else "open /dev/kmsg: Operation not permitted".
  const std::string& why_unavailable() const noexcept {
    return why_unavailable_;
  }

  struct News {
    /// Oldest first; each process once.
    std::vector<OomVictim> victims;
    /// There are records that were not looked at yet.
    bool more = false;
  };

  /// What came since the last call. Does not block, and reads 1,000 records at most (3 ms). Records that the kernel
  /// threw away before they were read are missing without a word.
  News drain();

private:
  UniqueFd fd_;
  std::string why_unavailable_;
  /// The victim told last with its group; a second line about it follows.
  int32_t last_pid_ = 0;
};

} // namespace berth
