#pragma once

#include "actors/node_metrics.hpp"
#include "actors/observed.hpp"
#include "messages/journal.hpp"
#include "runtimes/journal.hpp"

#include <caf/stateful_actor.hpp>
#include <caf/typed_event_based_actor.hpp>
#include <caf/typed_response_promise.hpp>

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <set>

namespace berth {

/// What is kept, and for how long.
struct JournalLimits {
  uint64_t events = 65'536;
  std::chrono::milliseconds event_age = std::chrono::hours{24 * 7};
  uint64_t revisions = 100;
  /// Events that wait while nothing can be written; more are lost.
  size_t waiting_events = 65'536;
};

/// What a JOURNAL works with.
struct JournalOrder {
  std::shared_ptr<Journal> journal;
  /// Opens it again when it turns out to be damaged.
  std::function<Result<Journal::Opened>()> reopen;
  /// Containers that are in it.
  std::vector<ContainerMemoryPtr> containers;
  uint64_t last_event = 0;
  std::string boot_id;
  JournalLimits limits;
  NodeMetricsPtr metrics = std::make_shared<NodeMetrics>();
};

struct JournalActorState {
  using Reply = caf::typed_response_promise<caf::unit_t>;

  std::shared_ptr<Journal> journal;
  EventActor listener;
  uint64_t last_event = 0;

  /// All containers as they stand.
  std::map<ContainerId, ContainerMemoryPtr> containers;
  /// Those whose row is not up to date.
  std::set<ContainerId> stale;
  /// In the order in which they happened; without numbers.
  std::deque<Event> events;
  std::vector<JournalWrite> others;
  std::vector<Reply> replies;
  /// Of what waits to be written, as far as it is recorded.
  std::vector<Wait> waits;
  Durability durability = Durability::process;

  bool flush_due = false;
  bool retry_due = false;
  bool is_failing = false;
  uint64_t lost_events = 0;
  uint64_t since_prune = 0;

  static inline const char* name = "journal";
};

/// JOURNAL. To be detached: it waits for the disk.
JournalActor::behavior_type journal_actor(SelfPointer<JournalActor, JournalActorState> self, JournalOrder order);

} // namespace berth
