#include "actors/event_actor.hpp"

#include "tests/support/actor_world.hpp"
#include "tests/support/memory_journal.hpp"

using namespace berth;
using berth::test::JournalScript;
using berth::test::memory_journal;
using namespace std::chrono_literals;

namespace {

struct EventWorld : berth::test::ActorWorld {
  JournalScript script{.history = 5};
  JournalActor journal = spawn(memory_journal, &script);
  EventActor events = spawn(event_actor, journal, uint64_t{0}, 3u);

  void publish(std::string type, std::string container = {}) {
    auto event = Event{};
    event.type = std::move(type);
    event.container = {std::move(container)};
    caf::anon_send(journal, std::move(event));
    run();
  }

  auto read(uint64_t since, std::chrono::milliseconds wait = 0ms, EventFilter filter = {}, uint32_t max = 1000) {
    return ask<EventBatch>(events, ReadEvents{since, max, wait, std::move(filter)});
  }
};

std::vector<uint64_t> seqs(const EventBatch& batch) {
  auto result = std::vector<uint64_t>{};
  for (const auto& event : batch.events)
    result.push_back(event.seq);
  return result;
}

using Seqs = std::vector<uint64_t>;

} // namespace

TEST_CASE_METHOD(EventWorld, "events are numbered from 1 without a gap and read by a cursor", "[event]") {
  for (auto i = 0; i < 3; ++i)
    publish("node.started");
  auto first = read(0, 0ms, {}, 2).get();
  CHECK(seqs(*first) == Seqs{1, 2});
  CHECK(first->cursor == 2);
  auto second = read(first->cursor).get();
  CHECK(seqs(*second) == Seqs{3});
  CHECK(second->missed == 0);
  CHECK(second->events[0].time.ns > 0);
}

TEST_CASE_METHOD(EventWorld, "a reader that comes too late is told how much it missed", "[event]") {
  for (auto i = 0; i < 9; ++i)
    publish("node.started");
  auto batch = read(2).get();
  CHECK(batch->missed == 2); // 3 and 4 are no longer kept
  CHECK(seqs(*batch) == Seqs{5, 6});
  batch = read(batch->cursor).get();
  CHECK(seqs(*batch) == Seqs{7, 8, 9});
  CHECK(read(batch->cursor).get()->missed == 0);
}

TEST_CASE_METHOD(EventWorld, "a waiting reader is answered by the next event", "[event]") {
  auto pending = read(0, 10s);
  CHECK(!pending.done());
  publish("pool.ready");
  REQUIRE(pending.done());
  CHECK(seqs(*pending.get()) == Seqs{1});
}

TEST_CASE_METHOD(EventWorld, "a waiting reader is answered when its time is over", "[event]") {
  auto pending = read(0, 10s);
  pass(9999ms);
  CHECK(!pending.done());
  pass(1ms);
  REQUIRE(pending.done());
  CHECK(pending.get()->events.empty());
  CHECK(pending.get()->missed == 0);
}

TEST_CASE_METHOD(EventWorld, "no wait is longer than the limit of the protocol", "[event]") {
  auto pending = read(0, std::chrono::hours{10});
  pass(event_wait_limit);
  CHECK(pending.done());
}

TEST_CASE_METHOD(EventWorld, "a filter passes over events and moves the cursor behind them", "[event]") {
  auto filter = EventFilter{{"container.oom"}, {}, {"a"}};
  auto pending = read(0, 10s, filter);
  publish("container.oom", "b");
  publish("container.exited", "a");
  CHECK(!pending.done());
  publish("container.oom", "a");
  REQUIRE(pending.done());
  CHECK(seqs(*pending.get()) == Seqs{3});
  CHECK(pending.get()->cursor == 3);
}

TEST_CASE_METHOD(EventWorld, "a filtered reader that waits is told of what it missed meanwhile by no gap", "[event]") {
  auto pending = read(0, 20s, EventFilter{{"pool."}, {}, {}});
  for (auto i = 0; i < 20; ++i)
    publish("container.running", "a");
  publish("pool.ready");
  REQUIRE(pending.done());
  CHECK(seqs(*pending.get()) == Seqs{21});
  CHECK(pending.get()->missed == 0); // it was looking at them when they came
}

TEST_CASE_METHOD(EventWorld, "a cursor from the future means from now on", "[event]") {
  publish("node.started");
  auto pending = read(1000, 10s);
  CHECK(!pending.done());
  publish("node.stopping");
  REQUIRE(pending.done());
  CHECK(seqs(*pending.get()) == Seqs{2});
}

TEST_CASE_METHOD(EventWorld, "a thousand readers hold up nobody", "[event]") {
  auto readers = std::vector<Pending<EventBatch>>{};
  for (auto i = 0; i < 1000; ++i)
    readers.push_back(read(0, 30s));
  publish("pool.ready");
  for (const auto& reader : readers)
    REQUIRE(reader.done());
}

TEST_CASE_METHOD(EventWorld, "events that are not in memory any more come from the journal", "[event]") {
  for (auto i = 0; i < 5; ++i)
    publish(i == 1 ? "pool.ready" : "node.started");
  // Three are in memory, five in the journal.
  auto old = read(0).get();
  CHECK(seqs(*old) == Seqs{1, 2});
  CHECK(old->cursor == 2);
  CHECK(old->missed == 0);
  CHECK(seqs(*read(old->cursor).get()) == Seqs{3, 4, 5});
  auto filtered = read(0, 0ms, EventFilter{{"pool."}, {}, {}}).get();
  CHECK(seqs(*filtered) == Seqs{2});
  CHECK(read(1, 0ms, {}, 1).get()->cursor == 2);
}

TEST_CASE_METHOD(EventWorld, "after a restart all is in the journal, and numbers go on", "[event]") {
  for (auto i = 0; i < 4; ++i)
    publish("node.started");
  auto next = spawn(berth::event_actor, journal, uint64_t{4}, 3u);
  run();
  auto batch = ask<EventBatch>(next, ReadEvents{1, 1000, 0ms, {}}).get();
  CHECK(seqs(*batch) == Seqs{2, 3, 4});
  auto waiting = ask<EventBatch>(next, ReadEvents{4, 1000, 10s, {}});
  CHECK(!waiting.done());
  publish("pool.ready");
  REQUIRE(waiting.done());
  CHECK(seqs(*waiting.get()) == Seqs{5});
}
