#include "actors/selector_actor.hpp"

#include "actors/guard.hpp"

namespace berth {

SelectorActor::behavior_type selector_actor(SelfPointer<SelectorActor, SelectorState> self, SelectionRules rules) {
  guard(self, ActorLabel{.pool = rules.pool});
  return {
    [rules = std::move(rules)](const LaunchNeeds& needs) -> caf::result<Selection> {
      auto selection = select_runtime(rules, needs);
      if (!selection)
        return to_caf(selection.error());
      return std::move(*selection);
    },
  };
}

} // namespace berth
