#pragma once

#include "messages/error.hpp"
#include "messages/runtime.hpp"

#include <caf/stateful_actor.hpp>
#include <caf/typed_event_based_actor.hpp>
#include <caf/typed_response_promise.hpp>

#include <deque>
#include <functional>
#include <set>

namespace berth {

struct RuntimeState {
  struct Waiting {
    caf::actor_addr holder;
    caf::typed_response_promise<StartSlot> promise;
  };

  uint32_t free_slots = 0;
  /// Who holds a slot. A container that dies gives it back by its death.
  std::set<caf::actor_addr> holders;
  std::deque<Waiting> waiting;

  static inline const char* name = "runtime";
};

/// Finds the binary, learns its version and flags, boots a container with it and ends it. Blocks: runs in a thread of
/// its own.
using ProbeRuntime = std::function<Result<PreparedRuntime>()>;

/// RUNTIME that is prepared by `probe` within `deadline` and lets `slots` containers start at a time.
RuntimeActor::behavior_type runtime_actor(RuntimeActor::stateful_pointer<RuntimeState> self, ProbeRuntime probe,
                                          std::chrono::milliseconds deadline, uint32_t slots);

} // namespace berth
