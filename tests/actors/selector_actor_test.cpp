#include "actors/selector_actor.hpp"

#include "tests/support/actor_world.hpp"

using namespace berth;

TEST_CASE_METHOD(berth::test::ActorWorld, "a selector answers by its rules, and says by which, with the typed error", "[selector]") {
  auto rules = SelectionRules{};
  rules.pool = {"sandbox"};
  rules.configured = RuntimeKind::gvisor;
  rules.health = {true, {}};
  rules.runc_health = {true, {}};
  rules.overrides = OverridePolicy::deny;
  auto selector = spawn(selector_actor, rules);
  auto plain = ask<SelectionTrail>(selector, LaunchNeeds{}).get();
  REQUIRE(plain);
  CHECK(!plain->refused);
  CHECK(plain->selection.runtime == RuntimeKind::gvisor);
  CHECK(plain->rule == SelectionRule::gvisor_configured);
  auto refused = ask<SelectionTrail>(selector, LaunchNeeds{1, false}).get();
  REQUIRE(refused);
  CHECK(refused->refused);
  CHECK(refused->rule == SelectionRule::override_denied);
  CHECK(refused->error.code == ec::override_denied);
  CHECK(refused->error.subject == "pool \"sandbox\"");
  CHECK(!refused->error.next.empty());
}
