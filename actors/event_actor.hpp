#pragma once

#include "messages/event.hpp"

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

  /// The newest `history` events, oldest first, without gaps.
  std::deque<Event> kept;
  uint64_t last_seq = 0;
  uint64_t last_ticket = 0;
  std::vector<Waiting> waiting;

  static inline const char* name = "event";
};

/// EVENT that keeps the newest `history` events in memory.
EventActor::behavior_type event_actor(EventActor::stateful_pointer<EventState> self, uint32_t history);

} // namespace berth
