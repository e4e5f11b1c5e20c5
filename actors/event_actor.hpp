#pragma once

#include "actors/observed.hpp"
#include "messages/event.hpp"
#include "messages/journal.hpp"

#include <caf/typed_response_promise.hpp>
#include <caf/stateful_actor.hpp>
#include <caf/typed_event_based_actor.hpp>

#include <deque>

namespace berth {

struct EventState {
  struct Waiting {
    uint64_t ticket = 0;
    ReadEvents wish;
    caf::typed_response_promise<EventBatch> promise;
  };

  /// The newest events, oldest first, without gaps. Those before them are in the journal.
  std::deque<Event> kept;
  uint64_t last_seq = 0;
  uint64_t last_ticket = 0;
  std::vector<Waiting> waiting;

  static inline const char* name = "event";
};

/// EVENT whose newest event so far had the number `last_seq`. It keeps `window` events in memory.
EventActor::behavior_type event_actor(SelfPointer<EventActor, EventState> self, JournalActor journal, uint64_t last_seq,
                                      uint32_t window = 4096);

} // namespace berth
