#pragma once

#include "actors/observed.hpp"
#include "actors/policy/select_runtime.hpp"

#include <caf/stateful_actor.hpp>
#include <caf/typed_event_based_actor.hpp>

namespace berth {

struct SelectorState {
  static inline const char* name = "selector";
};

/// SELECTOR with the rules of one generation, for its whole life.
SelectorActor::behavior_type selector_actor(SelfPointer<SelectorActor, SelectorState> self, SelectionRules rules);

} // namespace berth
