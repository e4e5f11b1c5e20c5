#include "tests/actors/pool_world.hpp"

#include <caf/binary_deserializer.hpp>
#include <caf/binary_serializer.hpp>

using namespace berth;
using namespace berth::test;

namespace {

ExplainLaunch question(uint32_t gpus = 0, Limits limits = {}) {
  return {{"web"}, gpus, false, limits};
}

} // namespace

TEST_CASE_METHOD(PoolWorld, "why before a launch is why after it, whatever decides", "[pool][why]") {
  struct Row {
    const char* what;
    RuntimeKind configured;
    bool gvisor_works;
    uint32_t gpus;
    SelectionRule rule;
  };
  auto row = GENERATE(Row{"runc", RuntimeKind::runc, true, 0, SelectionRule::runc_configured},
                      Row{"gVisor", RuntimeKind::gvisor, true, 0, SelectionRule::gvisor_configured},
                      Row{"override", RuntimeKind::gvisor, true, 2, SelectionRule::override_allowed},
                      Row{"fallback", RuntimeKind::gvisor, false, 0, SelectionRule::fallback_allowed});
  INFO(row.what);
  if (!row.gvisor_works)
    health.at(RuntimeKind::gvisor) = tl::unexpected{Error{ec::platform_failed, "gvisor", "it hangs", "use another"}};
  auto s = settings(row.configured);
  s.memory.value = {64 << 20, 128 << 20};
  auto pool = pool_of(s);
  auto limits = Limits{32 << 20, 0, 0};
  auto before = ask<Explanation>(pool, question(row.gpus, limits)).get();
  REQUIRE(before);
  CHECK_FALSE(before->refused);
  CHECK(to_string(before->rule) == std::string{to_string(row.rule)});
  CHECK(spawned.empty());
  launch(pool, "a", [&](LaunchSpec& spec) {
    spec.gpus = row.gpus;
    spec.limits = limits;
  });
  REQUIRE(memories.count({"a"}) == 1);
  REQUIRE(memories[{"a"}]->info.why.value);
  CHECK((*memories[{"a"}]->info.why.value == *before));
}

TEST_CASE_METHOD(PoolWorld, "a launch that would be refused is told with its error, and takes no place", "[pool][why]") {
  auto s = settings(RuntimeKind::gvisor);
  s.overrides.value = OverridePolicy::deny;
  s.memory.value = {64 << 20, 128 << 20};
  s.max_containers.value = 1;
  auto pool = pool_of(s);
  auto denied = ask<Explanation>(pool, question(1)).get();
  REQUIRE(denied);
  CHECK(denied->refused);
  CHECK(denied->rule == SelectionRule::override_denied);
  CHECK((denied->error == launch(pool, "a", [](LaunchSpec& spec) { spec.gpus = 1; }).get().error()));
  auto too_much = Limits{256 << 20, 0, 0};
  auto exceeded = ask<Explanation>(pool, question(0, too_much)).get();
  REQUIRE(exceeded);
  CHECK(exceeded->rule == SelectionRule::gvisor_configured);
  CHECK((exceeded->error == launch(pool, "a", [&](LaunchSpec& spec) { spec.limits = too_much; }).get().error()));
  launch(pool, "b");
  auto full = ask<Explanation>(pool, question()).get();
  REQUIRE(full);
  CHECK((full->error == launch(pool, "c").get().error()));
  CHECK(full->error.code == ec::limit_reached);
}

TEST_CASE_METHOD(PoolWorld, "a question to a pool that is being prepared waits for the probes", "[pool][why]") {
  probes_answer = false;
  auto pool = pool_of(settings());
  auto why = ask<Explanation>(pool, question());
  CHECK_FALSE(why.done());
  answer_probes();
  REQUIRE(why.get());
  CHECK(why.get()->runtimes.at(0).usable);
  CHECK(why.get()->runtimes.at(0).version == "1");
}

TEST_CASE_METHOD(PoolWorld, "an explanation names the generation, and the revision that made it", "[pool][why]") {
  auto first = std::make_shared<const PoolSettings>(settings());
  auto pool = spawn_pool(new_pool(first, std::make_shared<const NodeSettings>(), 4, 7));
  CHECK(ask<Explanation>(pool, question()).get()->generation == 4);
  CHECK(ask<Explanation>(pool, question()).get()->revision == 7);
  launch(pool, "old");
  auto changed = settings();
  changed.oom_group.value = true;
  auto order = PrepareGeneration{std::make_shared<const PoolSettings>(changed), std::make_shared<const NodeSettings>()};
  order.revision = 8;
  REQUIRE(ask<PreparedGeneration>(pool, order).get());
  // Until the commit the old settings count.
  CHECK(ask<Explanation>(pool, question()).get()->revision == 7);
  REQUIRE(ask<PoolReceipt>(pool, CommitGeneration{}).get());
  CHECK(ask<Explanation>(pool, question()).get()->generation == 5);
  CHECK(ask<Explanation>(pool, question()).get()->revision == 8);
  CHECK(memories[{"old"}]->info.why.value->revision == 7);
  CHECK(pool_memory->generations.back().revision == 8);
}

TEST_CASE_METHOD(PoolWorld, "alike containers share one explanation", "[pool][why]") {
  auto pool = pool_of(settings());
  launch(pool, "a");
  launch(pool, "b");
  launch(pool, "c", [](LaunchSpec& spec) { spec.limits.pids = 5; });
  CHECK(memories[{"a"}]->info.why.value == memories[{"b"}]->info.why.value);
  CHECK(memories[{"a"}]->info.why.value != memories[{"c"}]->info.why.value);
}

TEST_CASE_METHOD(PoolWorld, "a selector that has died is asked again, and the launch is explained all the same", "[pool][why]") {
  auto pool = pool_of(settings(RuntimeKind::gvisor));
  auto before = ask<Explanation>(pool, question()).get();
  REQUIRE(before);
  parts.kill(ActorKind::selector);
  launch(pool, "a");
  REQUIRE(memories.count({"a"}) == 1);
  CHECK((*memories[{"a"}]->info.why.value == *before));
}

TEST_CASE_METHOD(PoolWorld, "an explanation goes over the wire, and so does none", "[pool][why]") {
  auto pool = pool_of(settings());
  launch(pool, "a");
  auto info = memories[{"a"}]->info;
  auto pass = [&](ContainerInfo& x) {
    auto bytes = std::vector<char>{};
    auto sink = caf::binary_serializer{sys, bytes};
    REQUIRE_FALSE(sink(x));
    auto result = ContainerInfo{};
    auto source = caf::binary_deserializer{sys, bytes};
    REQUIRE_FALSE(source(result));
    return result;
  };
  auto passed = pass(info);
  REQUIRE(passed.why.value);
  CHECK((*passed.why.value == *info.why.value));
  info.why.value.reset();
  CHECK(pass(info).why.value == nullptr);
}
