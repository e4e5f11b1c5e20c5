#pragma once

#include "messages/cause.hpp"
#include "messages/types.hpp"

#include <caf/replies_to.hpp>
#include <caf/typed_actor.hpp>

#include <chrono>

namespace berth {

/// What an OOM kill ended.
enum class OomScope : uint8_t {
  /// The init process, and with it the container. Under gVisor every kill: the kernel sees only the sandbox.
  container,
  /// Another process; the container lives on.
  process,
};

/// "container" / "process".
const char* to_string(OomScope scope);

/// OOM -> listener of the container, subscribers: the kernel killed processes of a container at its memory limit.
struct OomKill {
  ContainerId container;
  PoolName pool;
  RuntimeKind runtime = RuntimeKind::runc;
  uint64_t generation = 0;
  OomScope scope = OomScope::container;
  /// Kills in this container so far, these included.
  uint64_t kills = 0;
  /// Kills since the last message.
  uint64_t new_kills = 0;
  /// Bytes; 0 means no limit of its own (the host ran out of memory).
  uint64_t limit = 0;
  /// Highest memory use in bytes; 0 if the kernel does not tell.
  uint64_t peak = 0;
  /// Host pid and name of the last victim as the kernel log tells it; 0 and empty if it does not.
  int32_t victim_pid = 0;
  std::string victim;
  Timestamp time;
  Cause cause;
};

template <class Inspector>
auto inspect(Inspector& f, OomKill& x) {
  return f(x.container, x.pool, x.runtime, x.generation, x.scope, x.kills, x.new_kills, x.limit, x.peak, x.victim_pid,
           x.victim, x.time, x.cause);
}

/// OOM -> subscriber: you gave no credit for so many messages, and they are gone.
struct OomGap {
  uint64_t missed = 0;
  Cause cause;
};

template <class Inspector>
auto inspect(Inspector& f, OomGap& x) {
  return f(x.missed, x.cause);
}

/// Who is told about one container.
using OomListener = caf::typed_actor<caf::reacts_to<OomKill>>;

/// Who is told about all of them.
using OomSubscriber = caf::typed_actor<caf::reacts_to<OomKill>, caf::reacts_to<OomGap>>;

/// CONTAINER -> OOM: watch this container, from the beginning of its group on. An error means that kills are told only at its end.
struct WatchOom {
  ContainerId container;
  PoolName pool;
  RuntimeKind runtime = RuntimeKind::runc;
  uint64_t generation = 0;
  /// False for gVisor: every kill takes the container.
  bool has_host_processes = true;
  /// Directory with the container's memory counters.
  std::string memory_cgroup;
  /// Path of the container's group as the kernel log tells it: from the root of the hierarchy.
  std::string cgroup;
  /// Host pid of init, to tell a victim apart.
  int32_t init_pid = 0;
  /// Kills that were told already, and whether one of them took the container: not 0 when it was watched before, by an OOM that
  /// has died or for an actor that has.
  uint64_t told = 0;
  bool container_killed = false;
  OomListener listener;
  Cause cause;
};

template <class Inspector>
auto inspect(Inspector& f, WatchOom& x) {
  return f(x.container, x.pool, x.runtime, x.generation, x.has_host_processes, x.memory_cgroup, x.cgroup, x.init_pid,
           x.told, x.container_killed, x.listener, x.cause);
}

/// CONTAINER -> OOM: the container has ended with these counters; tell what was not told yet, then forget it.
struct FinishOom {
  ContainerId container;
  /// Final value of the counter, read after the exit and before the cgroup went.
  uint64_t kills = 0;
  /// How often all processes were killed together; 0 where the kernel does not tell.
  uint64_t group_kills = 0;
  uint64_t peak = 0;
  uint64_t limit = 0;
  /// Init was ended by SIGKILL, in a sandbox also its first process inside.
  bool killed = false;
  /// Somebody had asked for that.
  bool asked = false;
  Cause cause;
};

template <class Inspector>
auto inspect(Inspector& f, FinishOom& x) {
  return f(x.container, x.kills, x.group_kills, x.peak, x.limit, x.killed, x.asked, x.cause);
}

/// OOM -> CONTAINER: all is told.
struct OomSummary {
  uint64_t kills = 0;
  /// One of the kills took the container.
  bool container_killed = false;
};

template <class Inspector>
auto inspect(Inspector& f, OomSummary& x) {
  return f(x.kills, x.container_killed);
}

/// SUBSCRIBER -> OOM: I take `credit` more messages. The first one subscribes; ending unsubscribes.
struct OomCredit {
  OomSubscriber subscriber;
  uint32_t credit = 0;
  Cause cause;
};

template <class Inspector>
auto inspect(Inspector& f, OomCredit& x) {
  return f(x.subscriber, x.credit, x.cause);
}

/// INTERNAL: the kernel has news about these watches.
struct OomStirred {
  std::vector<uint64_t> watches;
  Cause cause;
};

template <class Inspector>
auto inspect(Inspector& f, OomStirred& x) {
  return f(x.watches, x.cause);
}

/// INTERNAL: look at this watch again. cgroup v1 announces a kill before it counts it.
struct OomRecheck {
  uint64_t watch = 0;
  /// Index into the follow-up times.
  uint32_t attempt = 0;
  /// Of the news that this follows; later news start over.
  uint64_t epoch = 0;
  Cause cause;
};

template <class Inspector>
auto inspect(Inspector& f, OomRecheck& x) {
  return f(x.watch, x.attempt, x.epoch, x.cause);
}

/// How long a container waits for an answer.
constexpr auto oom_deadline = std::chrono::seconds{10};

/// OOM: watches the cgroup of every container of the node and tells each kill once.
///
///     CONTAINER -- WatchOom ---> OOM            between `create` and `start`, so that no kill is unseen
///     OOM ------ OomKill ------> listener, subscribers
///     CONTAINER -- FinishOom --> OOM            after the exit, with the final counters
///     OOM ------ OomKill ------> listener, subscribers     (if the count grew in the last moment)
///     OOM ------ OomSummary ---> CONTAINER      only now may the container tell its exit
///
/// So the kill is always told before the exit. A subscriber without credit misses messages and is told how many.
///
/// An OOM that dies is started again by NODE. The counters are the kernel's, so nothing is lost: every container has itself
/// watched again by the new one, and says what was told. Subscribers subscribe again when theirs has ended.
using OomActor = caf::typed_actor<
  caf::replies_to<WatchOom>::with<void>,
  caf::replies_to<FinishOom>::with<OomSummary>,
  caf::reacts_to<OomCredit>,
  caf::reacts_to<OomStirred>,
  caf::reacts_to<OomRecheck>>;

} // namespace berth
