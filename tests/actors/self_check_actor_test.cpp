#include "actors/self_check_actor.hpp"

#include "actors/event_actor.hpp"

#include "actors/guard.hpp"
#include "tests/actors/revision_world.hpp"

using namespace berth;
using namespace berth::test;
using namespace std::chrono_literals;

namespace {

/// A node of actors that do nothing but answer, or not.
struct SelfCheckWorld : ActorWorld {
  int fed = 0;
  std::vector<std::string> statuses;
  /// Who does not answer, by name.
  std::set<std::string> hanging;
  std::map<std::string, int> asked;
  std::map<std::string, caf::actor> by_name;

  caf::actor fake(const std::string& name, OwnedActors owned = {}) {
    return by_name[name] = spawn([=, this](caf::event_based_actor* self) -> caf::behavior {
      guard(self);
      auto held = std::make_shared<std::vector<caf::response_promise>>();
      auto answer = [=, this](const auto& what) -> caf::result<caf::message> {
        ++asked[name];
        auto promise = self->make_response_promise();
        if (hanging.count(name) > 0)
          held->push_back(promise);
        else
          promise.deliver(what);
        return promise;
      };
      auto late = [=] {
        for (auto& promise : std::exchange(*held, {}))
          promise.deliver(caf::unit);
      };
      return {[=](const AreYouThere&) { return answer(caf::unit); },
              [=](const ListActors&) { return answer(owned); },
              // Only an actor itself can keep its promises.
              [=](const CheckDue&) { late(); }};
    });
  }

  SelfCheckActor begin(std::chrono::milliseconds watchdog) {
    auto pool = fake("pool \"web\"", {{ActorKind::container, "container \"a\"", fake("container \"a\"")},
                                      {ActorKind::container, "container \"b\"", fake("container \"b\"")},
                                      {ActorKind::selector, "selector", fake("selector")},
                                      {ActorKind::runtime, "runtime", fake("runtime")}});
    auto node = fake("node", {{ActorKind::oom, "oom", fake("oom")}, {ActorKind::pool, "pool \"web\"", pool}});
    auto order = SelfCheckOrder{};
    order.node = caf::actor_cast<NodeActor>(node);
    order.revisions = caf::actor_cast<RevisionActor>(fake("revision"));
    order.events = caf::actor_cast<EventActor>(fake("event"));
    order.launchers = {caf::actor_cast<LauncherActor>(fake("launcher 1")),
                       caf::actor_cast<LauncherActor>(fake("launcher 2"))};
    order.watchdog = watchdog;
    order.feed_watchdog = [this] { ++fed; };
    order.tell_status = [this](const std::string& status) { statuses.push_back(status); };
    auto result = spawn(self_check_actor, std::move(order));
    run();
    return result;
  }

  /// `name` answers again, and what it was asked meanwhile.
  void wake(const std::string& name) {
    hanging.erase(name);
    caf::anon_send(by_name.at(name), CheckDue{});
    run();
  }

  Health health(const SelfCheckActor& actor) {
    auto pending = ask<Health>(actor, CheckHealth{});
    pass(health_answer_deadline);
    return *pending.get();
  }
};

std::string counts(const Health& health) {
  auto result = std::string{};
  for (const auto& actors : health.actors)
    result += (result.empty() ? "" : " ") + std::string{to_string(actors.kind)} + ":" + std::to_string(actors.count);
  return result;
}

using Names = std::vector<std::string>;

const auto all_but_launchers = {"node",     "revision", "event",          "oom",           "pool \"web\"",
                                "selector", "runtime",  "container \"a\"", "container \"b\""};

} // namespace

TEST_CASE_METHOD(SelfCheckWorld, "the watchdog is fed every half of its interval while every actor answers", "[self-check]") {
  begin(20s);
  CHECK(fed == 1);
  for (auto i = 2; i < 10; ++i) {
    pass(9999ms);
    CHECK(fed == i - 1);
    pass(1ms);
    CHECK(fed == i);
  }
  CHECK(statuses.empty());
}

TEST_CASE_METHOD(SelfCheckWorld, "without a watchdog nobody is asked anything", "[self-check]") {
  begin(0s);
  pass(std::chrono::hours{1});
  CHECK(fed == 0);
  CHECK(asked.empty());
}

TEST_CASE_METHOD(SelfCheckWorld, "the watchdog is not fed when an actor hangs, and who it is is told in time", "[self-check]") {
  auto name = std::string{GENERATE_COPY(from_range(all_but_launchers.begin(), all_but_launchers.end()))};
  INFO(name);
  begin(20s);
  hanging.insert(name);
  pass(10s);
  CHECK(fed == 1);
  pass(4999ms);
  CHECK(statuses.empty());
  // The service manager would end the process five seconds later.
  pass(1ms);
  CHECK(statuses == Names{"No answer from " + name});
  for (auto i = 0; i < 20; ++i)
    pass(10s);
  CHECK(fed == 1);
  // One question at a time, each open for the whole interval.
  CHECK(asked[name] <= 12);
}

TEST_CASE_METHOD(SelfCheckWorld, "an answer that comes late counts when it comes", "[self-check]") {
  auto name = std::string{GENERATE("revision", "container \"b\"")};
  begin(20s);
  hanging.insert(name);
  pass(10s);
  pass(9s);
  CHECK(fed == 1);
  wake(name);
  CHECK(fed == 2);
  CHECK(statuses == Names{"No answer from " + name, "All actors answer again"});
  pass(1s);
  CHECK(fed == 3);
  CHECK(statuses.size() == 2);
}

TEST_CASE_METHOD(SelfCheckWorld, "a launcher may be at work for as long as its protocol allows, and no longer", "[self-check]") {
  begin(20s);
  hanging.insert("launcher 2");
  pass(10s); // asked
  for (auto i = 3; i < 9; ++i) {
    CHECK(fed == i - 1);
    pass(10s);
  }
  // Its question is a minute old now.
  CHECK(fed == 7);
  CHECK(statuses == Names{"No answer from launcher 2"});
  pass(10s);
  CHECK(fed == 7);
  CHECK(asked["launcher 2"] <= 4);
  wake("launcher 2");
  pass(10s);
  CHECK(fed == 8);
  CHECK(statuses.back() == "All actors answer again");
  pass(10s);
  CHECK(fed == 9);
}

TEST_CASE_METHOD(SelfCheckWorld, "an actor that has died is not silent: its owner sees to it", "[self-check]") {
  auto name = std::string{GENERATE("container \"a\"", "pool \"web\"", "oom")};
  auto check = begin(20s);
  SECTION("before it is asked") {
    caf::anon_send_exit(by_name.at(name), caf::exit_reason::kill);
    run();
    pass(10s);
  }
  SECTION("with the question") {
    hanging.insert(name);
    pass(10s);
    caf::anon_send_exit(by_name.at(name), caf::exit_reason::kill);
    run();
    // A promise goes with its actor and is not answered, so this is found out by the deadline only.
    hanging.clear();
    pass(20s);
    pass(10s);
  }
  CHECK(fed >= 2);
  CHECK(health(check).silent.empty());
}

TEST_CASE_METHOD(SelfCheckWorld, "health has the number of actors of each kind", "[self-check]") {
  auto health = this->health(begin(0s));
  CHECK(health.silent.empty());
  CHECK(counts(health) == "pool:1 selector:1 runtime:1 container:2 oom:1 node:1 revision:1 event:1 launcher:2");
}

TEST_CASE_METHOD(SelfCheckWorld, "health names all who do not answer, and tells how long others took", "[self-check]") {
  auto check = begin(0s);
  hanging = {"oom", "container \"a\"", "launcher 1", "event"};
  auto pending = ask<Health>(check, CheckHealth{});
  pass(2s);
  wake("event");
  CHECK_FALSE(pending.done());
  pass(3s);
  auto health = *pending.get();
  std::sort(health.silent.begin(), health.silent.end());
  CHECK(health.silent == Names{"container \"a\"", "oom"});
  CHECK(counts(health) == "pool:1 selector:1 runtime:1 container:1 node:1 revision:1 event:1 launcher:2");
  for (const auto& actors : health.actors)
    CHECK(actors.slowest == (actors.kind == ActorKind::event      ? 2s
                             : actors.kind == ActorKind::launcher ? 5s
                                                                  : 0s));
}

TEST_CASE_METHOD(SelfCheckWorld, "many who ask for health at once share one check", "[self-check]") {
  auto check = begin(0s);
  hanging = {"node"};
  auto first = ask<Health>(check, CheckHealth{});
  auto others = std::vector<Pending<Health>>{};
  for (auto i = 0; i < 100; ++i)
    others.push_back(ask<Health>(check, CheckHealth{}));
  CHECK(asked["node"] == 1);
  pass(health_answer_deadline);
  CHECK(first.get()->silent == Names{"node"});
  for (const auto& other : others)
    CHECK(other.get()->silent == Names{"node"});
  hanging.clear();
  CHECK(health(check).silent.empty());
}

TEST_CASE_METHOD(SelfCheckWorld, "a check of the API and the watchdog do not disturb each other", "[self-check]") {
  auto check = begin(20s);
  hanging = {"oom"};
  auto pending = ask<Health>(check, CheckHealth{});
  pass(5s);
  CHECK(pending.get()->silent == Names{"oom"});
  hanging.clear();
  pass(5s);
  CHECK(fed == 2);
}

TEST_CASE_METHOD(RevisionWorld, "real actors are found with all their generations, and answer", "[self-check]") {
  start("worker: {pools: {a: {}, b: {runtime: gvisor}}}\n");
  launch("a", "one");
  launch("b", "two");
  apply("worker: {pools: {a: {maxContainers: 7}}}\n");
  launch("a", "three");
  auto order = SelfCheckOrder{};
  order.node = node;
  order.revisions = revisions;
  order.events = spawn(event_actor, journal, uint64_t{0}, 16u);
  auto health = ask<Health>(spawn(self_check_actor, std::move(order)), CheckHealth{});
  REQUIRE(health.get());
  CHECK(health.get()->silent.empty());
  // Two generations of a, one of b, which ends with its container. Runtimes and EVENT are played by the test, and answer nothing.
  CHECK(counts(*health.get()) == "pool:2 selector:3 container:3 oom:1 node:1 revision:1 event:1");
}
