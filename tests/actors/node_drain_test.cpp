#include "tests/actors/revision_world.hpp"

using namespace berth;
using namespace berth::test;
using namespace std::chrono_literals;

namespace {

/// Containers of this world stay at their first step, where a stop gives them up at once.
struct DrainWorld : RevisionWorld {
  DrainWorld() {
    start("worker: {pools: {web: {maxContainers: 2, queue: {length: 5, timeout: 1h}}}}\n");
  }

  auto launch_in_web(const std::string& id) {
    auto spec = LaunchSpec{};
    spec.id = {id};
    spec.pool = {"web"};
    spec.rootfs = "/";
    spec.args = {"/bin/true"};
    auto pending = ask<ContainerInfo>(node, LaunchOrder{std::move(spec)}, 2h);
    run();
    return pending;
  }
};

} // namespace

TEST_CASE_METHOD(DrainWorld, "a drain refuses launches, those that wait as well, and ends what runs at its deadline", "[drain]") {
  auto shorter = ask<DrainReport>(node, DrainNode{1s, true}, 1h);
  REQUIRE(ask<void>(node, UndrainNode{}).get());
  auto first = launch_in_web("first");
  auto second = launch_in_web("second");
  auto third = launch_in_web("third");
  auto drained = ask<DrainReport>(node, DrainNode{5s, true}, 1h);
  CHECK(journal_script.drained == true);
  REQUIRE(third.done());
  CHECK(third.get().error().code == ec::draining);
  auto fourth = launch_in_web("fourth");
  REQUIRE(fourth.done());
  CHECK(fourth.get().error().code == ec::draining);
  CHECK_FALSE(drained.done());
  CHECK_FALSE(first.done());
  // The deadline of a drain that was taken back means nothing any more.
  pass(4s);
  CHECK_FALSE(first.done());
  pass(1s);
  REQUIRE(drained.done());
  CHECK(drained.get()->ended == 2);
  CHECK(drained.get()->stopped == 2);
  CHECK(first.done());
  CHECK(second.done());
  CHECK(has_event("node.draining"));
  CHECK(has_event("node.drained"));
}

TEST_CASE_METHOD(DrainWorld, "a drain with nothing to end ends at once, and can be taken back", "[drain]") {
  auto drained = ask<DrainReport>(node, DrainNode{1h, true}, 2h);
  REQUIRE(drained.done());
  CHECK(drained.get()->ended == 0);
  REQUIRE(ask<void>(node, UndrainNode{}).get());
  CHECK(journal_script.drained == false);
  auto launched = launch_in_web("a");
  CHECK_FALSE(launched.done());
}

TEST_CASE_METHOD(DrainWorld, "a drain that is taken back stops nothing, and says so to who waits", "[drain]") {
  auto running = launch_in_web("a");
  auto drained = ask<DrainReport>(node, DrainNode{5s, true}, 1h);
  REQUIRE(ask<void>(node, UndrainNode{}).get());
  REQUIRE(drained.done());
  CHECK(drained.get().error().code == ec::cancelled);
  pass(10s);
  CHECK_FALSE(running.done());
}

TEST_CASE_METHOD(DrainWorld, "a drain that cannot be recorded does not begin", "[drain]") {
  journal_script.failing = Error{ec::journal_failed, "journal", "the disk is full", {}};
  auto drained = ask<DrainReport>(node, DrainNode{0s, true}, 1h);
  REQUIRE(drained.done());
  CHECK(drained.get().error().code == ec::journal_failed);
  journal_script.failing.reset();
  CHECK_FALSE(launch_in_web("a").done());
}
