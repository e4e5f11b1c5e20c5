#include "actors/selector_actor.hpp"

#include "actors/guard.hpp"

namespace berth {

SelectorActor::behavior_type selector_actor(SelectorActor::stateful_pointer<SelectorState> self, SelectionRules rules) {
  guard(self);
  return {
    [rules = std::move(rules)](const LaunchNeeds& needs) { return evaluate_selection(rules, needs); },
  };
}

} // namespace berth
