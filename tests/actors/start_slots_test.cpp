#include "actors/observed.hpp"
#include "tests/actors/pool_world.hpp"
#include "tests/support/recording.hpp"

using namespace berth;
using namespace berth::test;

namespace {

struct SlotWorld : PoolWorld {
  PoolActor with_slots(uint32_t slots) {
    containers_wait = false;
    auto s = settings();
    s.max_concurrent_starts.value = slots;
    return pool_of(s);
  }

  /// A container that takes a slot as soon as it lives.
  struct Holder {
    caf::actor actor;
    std::shared_ptr<bool> granted = std::make_shared<bool>(false);
  };

  Holder holder(const PoolActor& pool, bool is_held = false) {
    auto result = Holder{};
    result.actor = spawn([=, granted = result.granted](Observed<caf::event_based_actor>* self) -> caf::behavior {
      self->request(pool, start_slot_deadline, TakeStartSlot{is_held}).then([=](const StartSlot&) { *granted = true; });
      return {[=](const ReturnStartSlot& back) { self->send(pool, back); }};
    });
    run();
    return result;
  }
};

} // namespace

TEST_CASE_METHOD(SlotWorld, "no more starts run at once than there are slots", "[pool]") {
  auto pool = with_slots(2);
  auto a = holder(pool), b = holder(pool), c = holder(pool), d = holder(pool);
  CHECK(*a.granted);
  CHECK(*b.granted);
  CHECK(!*c.granted);
  caf::anon_send(a.actor, ReturnStartSlot{});
  run();
  CHECK(*c.granted);
  CHECK(!*d.granted);
}

TEST_CASE_METHOD(SlotWorld, "a traced wait for a slot lasts until the slot is on its way", "[pool][trace]") {
  auto pool = with_slots(1);
  auto a = holder(pool);
  auto recording = Recording{};
  auto b = holder(pool);
  caf::anon_send(a.actor, ReturnStartSlot{});
  run();
  REQUIRE(*b.granted);
  auto wait = recording.span("pool: waits for a start slot");
  CHECK(recording.answer(wait.point.trace).queued <= wait.ended);
}

TEST_CASE_METHOD(SlotWorld, "a slot that is given back twice counts once", "[pool]") {
  auto pool = with_slots(1);
  auto a = holder(pool);
  caf::anon_send(a.actor, ReturnStartSlot{});
  caf::anon_send(a.actor, ReturnStartSlot{});
  run();
  auto b = holder(pool), c = holder(pool);
  CHECK(*b.granted);
  CHECK(!*c.granted);
}

TEST_CASE_METHOD(SlotWorld, "starts that are under way when the pool comes back count, and no more are let loose", "[pool]") {
  auto pool = with_slots(1);
  auto a = holder(pool, true), b = holder(pool, true), c = holder(pool);
  CHECK(*a.granted);
  CHECK(*b.granted);
  caf::anon_send(a.actor, ReturnStartSlot{});
  run();
  CHECK(!*c.granted);
  caf::anon_send(b.actor, ReturnStartSlot{});
  run();
  CHECK(*c.granted);
}

TEST_CASE_METHOD(SlotWorld, "a change of the pool lets no more starts loose than before", "[pool]") {
  auto pool = with_slots(1);
  auto a = holder(pool);
  auto next = std::make_shared<PoolSettings>(settings());
  next->max_concurrent_starts.value = 1;
  next->max_containers.value = 7;
  REQUIRE(ask<PreparedGeneration>(pool, PrepareGeneration{next, std::make_shared<const NodeSettings>()}).get());
  REQUIRE(ask<PoolReceipt>(pool, CommitGeneration{}).get());
  auto b = holder(pool);
  CHECK(*a.granted);
  CHECK(!*b.granted);
}
