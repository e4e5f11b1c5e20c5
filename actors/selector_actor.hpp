#pragma once

#include "actors/policy/select_runtime.hpp"

#include <caf/stateful_actor.hpp>
#include <caf/typed_event_based_actor.hpp>

namespace berth {

struct SelectorState {
  static inline const char* name = "selector";
};

/// SELECTOR with the rules of one generation, for its whole life.
SelectorActor::behavior_type selector_actor(SelectorActor::stateful_pointer<SelectorState> self, SelectionRules rules);

} // namespace berth
