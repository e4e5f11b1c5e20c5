#include "actors/runtime_actor.hpp"

#include "tests/support/actor_world.hpp"

using namespace berth;
using namespace std::chrono_literals;

namespace {

struct RuntimeWorld : berth::test::ActorWorld {
  RuntimeActor with_slots(uint32_t slots) {
    return spawn(runtime_actor, ProbeRuntime{[] { return PreparedRuntime{}; }}, 1000ms, slots);
  }

  /// A container that takes a slot as soon as it lives.
  struct Holder {
    caf::actor actor;
    std::shared_ptr<bool> granted = std::make_shared<bool>(false);
  };

  Holder holder(const RuntimeActor& runtime) {
    auto result = Holder{};
    result.actor = spawn([=, granted = result.granted](caf::event_based_actor* self) -> caf::behavior {
      self->request(runtime, start_slot_deadline, TakeStartSlot{}).then([=](const StartSlot&) { *granted = true; });
      return {[=](const ReturnStartSlot& back) { self->send(runtime, back); }};
    });
    run();
    return result;
  }
};

} // namespace

TEST_CASE_METHOD(RuntimeWorld, "no more starts run at once than there are slots", "[runtime]") {
  auto runtime = with_slots(2);
  auto a = holder(runtime), b = holder(runtime), c = holder(runtime), d = holder(runtime);
  CHECK(*a.granted);
  CHECK(*b.granted);
  CHECK(!*c.granted);
  caf::anon_send(a.actor, ReturnStartSlot{});
  run();
  CHECK(*c.granted);
  CHECK(!*d.granted);
}

TEST_CASE_METHOD(RuntimeWorld, "a container that dies gives its slot back", "[runtime]") {
  auto runtime = with_slots(1);
  auto a = holder(runtime), b = holder(runtime);
  CHECK(!*b.granted);
  caf::anon_send_exit(a.actor, caf::exit_reason::kill);
  run();
  CHECK(*b.granted);
}

TEST_CASE_METHOD(RuntimeWorld, "a container that dies while it waits loses its turn", "[runtime]") {
  auto runtime = with_slots(1);
  auto a = holder(runtime), b = holder(runtime), c = holder(runtime);
  caf::anon_send_exit(b.actor, caf::exit_reason::kill);
  run();
  caf::anon_send(a.actor, ReturnStartSlot{});
  run();
  CHECK(!*b.granted);
  CHECK(*c.granted);
}

TEST_CASE_METHOD(RuntimeWorld, "a slot that is given back twice counts once", "[runtime]") {
  auto runtime = with_slots(1);
  auto a = holder(runtime);
  caf::anon_send(a.actor, ReturnStartSlot{});
  caf::anon_send(a.actor, ReturnStartSlot{});
  run();
  auto b = holder(runtime), c = holder(runtime);
  CHECK(*b.granted);
  CHECK(!*c.granted);
}
