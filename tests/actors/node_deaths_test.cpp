#include "tests/actors/revision_world.hpp"

#include <algorithm>
#include <random>

using namespace berth;
using namespace berth::test;
using namespace std::chrono_literals;

namespace {

constexpr auto narrow = "worker: {pools: {a: {maxContainers: 1, queue: {length: 5, timeout: 60s}}}}";
constexpr auto wide = "worker: {pools: {a: {maxContainers: 9}}}";

struct NodeDeathWorld : RevisionWorld {
  int count(const std::string& event) const {
    return static_cast<int>(std::count(events.begin(), events.end(), event));
  }

  std::vector<std::string> containers() {
    auto result = std::vector<std::string>{};
    auto infos = ask<ContainerInfos>(node, ListContainers{true, {}});
    for (const auto& info : *infos.get())
      result.push_back(info.spec.id.value);
    return result;
  }
};

} // namespace

TEST_CASE_METHOD(NodeDeathWorld, "launches of a pool that dies get their answers from the next one", "[node][deaths]") {
  start(narrow);
  auto made = launch("a", "made");
  auto queued = launch("a", "queued");
  parts.kill(ActorKind::pool);
  auto overtaken = launch("a", "overtaken");
  CHECK(!made.done());
  CHECK(!queued.done());
  CHECK(count("actor.restarted a") == 1);
  CHECK(list_pools()[0].queued == 2);
  CHECK(list_pools()[0].restarts == 1);
  CHECK(containers() == std::vector<std::string>{"made"});
  remove("made");
  CHECK(made.get().error().code == ec::cancelled);
  CHECK(containers() == std::vector<std::string>{"queued"});
  remove("queued");
  CHECK(queued.get().error().code == ec::cancelled);
  CHECK(containers() == std::vector<std::string>{"overtaken"});
  remove("overtaken");
  CHECK(overtaken.done());
  CHECK(count("container.accepted a") == 3);
  CHECK(count("container.removed a") == 3);
}

TEST_CASE_METHOD(NodeDeathWorld, "a pool and its container that die together come back together", "[node][deaths]") {
  start(narrow);
  auto launched = launch("a", "c");
  auto pool_first = GENERATE(false, true);
  parts.kill(pool_first ? ActorKind::pool : ActorKind::container);
  parts.kill(pool_first ? ActorKind::container : ActorKind::pool);
  run();
  CHECK(containers() == std::vector<std::string>{"c"});
  CHECK(list_pools()[0].starting == 1);
  remove("c");
  CHECK(launched.get().error().code == ec::cancelled);
  CHECK(count("container.accepted a") == 1);
  CHECK(count("container.removed a") == 1);
  CHECK(list_pools()[0].starting == 0);
}

TEST_CASE_METHOD(NodeDeathWorld, "a pool that dies again and again rests, is shown, and comes back with its launches",
                 "[node][deaths]") {
  start(narrow);
  auto made = launch("a", "made");
  auto queued = launch("a", "queued");
  for (auto i = 0; i < 6; ++i) {
    parts.kill(ActorKind::pool);
    run();
  }
  CHECK(queued.get().error().code == ec::restarting);
  CHECK(!made.done()); // it has a container, which goes on
  CHECK(launch("a", "late").get().error().code == ec::restarting);
  auto info = list_pools().at(0);
  CHECK(info.state == PoolState::restarting);
  CHECK(info.restarts == 6);
  CHECK(info.reason.find("its pool actor has died 6 times in a row (it was killed)") != std::string::npos);
  CHECK(count("actor.resting a") == 1);
  // The container itself is within reach all the same.
  CHECK(containers() == std::vector<std::string>{"made"});
  pass(100ms);
  CHECK(list_pools().at(0).state == PoolState::ready);
  remove("made");
  CHECK(made.get().error().code == ec::cancelled);
  launch("a", "next");
  CHECK(containers() == std::vector<std::string>{"next"});
}

TEST_CASE_METHOD(NodeDeathWorld, "a launch that pools die of is given up", "[node][deaths]") {
  start(narrow);
  auto made = launch("a", "made");
  auto queued = launch("a", "queued");
  for (auto i = 0; i < 5; ++i) {
    parts.kill(ActorKind::pool);
    run();
    pass(70'000ms);
    if (queued.done())
      break;
  }
  REQUIRE(queued.done());
  CHECK((queued.get().error().code == ec::restarting || queued.get().error().code == ec::queue_timeout));
  CHECK(!made.done());
}

TEST_CASE_METHOD(NodeDeathWorld, "whoever asks for a container between two actors waits for the next one", "[node][deaths]") {
  start(narrow);
  launch("a", "c");
  auto first = *ask<ContainerActor>(node, FindContainer{{"c"}}).get();
  caf::anon_send_exit(first, caf::exit_reason::kill);
  auto found = ask<ContainerActor>(node, FindContainer{{"c"}, first.address()});
  REQUIRE(found.get());
  CHECK(*found.get() != first);
}

TEST_CASE_METHOD(NodeDeathWorld, "an ended container of a pool that has ended comes back when its actor dies",
                 "[node][deaths]") {
  start("worker: {pools: {a: {}, b: {}}}");
  launch("b", "c");
  // It never ran, and its files cannot go: so its actor is what is left of it.
  REQUIRE(apply("worker: {pools: {a: {}}}").get());
  CHECK(list_pools().size() == 2);
  parts.kill(ActorKind::container);
  run();
  CHECK(containers() == std::vector<std::string>{"c"});
  remove("c");
  CHECK(list_pools().size() == 1);
}

TEST_CASE_METHOD(NodeDeathWorld, "a change whose pool dies while it is prepared is refused, and can be repeated",
                 "[node][deaths]") {
  start(wide);
  probes_answer = false;
  auto refused = apply("worker: {pools: {a: {runtime: gvisor}}}");
  CHECK(!refused.done());
  parts.kill(ActorKind::pool);
  run();
  REQUIRE(refused.done());
  CHECK(refused.get().error().code == ec::restarting);
  CHECK(list_pools()[0].generation == 1);
  probes_answer = true;
  CHECK(apply("worker: {pools: {a: {runtime: gvisor}}}").get());
  CHECK(pools() == "a:2");
}

TEST_CASE_METHOD(NodeDeathWorld, "whatever dies at whatever moment of a change, it happens whole or not at all",
                 "[node][deaths]") {
  auto seed = GENERATE(range(1u, 400u));
  CAPTURE(seed);
  auto random = std::mt19937{seed};
  start("worker: {pools: {a: {maxContainers: 5}, b: {maxContainers: 5}, gone: {maxContainers: 1, queue: {length: 5, timeout: 1000s}}}}");
  auto launches = std::vector<Pending<ContainerInfo>>{};
  for (auto id : {"a1", "a2"})
    launches.push_back(launch("a", id));
  for (auto id : {"g1", "g2"})
    launches.push_back(launch("gone", id));
  auto receipt = apply_without_run("worker: {pools: {a: {maxContainers: 6}, b: {runtime: gvisor}, new: {}}}");
  auto until_death = random() % 120;
  for (auto i = 0u; i < until_death; ++i)
    sched.try_run_once();
  auto& victim = parts.all().at(random() % parts.all().size());
  CAPTURE(to_string(victim.first), until_death);
  caf::anon_send_exit(victim.second, caf::exit_reason::kill);
  run();
  pass(60'000ms);
  REQUIRE(receipt.done());
  auto settled = std::map<std::string, PoolInfo>{};
  for (const auto& pool : list_pools())
    if (pool.state != PoolState::retired)
      settled[pool.name.value] = pool;
  auto names = std::string{};
  for (const auto& [name, pool] : settled)
    names += name + ":" + to_string(pool.state) + " ";
  CAPTURE(names);
  if (receipt.get()) {
    CHECK(settled.size() == 3);
    CHECK(settled.at("a").max_containers == 6);
    CHECK(settled.at("b").configured == RuntimeKind::gvisor);
    CHECK(settled.count("new") == 1);
    for (const auto& pool : receipt.get()->pools)
      CHECK(pool.in_effect);
  } else {
    CHECK(receipt.get().error().code == ec::restarting);
    CHECK(settled.size() == 3);
    CHECK(settled.at("a").max_containers == 5);
    CHECK(settled.at("b").configured == RuntimeKind::runc);
    CHECK(settled.count("gone") == 1);
  }
  for (const auto& [name, pool] : settled)
    CHECK(pool.state == PoolState::ready);
  // Every container is there once, with its place, and can be ended; then nothing is left.
  CHECK(containers() == std::vector<std::string>{"a1", "a2", "g1"});
  for (auto left = containers(); !left.empty(); left = containers())
    remove(left.front());
  for (const auto& launched : launches)
    CHECK(launched.done());
  if (receipt.get()) {
    CHECK(launches.back().get().error().code == ec::unknown_pool);
    CHECK(count("pool.retired gone") == 1);
    CHECK(count("pool.removed gone") == 1);
  }
  CHECK(count("container.accepted a") == 2);
  CHECK(count("container.removed a") == 2);
  for (const auto& pool : list_pools()) {
    CHECK(pool.state != PoolState::retired);
    CHECK(pool.starting + pool.running == 0);
    CHECK(pool.draining.empty());
  }
}

TEST_CASE_METHOD(NodeDeathWorld, "a pool that dies before its commit, and again before it can repeat it, is not waited for",
                 "[node][deaths]") {
  start(wide);
  auto receipt = apply_without_run("worker: {pools: {a: {runtime: gvisor}}}");
  while (in_effect.empty())
    REQUIRE(sched.try_run_once());
  // The change is decided, and the pool has not heard of it.
  probes_answer = false;
  parts.kill(ActorKind::pool);
  run();
  pass(100ms);
  CHECK(!receipt.done());
  parts.kill(ActorKind::pool);
  probes_answer = true;
  run();
  pass(500ms);
  REQUIRE(receipt.get());
  CHECK(receipt.get()->pools.at(0).in_effect);
  CHECK(list_pools()[0].configured == RuntimeKind::gvisor);
  CHECK(list_pools()[0].generation == 2);
}
