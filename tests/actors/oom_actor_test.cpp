#include "actors/oom_actor.hpp"

#include "tests/support/actor_world.hpp"

using namespace berth;
using namespace std::chrono_literals;

namespace {

/// The kernel of these tests: one counter for each group.
struct FakeKernel {
  struct Group {
    uint64_t watch = 0;
    OomCounters counters;
    bool gone = false;
  };

  std::map<std::string, Group> groups;
  std::vector<OomVictim> log;
  std::map<int, Vitality> vitality;
  uint64_t last_watch = 0;
  std::vector<uint64_t> removed;

  Group* find(uint64_t watch) {
    for (auto& [name, group] : groups)
      if (group.watch == watch)
        return &group;
    return nullptr;
  }

  OomSource source(std::vector<std::chrono::milliseconds> follow_ups) {
    return {[this](const std::string& name) -> Result<uint64_t> {
              if (groups.count(name) == 0)
                return failure(ec::system_error, name, "gone");
              return groups[name].watch = ++last_watch;
            },
            [this](uint64_t watch) { removed.push_back(watch); },
            [this](uint64_t watch) -> Result<OomCounters> {
              auto* group = find(watch);
              if (group == nullptr || group->gone)
                return failure(ec::system_error, "group", "gone");
              return group->counters;
            },
            [this] { return std::exchange(log, {}); },
            [this](int pid) { return vitality.count(pid) > 0 ? vitality.at(pid) : Vitality::alive; },
            std::move(follow_ups)};
  }
};

struct OomWorld : berth::test::ActorWorld {
  FakeKernel kernel;
  std::vector<OomKill> told;
  OomListener listener = spawn([this]() -> OomListener::behavior_type {
    return {[this](const OomKill& kill) { told.push_back(kill); }};
  });

  OomActor with(std::vector<std::chrono::milliseconds> follow_ups = {}) {
    return spawn(oom_actor, kernel.source(std::move(follow_ups)));
  }

  void watch(const OomActor& oom, const std::string& id, int pid, bool host_processes = true,
             uint64_t told_before = 0, bool took_it = false) {
    kernel.groups["/g/" + id].counters.memory_limit = 1024;
    auto what = WatchOom{{id}, {"web"}, RuntimeKind::runc, 1, host_processes, "/g/" + id, "/g/" + id, pid, told_before, took_it, listener};
    REQUIRE(ask<void>(oom, std::move(what)).get());
  }

  void stir(const OomActor& oom, const std::string& id) {
    caf::anon_send(oom, OomStirred{{kernel.groups["/g/" + id].watch}});
    run();
  }

  OomCounters& counters(const std::string& id) {
    return kernel.groups["/g/" + id].counters;
  }
};

} // namespace

TEST_CASE_METHOD(OomWorld, "kills are told once, those between create and the watch too", "[oom]") {
  auto oom = with();
  kernel.groups["/g/a"].counters.oom_kills = 5;
  watch(oom, "a", 10);
  pass(2ms);
  REQUIRE(told.size() == 1);
  CHECK(told[0].new_kills == 5);
  counters("a").oom_kills = 7;
  stir(oom, "a");
  stir(oom, "a");
  pass(2ms);
  REQUIRE(told.size() == 2);
  CHECK(told[1].new_kills == 2);
  CHECK(told[1].kills == 7);
  CHECK(told[1].limit == 1024);
  CHECK(told[1].container.value == "a");
}

TEST_CASE_METHOD(OomWorld, "a kill that is announced before it is counted is found by the follow-ups", "[oom]") {
  auto oom = with({1ms, 10ms, 100ms});
  watch(oom, "a", 10);
  stir(oom, "a");
  pass(1ms);
  CHECK(told.empty());
  counters("a").oom_kills = 1;
  pass(10ms);
  pass(2ms);
  CHECK(told.size() == 1);
  pass(1000ms);
  CHECK(told.size() == 1);
}

TEST_CASE_METHOD(OomWorld, "after the last follow-up nobody looks any more", "[oom]") {
  auto oom = with({1ms, 10ms});
  watch(oom, "a", 10);
  stir(oom, "a");
  pass(1ms);
  pass(10ms);
  counters("a").oom_kills = 1;
  pass(100000ms);
  CHECK(told.empty()); // only an event or the end makes it look: nothing polls
}

TEST_CASE_METHOD(OomWorld, "the last kill is told before the summary that lets the exit out", "[oom]") {
  auto oom = with();
  watch(oom, "a", 10);
  auto summary = ask<OomSummary>(oom, FinishOom{{"a"}, 1, 0, 2048, 1024, true}).get();
  REQUIRE(told.size() == 1); // and it was sent before the answer
  CHECK(told[0].scope == OomScope::container);
  CHECK(told[0].peak == 2048);
  CHECK(summary->kills == 1);
  CHECK(summary->container_killed);
  CHECK(kernel.removed.size() == 1);
}

TEST_CASE_METHOD(OomWorld, "a child's kill does not make a later exit an OOM kill", "[oom]") {
  auto oom = with();
  watch(oom, "a", 10);
  counters("a").oom_kills = 1;
  kernel.log = {{11, "stress", "/g/a"}};
  stir(oom, "a");
  REQUIRE(told.size() == 1);
  CHECK(told[0].scope == OomScope::process);
  CHECK(told[0].victim_pid == 11);
  CHECK(told[0].victim == "stress");
  auto summary = ask<OomSummary>(oom, FinishOom{{"a"}, 1, 0, 0, 1024, true}).get();
  CHECK(told.size() == 1);
  CHECK(!summary->container_killed); // somebody else killed init
}

TEST_CASE_METHOD(OomWorld, "without the kernel log init is looked at, a moment after the count", "[oom]") {
  auto oom = with();
  watch(oom, "a", 10);
  counters("a").oom_kills = 1;
  stir(oom, "a");
  CHECK(told.empty()); // the kernel counts first and sends its signal then
  SECTION("it is dying") {
    kernel.vitality[10] = Vitality::killed;
    pass(2ms);
    REQUIRE(told.size() == 1);
    CHECK(told[0].scope == OomScope::container);
  }
  SECTION("it lives") {
    pass(2ms);
    REQUIRE(told.size() == 1);
    CHECK(told[0].scope == OomScope::process);
    SECTION("and is killed by somebody else later") {
      CHECK(!ask<OomSummary>(oom, FinishOom{{"a"}, 1, 0, 0, 0, true, true}).get()->container_killed);
    }
    SECTION("but ends by SIGKILL at once although nobody asked: the kernel was interrupted") {
      CHECK(ask<OomSummary>(oom, FinishOom{{"a"}, 1, 0, 0, 0, true, false}).get()->container_killed);
    }
  }
  SECTION("it is ending, by itself as the exit shows") {
    kernel.vitality[10] = Vitality::ending;
    pass(1000ms);
    CHECK(told.empty());
    CHECK(!ask<OomSummary>(oom, FinishOom{{"a"}, 1, 0, 0, 0, false, false}).get()->container_killed);
    CHECK(told.at(0).scope == OomScope::process);
  }
  SECTION("it ends within that moment") {
    auto summary = ask<OomSummary>(oom, FinishOom{{"a"}, 1, 0, 0, 0, true, false}).get();
    CHECK(told.at(0).scope == OomScope::container);
    CHECK(summary->container_killed);
    pass(1000ms);
    CHECK(told.size() == 1);
  }
}

TEST_CASE_METHOD(OomWorld, "one container's kill is never told of another", "[oom]") {
  auto oom = with();
  watch(oom, "a", 10);
  watch(oom, "b", 20);
  counters("a").oom_kills = 1;
  kernel.log = {{10, "x", "/g/a"}, {99, "y", "/elsewhere"}};
  stir(oom, "b");
  CHECK(told.empty());
  stir(oom, "a");
  REQUIRE(told.size() == 1);
  CHECK(told[0].container.value == "a");
  CHECK(told[0].scope == OomScope::container);
}

TEST_CASE_METHOD(OomWorld, "under gVisor every kill takes the container", "[oom]") {
  auto oom = with();
  watch(oom, "a", 10, false);
  counters("a").oom_kills = 1;
  kernel.log = {{17, "exe", "/g/a"}};
  stir(oom, "a");
  CHECK(told.at(0).scope == OomScope::container);
}

TEST_CASE_METHOD(OomWorld, "where the kernel gives no watch, kills are told at the end and before it", "[oom]") {
  auto oom = with();
  auto what = WatchOom{{"a"}, {"web"}, RuntimeKind::runc, 1, true, "/g/none", "/g/none", 1, 0, false, listener};
  auto answer = ask<void>(oom, std::move(what)).get();
  REQUIRE(!answer);
  CHECK(answer.error().code == ec::system_error);
  auto summary = ask<OomSummary>(oom, FinishOom{{"a"}, 1, 0, 0, 0, true}).get();
  CHECK(summary->container_killed);
  REQUIRE(told.size() == 1);
  CHECK(told[0].container.value == "a");
  CHECK(told[0].scope == OomScope::container);
}

TEST_CASE_METHOD(OomWorld, "a kill of the whole group takes the container, whomever the kernel log names", "[oom]") {
  auto oom = with();
  watch(oom, "a", 10);
  kernel.log = {{11, "stress", "/g/a"}};
  auto summary = ask<OomSummary>(oom, FinishOom{{"a"}, 3, 1, 0, 1024, true}).get();
  REQUIRE(told.size() == 1);
  CHECK(told[0].scope == OomScope::container);
  CHECK(summary->container_killed);
}

TEST_CASE_METHOD(OomWorld, "the end of an earlier container of the same id does not end the watch of the new one", "[oom]") {
  auto oom = with();
  watch(oom, "a", 10);
  auto earlier = std::exchange(listener, spawn([this]() -> OomListener::behavior_type {
    return {[this](const OomKill& kill) { told.push_back(kill); }};
  }));
  watch(oom, "a", 20);
  caf::anon_send_exit(earlier, caf::exit_reason::kill);
  run();
  CHECK(kernel.removed == std::vector<uint64_t>{1});
  counters("a").oom_kills = 1;
  stir(oom, "a");
  pass(2ms);
  CHECK(told.size() == 1);
  ask<OomSummary>(oom, FinishOom{{"a"}, 1, 0, 0, 0, false});
  CHECK(kernel.removed == std::vector<uint64_t>{1, 2});
}

TEST_CASE_METHOD(OomWorld, "a container actor that dies takes its watch along", "[oom]") {
  auto oom = with();
  watch(oom, "a", 10);
  caf::anon_send_exit(listener, caf::exit_reason::kill);
  run();
  CHECK(kernel.removed.size() == 1);
}

TEST_CASE_METHOD(OomWorld, "a subscriber without credit is told how much it missed, and slows nobody", "[oom]") {
  auto oom = with();
  watch(oom, "a", 10);
  auto got = std::make_shared<std::vector<uint64_t>>();
  auto gaps = std::make_shared<std::vector<uint64_t>>();
  auto subscriber = OomSubscriber{spawn([=]() -> OomSubscriber::behavior_type {
    return {[=](const OomKill& kill) { got->push_back(kill.kills); },
            [=](const OomGap& gap) { gaps->push_back(gap.missed); }};
  })};
  caf::anon_send(oom, OomCredit{subscriber, 2});
  for (auto kills = 1; kills <= 5; ++kills) {
    counters("a").oom_kills = static_cast<uint64_t>(kills);
    stir(oom, "a");
    pass(2ms);
  }
  CHECK(told.size() == 5);
  CHECK(*got == std::vector<uint64_t>{1, 2});
  caf::anon_send(oom, OomCredit{subscriber, 10});
  run();
  CHECK(*gaps == std::vector<uint64_t>{3});
  counters("a").oom_kills = 6;
  stir(oom, "a");
  pass(2ms);
  CHECK(*got == std::vector<uint64_t>{1, 2, 6});
}

TEST_CASE_METHOD(OomWorld, "an OOM in the place of another tells what is new, and knows whom the old kills took", "[oom][deaths]") {
  auto took_it = GENERATE(false, true);
  auto oom = with();
  kernel.groups["/g/a"].counters.oom_kills = 3;
  watch(oom, "a", 10, true, 2, took_it);
  pass(2ms);
  REQUIRE(told.size() == 1);
  CHECK(told[0].new_kills == 1);
  CHECK(told[0].kills == 3);
  watch(oom, "b", 20, true, 0, false);
  pass(2ms);
  CHECK(told.size() == 1);
  // Init was killed, by a stop if none of the kills was its own.
  pass(5000ms);
  auto summary = ask<OomSummary>(oom, FinishOom{{"a"}, 3, 0, 0, 0, true, true}).get();
  CHECK(summary->kills == 3);
  CHECK(summary->container_killed == took_it);
  CHECK(told.size() == 1);
}

TEST_CASE_METHOD(OomWorld, "a container that is watched again is watched once", "[oom][deaths]") {
  auto oom = with();
  watch(oom, "a", 10);
  auto first = kernel.groups["/g/a"].watch;
  watch(oom, "a", 10);
  CHECK(kernel.removed == std::vector<uint64_t>{first});
  counters("a").oom_kills = 1;
  stir(oom, "a");
  pass(2ms);
  CHECK(told.size() == 1);
}
