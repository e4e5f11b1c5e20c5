#pragma once

#include "messages/cause.hpp"
#include "messages/types.hpp"

#include <caf/replies_to.hpp>
#include <caf/typed_actor.hpp>

#include <chrono>

namespace berth {

/// Something that happened on this node. The type names are part of the API: container.accepted, container.running,
/// container.oom, container.exited, container.failed, container.removed, pool.ready, pool.degraded, pool.unavailable,
/// pool.generation, pool.drained, pool.retired, pool.removed, runtime.ready, runtime.failed, node.started, node.reconciled,
/// node.stopping, node.draining, node.drained, node.undrained, node.revision, node.revision_refused, node.events_lost, actor.restarted,
/// actor.resting.
struct Event {
  /// Counts from 1 without gaps, over all runs of berthd on a node; given by the JournalActor.
  uint64_t seq = 0;
  Timestamp time;
  std::string type;
  PoolName pool;
  ContainerId container;
  /// Of the pool; 0 where no pool is concerned.
  uint64_t generation = 0;
  /// What else there is to say, by the names of the API.
  std::map<std::string, std::string> texts;
  std::map<std::string, int64_t> numbers;
  std::map<std::string, bool> flags;
  Cause cause;
};

template <class Inspector>
auto inspect(Inspector& f, Event& x) {
  return f(x.seq, x.time, x.type, x.pool, x.container, x.generation, x.texts, x.numbers, x.flags, x.cause);
}

/// Which events a reader wants; empty members match everything.
struct EventFilter {
  /// Whole types ("container.oom") or groups ("container.").
  std::vector<std::string> types;
  PoolName pool;
  ContainerId container;
};

template <class Inspector>
auto inspect(Inspector& f, EventFilter& x) {
  return f(x.types, x.pool, x.container);
}

bool matches(const EventFilter& filter, const Event& event);

/// READER -> EVENT: the events after `since`, oldest first. Without any, the answer waits for the next one or for `wait`.
struct ReadEvents {
  uint64_t since = 0;
  /// At most 1000.
  uint32_t max = 1000;
  /// At most `event_wait_limit`.
  std::chrono::milliseconds wait{0};
  EventFilter filter;
  Cause cause;
};

template <class Inspector>
auto inspect(Inspector& f, ReadEvents& x) {
  return f(x.since, x.max, x.wait, x.filter, x.cause);
}

/// EVENT -> READER.
struct EventBatch {
  std::vector<Event> events;
  /// Pass it as the next `since`: filtered events are behind it, too.
  uint64_t cursor = 0;
  /// How many events after `since` are no longer kept; told once, then the cursor is past them.
  uint64_t missed = 0;
};

template <class Inspector>
auto inspect(Inspector& f, EventBatch& x) {
  return f(x.events, x.cursor, x.missed);
}

/// JOURNAL -> EVENT: these have their numbers and outlive a crash. In order, without gaps.
struct EventsRecorded {
  std::vector<Event> events;
  Cause cause;
};

template <class Inspector>
auto inspect(Inspector& f, EventsRecorded& x) {
  return f(x.events, x.cause);
}

/// INTERNAL: a reader has waited for as long as it wanted.
struct EventWaitOver {
  uint64_t ticket = 0;
  Cause cause;
};

template <class Inspector>
auto inspect(Inspector& f, EventWaitOver& x) {
  return f(x.ticket, x.cause);
}

constexpr auto event_wait_limit = std::chrono::seconds{30};
/// How long a reader waits for an answer: the longest wait it can ask for and some slack.
constexpr auto event_deadline = event_wait_limit + std::chrono::seconds{10};

/// EVENT: hands out what happened.
///
///     anyone --- Event ----------> JOURNAL -- EventsRecorded --> EVENT
///     reader --- ReadEvents -----> EVENT -> EventBatch (at once, or when something happens, or after `wait`)
///
/// A reader is told only what is recorded: its cursor means the same after a crash of berthd. Readers pull, so a slow one holds
/// up nobody: its cursor falls behind, and what is not kept any more is told as a number. Events of one sender keep their order.
using EventActor = caf::typed_actor<
  caf::reacts_to<EventsRecorded>,
  caf::replies_to<ReadEvents>::with<EventBatch>,
  caf::reacts_to<EventWaitOver>>;

} // namespace berth
