#include "actors/revision_actor.hpp"

#include "actors/policy/config_digest.hpp"
#include "config/load_settings.hpp"
#include "tests/actors/revision_world.hpp"

#include <random>

using namespace berth;
using namespace berth::test;
using namespace std::chrono_literals;

namespace {

constexpr auto one_pool = "worker: {pools: {a: {maxContainers: 5}}}";

/// Some configuration; the same seed gives the same one.
std::string random_config(std::mt19937& random) {
  auto pick = [&](int below) { return static_cast<int>(random() % static_cast<unsigned>(below)); };
  auto text = std::string{"worker:\n"};
  if (pick(3) == 0)
    text += "  containerRuntime: gvisor\n";
  if (pick(3) == 0)
    text += "  terminationGracePeriod: " + std::to_string(pick(5)) + "\n";
  text += "  pools:\n    always:\n      maxContainers: " + std::to_string(pick(3)) + "\n";
  for (auto name : {"a", "b", "a.b", "c-d"}) {
    if (pick(3) == 0)
      continue;
    text += std::string{"    "} + name + ":\n      pids: " + std::to_string(1 + pick(3)) + "\n";
    if (pick(2) == 0)
      text += std::string{"      runtime: "} + (pick(2) == 0 ? "runc" : "gvisor") + "\n";
    if (pick(2) == 0)
      text += std::string{"      runtimeConfig: {gvisorPlatform: "} + (pick(2) == 0 ? "ptrace" : "systrap") + "}\n";
    if (pick(3) == 0)
      text += "      queue: {length: " + std::to_string(pick(3)) + ", timeout: 5s}\n";
    if (pick(3) == 0)
      text += std::string{"      overrides: "} + (pick(2) == 0 ? "allow" : "deny") + "\n";
    if (pick(3) == 0)
      text += std::string{"      criuEnabled: "} + (pick(2) == 0 ? "true" : "false") + "\n";
    if (pick(4) == 0)
      text += "      gpuType: nvidia-t" + std::to_string(pick(3)) + "\n";
  }
  if (pick(4) == 0)
    text += "berth: {startTimeout: " + std::to_string(5 + pick(3)) + "s}\n";
  return text;
}

} // namespace

TEST_CASE_METHOD(RevisionWorld, "what a plan tells is what an apply does, and a rollback takes it back", "[revision]") {
  auto seed = GENERATE(range(1u, 60u));
  auto random = std::mt19937{seed};
  auto first = random_config(random);
  auto second = random_config(random);
  CAPTURE(first, second);
  start(first);
  auto before = pools();
  auto planned = plan(second);
  // A plan changes nothing, and nobody hears of what it tried out.
  CHECK(pools() == before);
  CHECK(events.empty());
  CHECK(planned.refused.empty());
  auto receipt = apply(second).get();
  REQUIRE(receipt);
  CHECK(receipt->difference == planned.difference);
  CHECK(receipt->digest == planned.digest);
  CHECK(receipt->pools.size() == planned.difference.pools.size());
  auto wanted = load_settings({{"f.yaml", second}});
  // The node has exactly the pools of the second configuration.
  auto names = std::set<std::string>{};
  for (const auto& pool : list_pools()) {
    names.insert(pool.name.value);
    CHECK(pool.configured == wanted->pools.at(pool.name.value).runtime.value);
    CHECK(pool.max_containers == wanted->pools.at(pool.name.value).max_containers.value);
    CHECK(pool.queue_length == wanted->pools.at(pool.name.value).queue.value.length);
  }
  for (const auto& [name, pool] : wanted->pools)
    CHECK(names.count(name) == 1);
  CHECK(names.size() == wanted->pools.size());
  CHECK(plan(second).difference.empty());
  if (planned.difference.empty())
    return;
  auto back = roll_back().get();
  REQUIRE(back);
  CHECK(back->digest == digest_of(*load_settings({{"f.yaml", first}})));
  CHECK(plan(first).difference.empty());
  CHECK(history().size() == 3);
}

TEST_CASE_METHOD(RevisionWorld, "a container keeps the generation it was started in, later ones get the new one",
                 "[revision]") {
  start(one_pool);
  launch("a", "old");
  auto receipt = apply("worker: {pools: {a: {maxContainers: 6}}}").get();
  REQUIRE(receipt);
  launch("a", "new");
  CHECK(describe("old").generation == 1);
  CHECK(describe("new").generation == 2);
  CHECK(pools() == "a:2(1:1)");
  CHECK(receipt->pools.at(0).pinned == 1);
  CHECK(receipt->pools.at(0).old_generation == 1);
  CHECK(receipt->pools.at(0).new_generation == 2);
  SECTION("an old generation ends with its last container") {
    remove("old");
    CHECK(pools() == "a:2");
    CHECK(has_event("pool.drained a"));
  }
}

TEST_CASE_METHOD(RevisionWorld, "a container is called untouched only if its process is the same before and after",
                 "[revision]") {
  struct Process {
    int32_t pid;
    uint64_t start_time;
  };
  struct Row {
    std::string what;
    std::optional<Process> before;
    Process after;
    bool untouched;
  };
  auto row = GENERATE(values<Row>({
    {"nothing happened", Process{71, 1000}, {71, 1000}, true},
    {"another process", Process{71, 1000}, {72, 1005}, false},
    {"another process that got the same pid", Process{71, 1000}, {71, 1005}, false},
    {"another pid that began at the same time", Process{71, 1000}, {72, 1000}, false},
    {"it came after the first look", std::nullopt, {71, 1000}, true},
    {"it had no process at the first look", Process{0, 0}, {71, 1000}, true},
  }));
  INFO(row.what);
  start(one_pool);
  auto list = [](const std::optional<Process>& process) {
    auto result = ContainerInfos{};
    if (process) {
      auto& info = result.emplace_back();
      info.spec.id = {"keeper"};
      info.spec.pool = {"a"};
      info.pid = process->pid;
      info.pid_start_time = process->start_time;
      info.generation = 1;
    }
    return result;
  };
  told = {list(row.before), list(row.after)};
  auto receipt = apply("worker: {pools: {a: {maxContainers: 6}}}").get();
  REQUIRE(receipt);
  REQUIRE(receipt->pinned.size() == 1);
  CHECK(receipt->pinned[0].pid == row.after.pid);
  CHECK(receipt->pinned[0].start_time == row.after.start_time);
  CHECK(receipt->pinned[0].untouched == row.untouched);
}

TEST_CASE_METHOD(RevisionWorld, "limits count the containers of all generations", "[revision]") {
  start("worker: {pools: {a: {maxContainers: 2}}}");
  launch("a", "x");
  launch("a", "y");
  REQUIRE(apply("worker: {pools: {a: {maxContainers: 3}}}").get());
  launch("a", "z");
  CHECK(describe("z").generation == 2);
  CHECK(launch("a", "too-many").get().error().code == ec::limit_reached);
}

TEST_CASE_METHOD(RevisionWorld, "a change that cannot be prepared leaves everything as it is", "[revision]") {
  start("worker: {pools: {a: , b: , c: }}");
  auto before = pools();
  broken = {RuntimeKind::gvisor};
  SECTION("for one that would lower isolation") {
    const auto refused = apply("worker: {pools: {a: {pids: 1}, b: {runtime: gvisor}, c: {pids: 2}}}").get();
    REQUIRE(!refused);
    CHECK(refused.error().code == ec::pool_unavailable);
    CHECK(refused.error().subject == "pool \"b\"");
    CHECK(refused.error().reason.find("runc instead of gvisor") != std::string::npos);
    CHECK(refused.error().next.find("--allow-fallback") != std::string::npos);
  }
  SECTION("for one that could not serve at all") {
    const auto refused = apply("worker: {pools: {a: , b: , c: {runtime: gvisor, onRuntimeUnavailable: fail}}}").get();
    REQUIRE(!refused);
    CHECK(refused.error().reason.find("it hangs") != std::string::npos);
  }
  SECTION("for a new pool") {
    const auto refused = apply("worker: {pools: {a: {pids: 1}, b: , c: , d: {runtime: gvisor}}}").get();
    REQUIRE(!refused);
    CHECK(refused.error().subject == "pool \"d\"");
    CHECK(launch("d", "x").get().error().code == ec::unknown_pool);
  }
  SECTION("for probes that do not answer") {
    probes_answer = false;
    auto late = apply("worker: {pools: {a: {runtime: gvisor}, b: , c: }}", {.origin = "test", .timeout = 5000ms});
    CHECK(!late.done());
    // While it is prepared, launches are served as before.
    launch("a", "meanwhile");
    CHECK(describe("meanwhile").generation == 1);
    pass(5000ms);
    REQUIRE(!late.get());
    CHECK(late.get().error().code == ec::deadline_exceeded);
    CHECK(late.get().error().subject == "pool \"a\"");
    probes_answer = true;
    broken.clear();
    CHECK(apply("worker: {pools: {a: {pids: 7}, b: , c: }}").get());
    // The first probe is given up by the runtime's own deadline, long after its generation: its number is another's by now.
    pass(100'000ms);
    CHECK(pools() == "a:2(1:1) b:1 c:1");
    for (const auto& pool : list_pools())
      CHECK(pool.state == PoolState::ready);
    return;
  }
  CHECK(pools() == before);
  CHECK(history().size() == 1);
  CHECK(in_effect.empty());
  CHECK(has_event("node.revision_refused"));
  // And it can be tried again.
  broken.clear();
  CHECK(apply("worker: {pools: {a: , b: {runtime: gvisor}, c: }}").get());
}

TEST_CASE_METHOD(RevisionWorld, "less isolation is accepted by whoever says so", "[revision]") {
  start("worker: {pools: {a: }}");
  broken = {RuntimeKind::gvisor};
  auto receipt = apply("worker: {pools: {a: {runtime: gvisor}, b: {runtime: gvisor}}}",
                       {.origin = "test", .allow_fallback = true}).get();
  REQUIRE(receipt);
  for (const auto& pool : receipt->pools) {
    CHECK(pool.state == PoolState::degraded);
    CHECK(pool.new_runtime == RuntimeKind::runc);
    CHECK(pool.reason.find("it hangs") != std::string::npos);
  }
  // A pool that has less already may change in other ways.
  CHECK(apply("worker: {pools: {a: {runtime: gvisor, pids: 9}, b: {runtime: gvisor}}}").get());
}

TEST_CASE_METHOD(RevisionWorld, "changes are never interleaved", "[revision]") {
  start(one_pool);
  probes_answer = false;
  auto first = apply("worker: {pools: {a: {runtime: gvisor}}}", {.origin = "test", .timeout = 5000ms});
  auto second = apply("worker: {pools: {a: {maxContainers: 9}}}").get();
  REQUIRE(!second);
  CHECK(second.error().code == ec::wrong_state);
  CHECK(second.error().reason == "revision 2 is being applied");
  pass(5000ms);
  CHECK(!first.get());
  CHECK(apply("worker: {pools: {a: {maxContainers: 9}}}").get()->revision == 2);
}

TEST_CASE_METHOD(RevisionWorld, "a runtime that is called as before need not prove itself again", "[revision]") {
  start("worker: {pools: {a: {runtime: gvisor}}}");
  CHECK(probes == 2); // gVisor, and runc for overrides
  REQUIRE(apply("worker: {pools: {a: {runtime: gvisor, maxContainers: 4}}}").get());
  CHECK(probes == 2);
  REQUIRE(apply("worker: {pools: {a: {runtime: gvisor, maxContainers: 4, runtimeConfig: {gvisorPlatform: ptrace}}}}").get());
  CHECK(probes == 3);
  REQUIRE(apply("worker: {pools: {a: {}}}\nberth: {runtimes: {runc: /other/runc}}").get());
  CHECK(probes == 4);
}

TEST_CASE_METHOD(RevisionWorld, "a removed pool takes no launches and ends with its last container", "[revision]") {
  start("worker: {pools: {a: {maxContainers: 1, queue: {length: 5}}, b: }}");
  launch("a", "last");
  auto waiting = launch("a", "waiting");
  auto receipt = apply("worker: {pools: {b: }}").get();
  REQUIRE(receipt);
  CHECK(receipt->pools.at(0).kind == PoolChangeKind::removed);
  CHECK(receipt->pools.at(0).pinned == 1);
  REQUIRE(!waiting.get());
  CHECK(waiting.get().error().code == ec::unknown_pool);
  CHECK(launch("a", "late").get().error().code == ec::unknown_pool);
  CHECK(pools() == "b:1");
  CHECK(describe("last").spec.pool.value == "a"); // still found
  SECTION("and one of its name that comes back goes on counting") {
    REQUIRE(apply("worker: {pools: {a: , b: }}").get());
    CHECK(pools() == "a:2 b:1");
    launch("a", "fresh");
    CHECK(describe("fresh").generation == 2);
    CHECK(describe("last").generation == 1);
  }
  SECTION("its actor ends") {
    remove("last");
    CHECK(has_event("pool.removed a"));
  }
}

TEST_CASE_METHOD(RevisionWorld, "a launch on its way into a pool that is removed is answered", "[revision]") {
  start("worker: {pools: {a: , b: }}");
  auto starting = launch("a", "x");
  CHECK(!starting.done());
  REQUIRE(apply("worker: {pools: {b: }}", {.origin = "test", .drain = DrainMode::stop}).get());
  run();
  REQUIRE(!starting.get());
  CHECK(starting.get().error().code == ec::cancelled);
  CHECK(has_event("pool.removed a"));
}

TEST_CASE_METHOD(RevisionWorld, "a pool that does not serve as configured is tried out again by every apply", "[revision]") {
  broken = {RuntimeKind::gvisor};
  auto text = "worker: {pools: {a: {runtime: gvisor}, b: }}";
  start(text);
  CHECK(list_pools()[0].state == PoolState::degraded);
  auto still = apply(text, {.origin = "test", .allow_fallback = true}).get();
  REQUIRE(still);
  broken.clear();
  auto planned = plan(text);
  auto mended = apply(text).get();
  REQUIRE(mended);
  CHECK(mended->difference == planned.difference);
  CHECK(list_pools()[0].state == PoolState::ready);
  CHECK(apply(text).get()->revision == mended->revision);
}

TEST_CASE_METHOD(RevisionWorld, "a pool that refused everything does not come to serve with less isolation unasked",
                 "[revision]") {
  broken = {RuntimeKind::gvisor};
  start("worker: {pools: {a: {runtime: gvisor, onRuntimeUnavailable: fail}}}");
  CHECK(list_pools()[0].state == PoolState::unavailable);
  auto refused = apply("worker: {pools: {a: {runtime: gvisor, onRuntimeUnavailable: fallback}}}").get();
  REQUIRE(!refused);
  CHECK(refused.error().next.find("--allow-fallback") != std::string::npos);
}

TEST_CASE_METHOD(RevisionWorld, "draining by stopping ends the containers of old generations only", "[revision]") {
  start(one_pool);
  auto old = launch("a", "old");
  REQUIRE(apply("worker: {pools: {a: {maxContainers: 6}}}", {.origin = "test", .drain = DrainMode::stop}).get());
  run();
  REQUIRE(!old.get()); // it waited for its start
  CHECK(old.get().error().code == ec::cancelled);
  launch("a", "new");
  CHECK(pools() == "a:2");
  CHECK(describe("new").generation == 2);
}

TEST_CASE_METHOD(RevisionWorld, "launches that wait are started by the new settings", "[revision]") {
  start("worker: {pools: {a: {maxContainers: 1, queue: {length: 5, timeout: 60s}}}}");
  launch("a", "first");
  auto waiting = launch("a", "second");
  REQUIRE(apply("worker: {pools: {a: {maxContainers: 2, queue: {length: 5, timeout: 60s}}}}").get());
  CHECK(describe("second").generation == 2);
  CHECK(!waiting.done());
}

TEST_CASE_METHOD(RevisionWorld, "what is no configuration changes nothing and says all that is wrong", "[revision]") {
  start(one_pool);
  auto refused = apply("worker: {pools: {a: {runtme: runc, maxContainers: many}}}").get();
  REQUIRE(!refused);
  CHECK(refused.error().code == ec::invalid_config);
  CHECK(refused.error().reason.find("did you mean \"runtime\"") != std::string::npos);
  CHECK(refused.error().reason.find("maxContainers") != std::string::npos);
  CHECK(!ask<Receipt>(revisions, ApplyConfig{}).get());
  CHECK(!ask<Plan>(revisions, PlanConfig{files("a: b: c")}).get());
  CHECK(pools() == "a:1");
}

TEST_CASE_METHOD(RevisionWorld, "revisions are kept with their differences, and any kept one can be applied again",
                 "[revision]") {
  start(one_pool);
  CHECK(roll_back().get().error().code == ec::bad_request);
  for (auto max : {6, 7, 8})
    REQUIRE(apply("worker: {pools: {a: {maxContainers: " + std::to_string(max) + "}}}").get());
  auto same = apply("worker: {pools: {a: {maxContainers: 8}}}").get();
  REQUIRE(same);
  CHECK(same->revision == same->previous);
  auto back = roll_back(2).get();
  REQUIRE(back);
  CHECK(back->revision == 5);
  CHECK(back->origin == "test to 2");
  CHECK(roll_back(77).get().error().code == ec::bad_request);
  auto kept = history();
  REQUIRE(kept.size() == 5);
  CHECK(kept[4].current);
  CHECK_FALSE(kept[3].current);
  CHECK(kept[4].digest == kept[1].digest);
  CHECK(kept[4].difference.pools.at(0).settings
        == std::vector<SettingDifference>{{"maxContainers", "8", "6", "f.yaml:1:37"}});
  // However many there are, memory is bounded.
  for (auto i = 0; i < 120; ++i)
    REQUIRE(apply("worker: {pools: {a: {maxContainers: " + std::to_string(100 + i) + "}}}").get());
  CHECK(history().size() == revisions_kept);
}

TEST_CASE_METHOD(RevisionWorld, "a plan says what an apply would refuse and why, and tells nobody", "[revision]") {
  struct Row {
    const char* text;
    bool allow_fallback;
    const char* refused;
  };
  auto row = GENERATE(Row{"worker: {pools: {a: {runtime: gvisor}}}", false, "it would serve with runc instead of gvisor"},
                      Row{"worker: {pools: {a: {runtime: gvisor}}}", true, ""},
                      Row{"worker: {pools: {a: {runtime: gvisor, onRuntimeUnavailable: fail}}}", true, "it could not serve"},
                      Row{"worker: {pools: {a: {}, new: {runtime: gvisor}}}", false, "it would serve with runc"},
                      Row{"worker: {pools: {a: {maxContainers: 9}}}", false, ""});
  INFO(row.text);
  broken = {RuntimeKind::gvisor};
  start(one_pool);
  auto probes_before = probes;
  auto order = PlanConfig{files(row.text), true, 120'000ms, row.allow_fallback};
  auto planned = *ask<Plan>(revisions, order).get();
  CHECK(planned.tried_out);
  CHECK(events.empty());
  CHECK(pools() == "a:1");
  // Only what the running pool does not know is tried out.
  CHECK((probes > probes_before) == (std::string{row.text}.find("gvisor") != std::string::npos));
  auto receipt = apply(row.text, {.origin = "test", .allow_fallback = row.allow_fallback}).get();
  CHECK(planned.refused.empty() == receipt.has_value());
  if (*row.refused == 0) {
    CHECK(planned.refused.empty());
    return;
  }
  REQUIRE(planned.refused.size() == 1);
  CHECK(planned.refused[0].error == receipt.error());
  CHECK(planned.refused[0].error.reason.find(row.refused) != std::string::npos);
  CHECK_FALSE(has_event("pool.ready new"));
  CHECK_FALSE(has_event("pool.degraded new"));
  // Without trying out, nothing is known of that.
  probes_before = probes;
  order.try_out = false;
  planned = *ask<Plan>(revisions, order).get();
  CHECK(planned.refused.empty());
  CHECK_FALSE(planned.tried_out);
  CHECK(probes == probes_before);
}

TEST_CASE_METHOD(RevisionWorld, "a plan beside a change that is under way says so, and both end", "[revision]") {
  start(one_pool);
  probes_answer = false;
  auto changing = apply("worker: {pools: {a: {runtime: gvisor}}}", {.origin = "test", .timeout = 5000ms});
  auto planned = ask<Plan>(revisions, PlanConfig{files("worker: {pools: {a: {runtime: gvisor}}}"), true, 2000ms, false});
  CHECK(!planned.done());
  pass(2000ms);
  REQUIRE(planned.get());
  REQUIRE(planned.get()->refused.size() == 2);
  CHECK(planned.get()->refused[0].error.code == ec::wrong_state);
  CHECK(planned.get()->refused[1].error.code == ec::deadline_exceeded);
  CHECK(planned.get()->refused[1].error.next.find("--timeout") != std::string::npos);
  CHECK(!changing.done());
  pass(3000ms);
  CHECK(changing.get().error().code == ec::deadline_exceeded);
}
