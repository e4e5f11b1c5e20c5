#pragma once

#include "messages/error.hpp"
#include "runtimes/cgroup_host.hpp"
#include "runtimes/linux/unique_fd.hpp"

#include <chrono>
#include <memory>
#include <mutex>
#include <span>
#include <unordered_map>

namespace berth {

/// What the kernel has counted in a container's memory group.
struct OomCounters {
  /// Processes killed for lack of memory.
  uint64_t oom_kills = 0;
  /// How often all processes of a group were killed together; 0 where the kernel does not tell.
  uint64_t oom_group_kills = 0;
  /// Bytes; 0 means no limit.
  uint64_t memory_limit = 0;
  /// Bytes: the highest use so far, or the present one where the kernel does not tell.
  uint64_t memory_peak = 0;
};

/// Hears of OOM kills in the memory groups of many containers, without ever asking in turns.
///
/// The kernel tells that something has happened, `drain` tells to whom, `read` tells what. How that goes depends on the
/// version of cgroups, and the user of this class need not care:
///
///     v2: One inotify descriptor for all. A group's `memory.events` was modified: its counters have the news already.
///         The file of a group counts for the groups below it, too, so ours hears of what happens in the runtime's. The
///         kernel tells of one file at most every 10 ms, but the last change is always told.
///     v1: An eventfd for each group, registered for `memory.oom_control`; all of them behind one epoll descriptor. It
///         is a notice *before* the kill: the counter is still the old one. So who is told reads at once and again
///         after each pause of `follow_ups()`; by the last one every kill that the notice was about is counted.
///         Removing a group is told like a kill.
///
/// The kernel also tells when a limit was reached and memory could be reclaimed: news is not a kill, a higher counter is.
/// A kill in the moment in which a container ends is not heard here reliably: whoever reaps the container reads the
/// counters once more before its groups are removed.
///
/// Thread-safe: the monitor thread drains while others add, remove and read.
class OomWatch {
public:
  /// Never used twice.
  using WatchId = uint64_t;

  /// Fails with `system_error`.
  static Result<std::unique_ptr<OomWatch>> open(CgroupVersion version);

  OomWatch(const OomWatch&) = delete;
  OomWatch& operator=(const OomWatch&) = delete;

  /// Readable while there is something to drain. Stays the same for the life of the object.
  const std::shared_ptr<const UniqueFd>& descriptor() const noexcept {
    return descriptor_;
  }

  /// Watches a memory group (`ContainerCgroups::memory`). Kills from now on are told; the group itself is held, so that
  /// another one that gets its name later is never taken for it. Fails with `system_error`. One group has
  /// one watch at a time.
  Result<WatchId> add(const std::string& memory_cgroup);

  /// Ends a watch; unknown ones are ignored. To be called although the group is gone: the kernel does not do it.
  void remove(WatchId id);

  /// The counters as they are now; the first call gives the baseline. Fails with `system_error` if the group is gone, and
  /// for an unknown watch.
  Result<OomCounters> read(WatchId id) const;

  /// Takes the news of the kernel: who should be read again, each one once. Does not block and looks at a bounded number
  /// of events; if more are left, the descriptor stays readable.
  std::vector<WatchId> drain();

  /// The pauses between the reads after news; empty on v2. The last ones are for kernels that log to a slow console before
  /// they count, and for several processes that run into the same limit.
  std::span<const std::chrono::milliseconds> follow_ups() const noexcept;

private:
  struct Watch {
    /// The group's directory (O_PATH).
    UniqueFd group;
    /// Its counters, held open so that a lack of descriptors cannot hide a kill.
    UniqueFd counters;
    /// v1 only.
    UniqueFd notice;
    /// v2 only: the number of the inotify watch.
    int inotify_watch = -1;
  };

  OomWatch(CgroupVersion version, UniqueFd descriptor);

  Result<std::shared_ptr<Watch>> place_v1(const std::string& memory_cgroup, WatchId id);
  Result<std::shared_ptr<Watch>> place_v2(const std::string& memory_cgroup, WatchId id);
  std::vector<WatchId> drain_v1();
  std::vector<WatchId> drain_v2();

  const CgroupVersion version_;
  const std::shared_ptr<const UniqueFd> descriptor_;
  mutable std::mutex mutex_;
  WatchId next_ = 1;                                            // guarded by mutex_
  std::unordered_map<WatchId, std::shared_ptr<Watch>> watches_; // guarded by mutex_
  std::unordered_map<int, WatchId> by_inotify_watch_;           // guarded by mutex_
};

} // namespace berth
