#pragma once

#include "actors/observed.hpp"
#include "messages/error.hpp"
#include "messages/oom.hpp"
#include "runtimes/linux/kernel_log.hpp"
#include "runtimes/linux/oom_watch.hpp"
#include "runtimes/linux/process_state.hpp"

#include <caf/stateful_actor.hpp>
#include <caf/typed_event_based_actor.hpp>

#include <functional>
#include <map>

namespace berth {

/// The kernel as the OomActor sees it; functions, so that tests own counters and time.
struct OomSource {
  std::function<Result<uint64_t>(const std::string& memory_cgroup)> add;
  std::function<void(uint64_t watch)> remove;
  std::function<Result<OomCounters>(uint64_t watch)> read;
  /// Victims that the kernel log has named since the last call.
  std::function<std::vector<OomVictim>()> victims;
  std::function<Vitality(int pid)> vitality;
  /// When to look again after news.
  std::vector<std::chrono::milliseconds> follow_ups;
};

/// The real one.
OomSource make_oom_source(std::shared_ptr<OomWatch> watch, std::shared_ptr<KernelLog> log);

struct OomState {
  struct Watched {
    WatchOom what;
    /// What is told of it belongs there.
    TracePoint trace;
    /// Kills that were told.
    uint64_t told = 0;
    uint64_t group_kills = 0;
    bool container_killed = false;
    /// Victims that the kernel log has named.
    uint64_t named = 0;
    /// When a kill was told of which nobody knows whom it hit.
    Timestamp unnamed_at;
    int32_t last_victim_pid = 0;
    std::string last_victim;
    uint64_t epoch = 0;
    /// A kill is counted, but whom it hit is not clear yet.
    bool settling = false;
  };

  struct Subscription {
    OomSubscriber subscriber;
    uint64_t credit = 0;
    uint64_t missed = 0;
  };

  /// By the source's number, or by one of ours (see `unplaced`) where the kernel gave no watch.
  std::map<uint64_t, Watched> watches;
  std::map<ContainerId, uint64_t> by_container;
  uint64_t last_unplaced = 0;
  std::map<caf::actor_addr, Subscription> subscriptions;

  static inline const char* name = "oom";
};

OomActor::behavior_type oom_actor(SelfPointer<OomActor, OomState> self, OomSource source);

} // namespace berth
