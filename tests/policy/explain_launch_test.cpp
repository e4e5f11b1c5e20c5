#include "actors/policy/explain_launch.hpp"

#include "actors/policy/select_runtime.hpp"
#include "tests/config/load.hpp"
#include "tests/support/catch.hpp"

using namespace berth;
using namespace berth::test;

namespace {

const auto runc = RuntimeKind::runc;
const auto gvisor = RuntimeKind::gvisor;
const auto allow = OverridePolicy::allow;
const auto deny = OverridePolicy::deny;
const auto fallback = UnavailablePolicy::fallback;
const auto fail = UnavailablePolicy::fail;

/// One row of the selection table, and what `why` says about it.
struct Row {
  RuntimeKind configured;
  bool usable;
  bool runc_usable;
  LaunchNeeds needs;
  OverridePolicy overrides;
  UnavailablePolicy on_unavailable;
  const char* golden;
};

SelectionRules rules_of(const Row& row) {
  auto health = [](bool usable, const char* reason) {
    return usable ? RuntimeHealth{true, {}} : RuntimeHealth{false, reason};
  };
  auto of_configured = row.configured == runc ? health(row.runc_usable, "no runc") : health(row.usable, "it hangs");
  return {{"web"},       row.configured,
          RuntimeSource::pool, "b.yaml:4:16",
          row.overrides, row.on_unavailable,
          of_configured, health(row.runc_usable, "no runc"),
          "b.yaml:5:18", {}};
}

/// The trail in lines: "override runc chosen: overrides is allow (…)".
std::string text_of(const SelectionTrail& trail) {
  auto result = std::string{to_string(trail.rule)};
  if (trail.refused)
    result += std::string{" refused "} + to_string(trail.error.code);
  else
    result += std::string{" "} + to_string(trail.selection.runtime) + " " + to_string(trail.selection.reason);
  for (const auto& x : trail.alternatives)
    result += "\n" + x.way + " " + to_string(x.runtime) + " " + to_string(x.outcome) + ": " + x.why;
  return result;
}

const auto plain = LaunchNeeds{0, false};
const auto gpu = LaunchNeeds{1, false};
const auto checkpoint = LaunchNeeds{0, true};

/// A configuration in which every value of the pool comes from another place.
const auto config = std::string{"worker:\n"
                                "  containerRuntime: runc\n"
                                "  terminationGracePeriod: 12\n"
                                "  pools:\n"
                                "    web:\n"
                                "      runtime: gvisor\n"
                                "      overrides: deny\n"
                                "      runtimeConfig: {gvisorPlatform: kvm}\n"
                                "      memory: {default: 64Mi, max: 1Gi}\n"
                                "      cpu: 500m\n"};

GenerationFacts facts_of(const std::string& text, const char* pool = "web") {
  auto settings = valid(text);
  return {3, 2, std::make_shared<const PoolSettings>(settings.pools.at(pool)),
          {{gvisor, true, true, {}, "1", "kvm", "/bin/runsc", 210}, {runc, false, false, {}, {}, {}, {}, 0}}};
}

std::string text_of(const std::vector<UsedValue>& values) {
  auto result = std::string{};
  for (const auto& value : values)
    result += value.key + " = " + value.value + " (" + value.source + ")\n";
  return result;
}

SelectionTrail some_trail() {
  return evaluate_selection(rules_of({gvisor, true, true, plain, deny, fallback, ""}), plain);
}

} // namespace

TEST_CASE("every row of the selection table says which rule decided, and what became of each way", "[policy][why]") {
  auto row = GENERATE(
    Row{runc, true, true, gpu, allow, fallback,
        "runc_configured runc configured\n"
        "configured runc chosen: runc works, and can give everything"},
    Row{runc, true, false, plain, allow, fallback,
        "no_usable_runtime refused pool_unavailable\n"
        "configured runc refused: runc cannot be used: no runc"},
    Row{gvisor, true, true, plain, deny, fail,
        "gvisor_configured gvisor configured\n"
        "configured gvisor chosen: gvisor works, and the launch needs neither a GPU nor checkpoints\n"
        "override runc not_needed: the launch needs neither a GPU nor checkpoints\n"
        "fallback runc not_needed: gvisor works"},
    Row{gvisor, true, true, gpu, allow, fallback,
        "override_allowed runc gpu\n"
        "configured gvisor refused: gvisor cannot give a GPU\n"
        "override runc chosen: overrides is allow (b.yaml:5:18)\n"
        "fallback runc not_needed: gvisor works"},
    Row{gvisor, true, true, checkpoint, allow, fallback,
        "override_allowed runc checkpoint\n"
        "configured gvisor refused: gvisor cannot give checkpoints\n"
        "override runc chosen: overrides is allow (b.yaml:5:18)\n"
        "fallback runc not_needed: gvisor works"},
    Row{gvisor, true, false, gpu, allow, fallback,
        "no_usable_runtime refused pool_unavailable\n"
        "configured gvisor refused: gvisor cannot give a GPU\n"
        "override runc refused: overrides is allow (b.yaml:5:18), but runc cannot be used: no runc\n"
        "fallback runc not_needed: gvisor works"},
    Row{gvisor, true, true, gpu, deny, fallback,
        "override_denied refused override_denied\n"
        "configured gvisor refused: gvisor cannot give a GPU\n"
        "override runc refused: overrides is deny (b.yaml:5:18)\n"
        "fallback runc not_needed: gvisor works"},
    Row{gvisor, false, true, plain, allow, fallback,
        "fallback_allowed runc fallback\n"
        "configured gvisor refused: gvisor cannot be used: it hangs\n"
        "override runc not_needed: the launch needs neither a GPU nor checkpoints\n"
        "fallback runc chosen: onRuntimeUnavailable is fallback (default)"},
    Row{gvisor, false, true, gpu, deny, fallback,
        "fallback_allowed runc fallback\n"
        "configured gvisor refused: gvisor cannot be used: it hangs\n"
        "override runc not_needed: every launch of the pool gets runc already\n"
        "fallback runc chosen: onRuntimeUnavailable is fallback (default)"},
    Row{gvisor, false, false, plain, allow, fallback,
        "no_usable_runtime refused pool_unavailable\n"
        "configured gvisor refused: gvisor cannot be used: it hangs\n"
        "override runc not_needed: the launch needs neither a GPU nor checkpoints\n"
        "fallback runc refused: onRuntimeUnavailable is fallback (default), but runc cannot be used: no runc"},
    Row{gvisor, false, true, plain, allow, fail,
        "fallback_denied refused pool_unavailable\n"
        "configured gvisor refused: gvisor cannot be used: it hangs\n"
        "override runc not_needed: the launch needs neither a GPU nor checkpoints\n"
        "fallback runc refused: onRuntimeUnavailable is fail (default)"},
    Row{gvisor, false, true, gpu, allow, fail,
        "fallback_denied refused pool_unavailable\n"
        "configured gvisor refused: gvisor cannot be used: it hangs\n"
        "override runc refused: the pool takes no launches at all without gvisor\n"
        "fallback runc refused: onRuntimeUnavailable is fail (default)"});
  CHECK(text_of(evaluate_selection(rules_of(row), row.needs)) == row.golden);
}

TEST_CASE("in every situation exactly the runtime that is given was chosen, and none of a refused launch", "[policy][why]") {
  for (auto configured : {runc, gvisor})
    for (auto bits = 0; bits < 64; ++bits) {
      auto needs = LaunchNeeds{bits & 1 ? 1u : 0u, (bits & 2) != 0};
      auto row = Row{configured, (bits & 4) != 0, (bits & 8) != 0, needs, bits & 16 ? allow : deny, bits & 32 ? fallback : fail, ""};
      auto rules = rules_of(row);
      auto trail = evaluate_selection(rules, needs);
      auto selection = select_runtime(rules, needs);
      INFO(text_of(trail));
      CHECK(trail.refused == !selection);
      CHECK(trail.rule != SelectionRule::none);
      auto chosen = std::vector<Alternative>{};
      for (const auto& x : trail.alternatives)
        if (x.outcome == Outcome::chosen)
          chosen.push_back(x);
      REQUIRE(chosen.size() == (selection ? 1 : 0));
      if (selection)
        CHECK((chosen[0].runtime == selection->runtime && trail.selection == *selection));
      else
        CHECK((trail.error == selection.error()));
    }
}

TEST_CASE("every value that counts is told with the line and column that it came from", "[policy][why]") {
  auto why = explain_launch(facts_of(config), {{"web"}, 0, false, {}}, some_trail(), std::nullopt);
  CHECK(text_of(why.settings)
        == "worker.pools.web.overrides = deny (f.yaml:7:18)\n"
           "worker.pools.web.onRuntimeUnavailable = fallback (default)\n"
           "worker.pools.web.runtimeConfig.gvisorPlatform = kvm (f.yaml:8:39)\n"
           "worker.pools.web.memory = 64Mi (f.yaml:9:25)\n"
           "worker.pools.web.memory.max = 1Gi (f.yaml:9:36)\n"
           "worker.pools.web.cpu = 0.5 (f.yaml:10:12)\n"
           "worker.pools.web.cpu.max = 0.5 (f.yaml:10:12)\n"
           "worker.pools.web.pids = none (default)\n"
           "worker.pools.web.terminationGracePeriod = 12s (worker.terminationGracePeriod, f.yaml:3:27)\n"
           "worker.pools.web.oomGroup = false (default)\n");
  CHECK(text_of(why.precedence)
        == "worker.pools.web.runtime = gvisor (f.yaml:6:16)\n"
           "worker.containerRuntime = runc (f.yaml:2:21)\n"
           "built in = runc (default)\n");
  CHECK(why.winner == RuntimeSource::pool);
  CHECK(why.generation == 3);
  CHECK(why.revision == 2);
  CHECK(why.runtimes.size() == 2);
  CHECK_FALSE(why.refused);
}

TEST_CASE("what a launch asks for itself is told as its own", "[policy][why]") {
  auto why = explain_launch(facts_of(config), {{"web"}, 0, false, {32 << 20, 0, 7}}, some_trail(), std::nullopt);
  auto settings = text_of(why.settings);
  INFO(settings);
  CHECK(settings.find("worker.pools.web.memory = 32Mi (launch)\n") != std::string::npos);
  CHECK(settings.find("worker.pools.web.cpu = 0.5 (f.yaml:10:12)\n") != std::string::npos);
  CHECK(settings.find("worker.pools.web.pids = 7 (launch)\n") != std::string::npos);
  CHECK((why.asked == Limits{32 << 20, 0, 7}));
}

TEST_CASE("the precedence says which of its places were written, and which one counts", "[policy][why]") {
  struct Row {
    const char* text;
    RuntimeSource winner;
    const char* golden;
  };
  auto row = GENERATE(Row{"worker:\n  pools:\n    web: {}\n", RuntimeSource::builtin,
                          "worker.pools.web.runtime =  ()\nworker.containerRuntime =  ()\nbuilt in = runc (default)\n"},
                      Row{"worker:\n  containerRuntime: gvisor\n  pools:\n    web: {}\n", RuntimeSource::worker,
                          "worker.pools.web.runtime =  ()\nworker.containerRuntime = gvisor (f.yaml:2:21)\n"
                          "built in = runc (default)\n"},
                      Row{"worker:\n  pools:\n    web: {runtime: runc}\n", RuntimeSource::pool,
                          "worker.pools.web.runtime = runc (f.yaml:3:20)\nworker.containerRuntime =  ()\n"
                          "built in = runc (default)\n"});
  auto why = explain_launch(facts_of(row.text), {{"web"}, 0, false, {}}, some_trail(), std::nullopt);
  CHECK(text_of(why.precedence) == row.golden);
  CHECK(to_string(why.winner) == std::string{to_string(row.winner)});
}

TEST_CASE("a refusal that comes before the selection is told, beside what the selection would have been", "[policy][why]") {
  auto refusal = Error{ec::limit_exceeded, "memory limit 2.0 GiB", "too much", "ask for less"};
  auto why = explain_launch(facts_of(config), {{"web"}, 0, false, {uint64_t{2} << 30, 0, 0}}, some_trail(), refusal);
  CHECK(why.refused);
  CHECK((why.error == refusal));
  CHECK(why.rule == SelectionRule::gvisor_configured);
  CHECK(text_of(why.settings).find("memory = 2Gi (launch)\n") != std::string::npos);
  auto unknown = explain_refusal({{"none"}, 1, false, {}}, {ec::unknown_pool, "pool \"none\"", "it is not configured", {}});
  CHECK(unknown.refused);
  CHECK(unknown.rule == SelectionRule::none);
  CHECK(unknown.gpus == 1);
}

TEST_CASE("a container of before there were explanations is explained by its selection", "[policy][why]") {
  auto info = ContainerInfo{};
  info.spec.pool = {"web"};
  info.selection = {runc, gvisor, SelectionReason::fallback, RuntimeSource::worker, "b.yaml:2:21", "gvisor cannot be used: it hangs"};
  info.profile.kind = runc;
  info.profile.version = "1.1.5";
  info.generation = 4;
  auto why = explanation_of(info);
  CHECK(why.rule == SelectionRule::fallback_allowed);
  CHECK(text_of(why.precedence) == "worker.containerRuntime = gvisor (b.yaml:2:21)\n");
  CHECK(why.alternatives.at(0).why == info.selection.detail);
  CHECK(why.runtimes.at(0).version == "1.1.5");
  CHECK(why.generation == 4);
  // With one, that is the explanation.
  auto recorded = Explanation{};
  recorded.rule = SelectionRule::runc_configured;
  info.why.value = std::make_shared<const Explanation>(recorded);
  CHECK((explanation_of(info) == recorded));
}

TEST_CASE("equal explanations are one object", "[policy][why]") {
  auto shelf = ExplanationShelf{};
  auto numbered = [](uint64_t n) {
    auto result = Explanation{};
    result.generation = n;
    return result;
  };
  auto first = shelf.share(numbered(1));
  CHECK(shelf.share(numbered(1)).value == first.value);
  CHECK(shelf.share(numbered(2)).value != first.value);
  // It forgets the oldest, whose containers keep it.
  for (uint64_t n = 3; n < 40; ++n)
    shelf.share(numbered(n));
  auto again = shelf.share(numbered(1));
  CHECK(again.value != first.value);
  CHECK((*again.value == *first.value));
}
