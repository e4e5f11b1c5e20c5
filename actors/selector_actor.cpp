#include "actors/selector_actor.hpp"

#include "actors/guard.hpp"

namespace berth {

SelectorActor::behavior_type selector_actor(SelfPointer<SelectorActor, SelectorState> self, SelectionRules rules) {
  guard(self, ActorLabel{.pool = rules.pool});
  return {
    [rules = std::move(rules)](const LaunchNeeds& needs) { return evaluate_selection(rules, needs); },
  };
}

} // namespace berth
