#include "actors/policy/select_runtime.hpp"

#include "tests/support/catch.hpp"

using namespace berth;

namespace {

const auto runc = RuntimeKind::runc;
const auto gvisor = RuntimeKind::gvisor;
const auto allow = OverridePolicy::allow;
const auto deny = OverridePolicy::deny;
const auto fallback = UnavailablePolicy::fallback;
const auto fail = UnavailablePolicy::fail;

struct Row {
  const char* what;
  RuntimeKind configured;
  bool usable;
  LaunchNeeds needs;
  OverridePolicy overrides;
  UnavailablePolicy on_unavailable;
  /// Nothing: refused with `error`.
  std::optional<RuntimeKind> runtime;
  SelectionReason reason;
  ec error;
};

const auto none = LaunchNeeds{0, false};
const auto gpu = LaunchNeeds{1, false};
const auto checkpoint = LaunchNeeds{0, true};
const auto both = LaunchNeeds{2, true};

SelectionRules rules_of(const Row& row) {
  auto health = row.usable ? RuntimeHealth{true, {}} : RuntimeHealth{false, "no such binary"};
  return {{"web"}, row.configured, RuntimeSource::pool, "berth.yaml:3:5", row.overrides, row.on_unavailable, health,
          {true, {}}};
}

} // namespace

TEST_CASE("every row of the selection table", "[policy]") {
  using R = SelectionReason;
  auto row = GENERATE(
    Row{"runc serves plain work", runc, true, none, allow, fallback, runc, R::configured, {}},
    Row{"runc serves GPU work", runc, true, gpu, allow, fallback, runc, R::configured, {}},
    Row{"runc serves checkpoint work", runc, true, checkpoint, allow, fallback, runc, R::configured, {}},
    Row{"deny means nothing to runc", runc, true, both, deny, fail, runc, R::configured, {}},
    Row{"runc itself has no fallback", runc, false, none, allow, fallback, {}, R::configured, ec::pool_unavailable},
    Row{"gVisor serves plain work", gvisor, true, none, allow, fallback, gvisor, R::configured, {}},
    Row{"deny does not touch plain work", gvisor, true, none, deny, fail, gvisor, R::configured, {}},
    Row{"GPU work leaves gVisor", gvisor, true, gpu, allow, fallback, runc, R::gpu, {}},
    Row{"checkpoint work leaves gVisor", gvisor, true, checkpoint, allow, fail, runc, R::checkpoint, {}},
    Row{"GPU is named before checkpoint", gvisor, true, both, allow, fallback, runc, R::gpu, {}},
    Row{"denied GPU work is refused", gvisor, true, gpu, deny, fallback, {}, R::gpu, ec::override_denied},
    Row{"denied checkpoint work is refused", gvisor, true, checkpoint, deny, fail, {}, R::gpu, ec::override_denied},
    Row{"broken gVisor falls back", gvisor, false, none, allow, fallback, runc, R::fallback, {}},
    Row{"broken gVisor falls back for GPU work, too", gvisor, false, gpu, allow, fallback, runc, R::fallback, {}},
    Row{"fallback comes before deny", gvisor, false, gpu, deny, fallback, runc, R::fallback, {}},
    Row{"broken gVisor that must not fall back refuses", gvisor, false, none, allow, fail, {}, R::gpu,
        ec::pool_unavailable},
    Row{"and refuses GPU work, too", gvisor, false, gpu, allow, fail, {}, R::gpu, ec::pool_unavailable});
  INFO(row.what);
  auto selection = select_runtime(rules_of(row), row.needs);
  if (row.runtime) {
    REQUIRE(selection);
    CHECK(selection->runtime == *row.runtime);
    CHECK(selection->configured == row.configured);
    CHECK(to_string(selection->reason) == std::string{to_string(row.reason)});
    CHECK(selection->overridden() == (row.reason == R::gpu || row.reason == R::checkpoint));
    CHECK(selection->origin == "berth.yaml:3:5");
    CHECK(selection->detail.empty() == (row.reason == R::configured));
  } else {
    REQUIRE(!selection);
    CHECK(selection.error().code == row.error);
    CHECK(!selection.error().next.empty());
  }
}

TEST_CASE("every priority of the source is kept with the selection", "[policy]") {
  auto source = GENERATE(RuntimeSource::pool, RuntimeSource::worker, RuntimeSource::builtin);
  auto rules = SelectionRules{};
  rules.source = source;
  rules.health.usable = true;
  auto selection = select_runtime(rules, none);
  REQUIRE(selection);
  CHECK(to_string(selection->source) == std::string{to_string(source)});
}

TEST_CASE("neither override nor fallback leads to a broken runc", "[policy]") {
  auto usable = GENERATE(true, false);
  auto rules = SelectionRules{};
  rules.configured = gvisor;
  rules.health = {usable, "broken"};
  rules.runc_health = {false, "no such binary"};
  auto selection = select_runtime(rules, gpu);
  REQUIRE(!selection);
  CHECK(selection.error().code == ec::pool_unavailable);
  CHECK(selection.error().reason
        == std::string{"runc cannot be used: no such binary"} + (usable ? "" : "; gvisor cannot be used: broken"));
}
