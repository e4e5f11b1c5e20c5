#include "tests/actors/pool_world.hpp"

#include <algorithm>

using namespace berth;
using namespace berth::test;
using namespace std::chrono_literals;

namespace {

struct DeathWorld : PoolWorld {
  int count(const std::string& event) const {
    return static_cast<int>(std::count(events.begin(), events.end(), event));
  }
};

} // namespace

TEST_CASE_METHOD(DeathWorld, "a launch whose SELECTOR dies gets its answer from the next one", "[pool][deaths]") {
  auto pool = pool_of(settings());
  parts.kill(ActorKind::selector);
  launch(pool, "a");
  CHECK(spawned == std::vector<ContainerId>{{"a"}});
  CHECK(count("actor.restarted") == 1);
  CHECK(describe(pool).restarts == 1);
  CHECK(describe(pool).state == PoolState::ready);
}

TEST_CASE_METHOD(DeathWorld, "a RUNTIME that dies is tried out again only if it had not proven itself", "[pool][deaths]") {
  probes_answer = GENERATE(false, true);
  auto had_answered = probes_answer;
  auto pool = pool_of(settings());
  auto waiting = launch(pool, "a");
  parts.kill(ActorKind::runtime);
  caf::anon_send_exit(last_runtime, caf::exit_reason::kill);
  open_probes.clear();
  probes_answer = true;
  run();
  CHECK(probes == (had_answered ? 1 : 2));
  CHECK(spawned.size() == 1);
  CHECK(describe(pool).state == PoolState::ready);
}

TEST_CASE_METHOD(DeathWorld, "a container whose actor dies keeps its place and goes on", "[pool][deaths]") {
  auto s = settings();
  s.max_containers.value = 1;
  auto pool = pool_of(s);
  auto launched = launch(pool, "a");
  parts.kill(ActorKind::container);
  run();
  CHECK(spawned == std::vector<ContainerId>{{"a"}, {"a"}});
  CHECK(launch(pool, "b").get().error().code == ec::limit_reached);
  CHECK(!launched.done());
  // Whoever launched it hears of its end from the second actor.
  CHECK(ask<ContainerInfo>(container_actors.back(), StopContainer{}).get());
  REQUIRE(launched.done());
  CHECK(launched.get().error().code == ec::cancelled);
  CHECK(describe(pool).starting == 0);
}

TEST_CASE_METHOD(DeathWorld, "a container that was removed does not come back", "[pool][deaths]") {
  auto s = settings();
  s.max_containers.value = 1;
  auto pool = pool_of(s);
  auto launched = launch(pool, "a");
  memories.clear();
  parts.kill(ActorKind::container);
  run();
  CHECK(spawned.size() == 1);
  CHECK(launched.get().error().code == ec::unknown_container);
  launch(pool, "b");
  CHECK(spawned.back().value == "b");
}

TEST_CASE_METHOD(DeathWorld, "a container whose actor dies gives its start slot back", "[pool][deaths]") {
  containers_wait = false;
  auto s = settings();
  s.max_concurrent_starts.value = 1;
  auto pool = pool_of(s);
  launch(pool, "a");
  auto granted = std::make_shared<bool>(false);
  spawn([=](caf::event_based_actor* self) -> caf::behavior {
    self->request(pool, start_slot_deadline, TakeStartSlot{}).then([=](const StartSlot&) { *granted = true; });
    return {[](caf::unit_t) {}};
  });
  run();
  REQUIRE(!*granted);
  memories.clear();
  parts.kill(ActorKind::container);
  run();
  CHECK(*granted);
}

TEST_CASE_METHOD(DeathWorld, "a pool whose SELECTOR dies again and again rests, says so, and comes back", "[pool][deaths]") {
  auto pool = pool_of(settings());
  for (auto i = 0; i < 5; ++i) {
    parts.kill(ActorKind::selector);
    run();
    CHECK(describe(pool).state == PoolState::ready);
  }
  parts.kill(ActorKind::selector);
  run();
  CHECK(count("actor.restarted") == 5);
  CHECK(count("actor.resting") == 1);
  auto info = describe(pool);
  CHECK(info.state == PoolState::restarting);
  CHECK(info.restarts == 6);
  CHECK(info.reason
        == "restarting: pool \"web\": its selector actor has died 6 times in a row (it was killed) and is started again in "
           "0.1 s (try again then; this is a defect: please report it)");
  auto refused = launch(pool, "a");
  CHECK(refused.get().error().code == ec::restarting);
  pass(99ms);
  CHECK(describe(pool).state == PoolState::restarting);
  pass(1ms);
  CHECK(describe(pool).state == PoolState::ready);
  CHECK(count("actor.restarted") == 6);
  launch(pool, "b");
  CHECK(spawned.size() == 1);
}

TEST_CASE_METHOD(DeathWorld, "launches that wait for a SELECTOR that rests are refused, and those in the queue go on",
                 "[pool][deaths]") {
  auto s = settings();
  s.max_containers.value = 1;
  s.queue.value = {5, 60'000ms};
  auto pool = pool_of(s);
  launch(pool, "a");
  auto queued = launch(pool, "b");
  for (auto i = 0; i < 6; ++i) {
    parts.kill(ActorKind::selector);
    run();
  }
  end(pool, "a");
  CHECK(spawned.size() == 1);
  CHECK(!queued.done());
  pass(100ms);
  CHECK(spawned.back().value == "b");
}

TEST_CASE_METHOD(DeathWorld, "a pool that takes over knows its generations, places and containers", "[pool][deaths]") {
  auto s = settings();
  s.max_containers.value = 2;
  auto first = pool_of(s);
  launch(first, "a");
  launch(first, "b");
  auto changed = std::make_shared<PoolSettings>(s);
  changed->max_containers.value = 3;
  REQUIRE(ask<PreparedGeneration>(first, PrepareGeneration{changed, std::make_shared<const NodeSettings>()}).get());
  REQUIRE(ask<PoolReceipt>(first, CommitGeneration{}).get());
  auto seed = PoolSeed{pool_memory, {{container_actors.at(0), memories.at({"a"})}, {ContainerActor{}, memories.at({"b"})}}};
  caf::anon_send_exit(first, caf::exit_reason::kill);
  caf::anon_send_exit(container_actors.at(1), caf::exit_reason::kill);
  run();
  events.clear();
  auto probes_before = probes;
  auto second = spawn_pool(std::move(seed));
  auto info = describe(second);
  CHECK(info.generation == 2);
  CHECK(info.max_containers == 3);
  CHECK(info.starting == 2);
  REQUIRE(info.draining.size() == 1);
  CHECK(info.draining[0].containers == 2);
  CHECK(probes == probes_before);
  CHECK(events.empty()); // nothing is told again
  CHECK(spawned.back().value == "b"); // the one that has lost its actor has one again
  launch(second, "c");
  CHECK(launch(second, "d").get().error().code == ec::limit_reached);
  end(second, "a");
  end(second, "b");
  CHECK(describe(second).draining.empty());
  CHECK(count("pool.drained") == 1);
}

TEST_CASE_METHOD(DeathWorld, "a launch that is repeated joins the container that was made of it", "[pool][deaths]") {
  auto first = pool_of(settings());
  launch(first, "a");
  auto seed = PoolSeed{pool_memory, {{container_actors.at(0), memories.at({"a"})}}};
  caf::anon_send_exit(first, caf::exit_reason::kill);
  run();
  auto second = spawn_pool(std::move(seed));
  auto order = LaunchOrder{};
  order.spec.id = {"a"};
  order.spec.pool = {"web"};
  order.is_repeated = true;
  auto repeated = ask<ContainerInfo>(second, order);
  CHECK(spawned.size() == 1);
  CHECK(!repeated.done());
  CHECK(ask<ContainerInfo>(container_actors.at(0), StopContainer{}).get());
  CHECK(repeated.get().error().code == ec::cancelled);
}

TEST_CASE_METHOD(DeathWorld, "a launch whose container has come and gone is not launched again", "[pool][deaths]") {
  auto pool = pool_of(settings());
  auto order = LaunchOrder{};
  order.spec.id = {"a"};
  order.spec.pool = {"web"};
  order.is_repeated = true;
  order.is_made = true;
  auto repeated = ask<ContainerInfo>(pool, order);
  CHECK(repeated.get().error().code == ec::restarting);
  CHECK(spawned.empty());
  CHECK(describe(pool).starting == 0);
}
