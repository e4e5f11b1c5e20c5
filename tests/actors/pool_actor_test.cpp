#include "tests/actors/pool_world.hpp"
#include "tests/support/recording.hpp"

using namespace berth;
using namespace berth::test;
using namespace std::chrono_literals;

namespace {

const auto broken = failure(ec::platform_failed, "gvisor", "it hangs", "use another platform");
const auto broken_runc = failure(ec::runtime_failed, "runc", "no such program", "install it");

} // namespace

TEST_CASE_METHOD(PoolWorld, "a full pool queues as many launches as its queue is long, then refuses", "[pool]") {
  auto s = settings();
  s.max_containers.value = 2;
  s.queue.value = {1, 5000ms};
  auto pool = pool_of(s);
  launch(pool, "a");
  launch(pool, "b");
  auto waiting = launch(pool, "c");
  auto refused = launch(pool, "d").get();
  REQUIRE(!refused);
  CHECK(refused.error().code == ec::limit_reached);
  CHECK(spawned.size() == 2);
  CHECK(describe(pool).queued == 1);
  CHECK(describe(pool).starting == 2);
  SECTION("a container that ends lets the next one in") {
    end(pool, "a");
    CHECK(spawned.back().value == "c");
    CHECK(describe(pool).queued == 0);
  }
  SECTION("a place is given back once, however often its end is told") {
    end(pool, "a");
    end(pool, "a");
    launch(pool, "e");
    CHECK(spawned.size() == 3);
  }
  SECTION("who waits can be taken out of the queue") {
    CHECK_FALSE(*ask<bool>(pool, CancelLaunch{{"a"}}).get());
    CHECK(*ask<bool>(pool, CancelLaunch{{"c"}}).get());
    REQUIRE(!waiting.get());
    CHECK(waiting.get().error().code == ec::cancelled);
    end(pool, "a");
    CHECK(spawned.size() == 2);
  }
  SECTION("a launch whose reader goes away is taken out of the queue") {
    end(pool, "a");
    REQUIRE(spawned.back().value == "c");
    auto reader = spawn([](caf::event_based_actor*) -> caf::behavior { return {[](const ReleaseOutput&) {}}; });
    auto order = LaunchOrder{};
    order.spec.id = {"e"};
    order.spec.pool = {"web"};
    order.reader = caf::actor_cast<caf::strong_actor_ptr>(reader);
    auto unread = ask<ContainerInfo>(pool, std::move(order));
    CHECK(describe(pool).queued == 1);
    caf::anon_send_exit(reader, caf::exit_reason::user_shutdown);
    run();
    REQUIRE(!unread.get());
    CHECK(unread.get().error().code == ec::cancelled);
    CHECK(describe(pool).queued == 0);
  }
  SECTION("who waits too long is told so") {
    pass(4999ms);
    CHECK(!waiting.done());
    pass(1ms);
    REQUIRE(!waiting.get());
    CHECK(waiting.get().error().code == ec::queue_timeout);
    CHECK(waiting.get().error().reason == "the launch waited 5 s for a place");
    end(pool, "a");
    CHECK(spawned.size() == 2);
  }
}

TEST_CASE_METHOD(PoolWorld, "a traced wait for a place lasts until the launch goes on, or is told why it does not", "[pool][trace]") {
  auto s = settings();
  s.max_containers.value = 1;
  s.queue.value = {1, 5000ms};
  auto pool = pool_of(s);
  launch(pool, "a");
  auto recording = Recording{};
  auto waiting = launch(pool, "b");
  SECTION("it goes on") {
    end(pool, "a");
    REQUIRE(spawned.back().value == "b");
    auto wait = recording.span("pool: waits for a place");
    auto needs = recording.span("LaunchNeeds");
    CHECK(needs.point.trace == wait.point.trace);
    CHECK(needs.queued <= wait.ended);
  }
  SECTION("it is taken out of the queue") {
    ask<bool>(pool, CancelLaunch{{"b"}});
    CHECK(recording.span("pool: waits for a place").code == std::string{"cancelled"});
  }
  SECTION("it has waited too long") {
    pass(5000ms);
    CHECK(recording.span("pool: waits for a place").code == std::string{"queue_timeout"});
  }
}

TEST_CASE_METHOD(PoolWorld, "launches wait while the runtime is probed, whatever the queue's length", "[pool]") {
  probes_answer = false;
  auto pool = pool_of(settings());
  CHECK(describe(pool).state == PoolState::preparing);
  launch(pool, "a");
  CHECK(spawned.empty());
  answer_probes();
  CHECK(spawned.size() == 1);
  CHECK(describe(pool).state == PoolState::ready);
}

TEST_CASE_METHOD(PoolWorld, "who waits in vain for the probe is not told to wait for a container", "[pool]") {
  probes_answer = false;
  auto s = settings();
  s.queue.value = {1, 1000ms};
  auto pool = pool_of(s);
  auto waiting = launch(pool, "a");
  pass(1000ms);
  REQUIRE(!waiting.get());
  CHECK(waiting.get().error().code == ec::queue_timeout);
  CHECK(waiting.get().error().next == "try again, or raise `queue.timeout`");
}

TEST_CASE_METHOD(PoolWorld, "the end of an earlier container of the same id does not free the place of the new one", "[pool]") {
  auto s = settings();
  s.max_containers.value = 1;
  auto pool = pool_of(s);
  launch(pool, "a");
  end(pool, "a");
  launch(pool, "a");
  caf::anon_send_exit(container_actors.at(0), caf::exit_reason::kill);
  run();
  CHECK(launch(pool, "b").get().error().code == ec::limit_reached);
}

TEST_CASE_METHOD(PoolWorld, "how a pool stands follows its runtimes and its policy", "[pool]") {
  struct Row {
    const char* what;
    RuntimeKind configured;
    bool gvisor_works;
    bool runc_works;
    UnavailablePolicy policy;
    PoolState wanted;
    const char* event;
  };
  const auto gvisor = RuntimeKind::gvisor;
  const auto fallback = UnavailablePolicy::fallback;
  auto row = GENERATE_COPY(
    Row{"runc works", RuntimeKind::runc, true, true, fallback, PoolState::ready, "pool.ready"},
    Row{"runc is broken", RuntimeKind::runc, true, false, fallback, PoolState::unavailable, "pool.unavailable"},
    Row{"gVisor works", gvisor, true, true, fallback, PoolState::ready, "pool.ready"},
    Row{"gVisor works, runc does not", gvisor, true, false, fallback, PoolState::ready, "pool.ready"},
    Row{"gVisor is broken, fallback", gvisor, false, true, fallback, PoolState::degraded, "pool.degraded"},
    Row{"both are broken", gvisor, false, false, fallback, PoolState::unavailable, "pool.unavailable"},
    Row{"gVisor is broken, fail", gvisor, false, true, UnavailablePolicy::fail, PoolState::unavailable,
        "pool.unavailable"});
  INFO(row.what);
  if (!row.gvisor_works)
    health.at(gvisor) = broken;
  if (!row.runc_works)
    health.at(RuntimeKind::runc) = broken_runc;
  auto s = settings(row.configured);
  s.on_runtime_unavailable.value = row.policy;
  auto pool = pool_of(s);
  auto info = describe(pool);
  CHECK(info.state == row.wanted);
  CHECK(events.back() == row.event);
  // A gVisor pool that lets GPU work go to runc is not whole without runc.
  CHECK(info.reason.empty() == (row.runc_works && (row.gvisor_works || row.configured == RuntimeKind::runc)));
  CHECK((info.reason.find("gvisor: it hangs") != std::string::npos) == !row.gvisor_works);
  CHECK(info.effective == (row.wanted == PoolState::degraded ? RuntimeKind::runc : row.configured));
  auto launched = launch(pool, "a");
  if (row.wanted == PoolState::unavailable) {
    REQUIRE(!launched.get());
    CHECK(launched.get().error().code == ec::pool_unavailable);
    CHECK(spawned.empty());
    CHECK(describe(pool).starting == 0);
  } else {
    CHECK(spawned.size() == 1);
  }
}

TEST_CASE_METHOD(PoolWorld, "a gVisor pool prepares runc only if a policy can need it", "[pool]") {
  auto s = settings(RuntimeKind::gvisor);
  s.overrides.value = OverridePolicy::deny;
  s.on_runtime_unavailable.value = UnavailablePolicy::fail;
  pool_of(s);
  CHECK(asked == std::set<RuntimeKind>{RuntimeKind::gvisor});
}

TEST_CASE_METHOD(PoolWorld, "a refused launch keeps no place", "[pool]") {
  auto s = settings(RuntimeKind::gvisor);
  s.overrides.value = OverridePolicy::deny;
  s.max_containers.value = 1;
  auto pool = pool_of(s);
  for (auto i = 0; i < 3; ++i) {
    auto refused = launch(pool, "a", [](LaunchSpec& spec) { spec.gpus = 1; }).get();
    REQUIRE(!refused);
    CHECK(refused.error().code == ec::override_denied);
  }
  launch(pool, "b");
  CHECK(spawned.size() == 1);
}

TEST_CASE_METHOD(PoolWorld, "what gVisor would drop is refused", "[pool]") {
  auto pool = pool_of(settings(RuntimeKind::gvisor));
  auto refused = launch(pool, "a", [](LaunchSpec& spec) { spec.sysctls = {{"net.core.somaxconn", "10"}}; }).get();
  REQUIRE(!refused);
  CHECK(refused.error().code == ec::unsupported);
  // Routed to runc for another reason, it is fine.
  launch(pool, "b", [](LaunchSpec& spec) {
    spec.sysctls = {{"net.core.somaxconn", "10"}};
    spec.checkpoint = true;
  });
  CHECK(spawned.size() == 1);
}

TEST_CASE_METHOD(PoolWorld, "more than the ceiling is refused before anything is started", "[pool]") {
  auto s = settings();
  s.memory.value = {64 << 20, 128 << 20};
  auto pool = pool_of(s);
  auto refused = launch(pool, "a", [](LaunchSpec& spec) { spec.limits.memory_bytes = 256 << 20; }).get();
  REQUIRE(!refused);
  CHECK(refused.error().code == ec::limit_exceeded);
  CHECK(spawned.empty());
}
