#include "actors/journal_actor.hpp"

#include "actors/observed.hpp"
#include "tests/support/actor_world.hpp"
#include "tests/support/recording.hpp"
#include "tests/support/temp_dir.hpp"

#include <csignal>
#include <filesystem>

#include <sys/resource.h>

using namespace berth;
using namespace std::chrono_literals;

namespace {

/// JOURNAL on a real file, and an EVENT that collects what it is told.
struct JournalWorld : berth::test::ActorWorld {
  berth::test::TempDir dir;
  std::vector<std::string> told;
  std::vector<uint64_t> numbers;

  EventActor listener = spawn([this]() -> EventActor::behavior_type {
    return {[this](const EventsRecorded& recorded) {
              for (const auto& event : recorded.events) {
                told.push_back(event.type);
                numbers.push_back(event.seq);
              }
            },
            [](const ReadEvents&) { return EventBatch{}; }, [](const EventWaitOver&) {}};
  });
  JournalActor journal;

  void start(JournalLimits limits = {}) {
    auto opened = Journal::open(dir.path());
    REQUIRE(opened);
    auto order = JournalOrder{};
    order.journal = std::make_shared<Journal>(std::move(opened->journal));
    order.reopen = [this] { return Journal::open(dir.path()); };
    for (const auto& record : opened->state.containers)
      order.containers.push_back(std::make_shared<const ContainerMemory>(record.memory));
    order.last_event = opened->state.last_event;
    order.boot_id = "boot";
    order.limits = limits;
    journal = spawn(journal_actor, std::move(order));
    caf::anon_send(journal, TellEvents{listener, opened->state.last_event});
    run();
  }

  void end() {
    caf::anon_send_exit(journal, caf::exit_reason::kill);
    run();
    journal = nullptr;
  }

  static Event event(std::string type) {
    auto result = Event{};
    result.type = std::move(type);
    return result;
  }

  static RecordContainer record(const std::string& id, Phase phase, std::optional<Event> event = {}) {
    auto memory = ContainerMemory{};
    memory.info.spec.id = {id};
    memory.phase = phase;
    return {std::make_shared<const ContainerMemory>(std::move(memory)), std::move(event)};
  }

  std::map<std::string, Phase> rows() {
    end();
    auto opened = Journal::open(dir.path());
    REQUIRE(opened);
    auto result = std::map<std::string, Phase>{};
    for (const auto& row : opened->state.containers)
      result[row.memory.info.spec.id.value] = row.memory.phase;
    return result;
  }
};

/// While it lives, no file of this process can grow, as on a full disk.
struct NoRoom {
  rlimit before{};

  NoRoom() {
    std::signal(SIGXFSZ, SIG_IGN);
    ::getrlimit(RLIMIT_FSIZE, &before);
    auto none = before;
    none.rlim_cur = 0;
    ::setrlimit(RLIMIT_FSIZE, &none);
  }

  ~NoRoom() {
    ::setrlimit(RLIMIT_FSIZE, &before);
  }
};

using Names = std::vector<std::string>;
using Numbers = std::vector<uint64_t>;

} // namespace

TEST_CASE_METHOD(JournalWorld, "events are told in the order in which they came, with numbers, once they are recorded", "[journal]") {
  start();
  caf::anon_send(journal, event("one"));
  caf::anon_send(journal, record("a", Phase::accepted, event("two")));
  caf::anon_send(journal, event("three"));
  run();
  CHECK(told == Names{"one", "two", "three"});
  CHECK(numbers == Numbers{1, 2, 3});
  end();
  start();
  caf::anon_send(journal, event("four"));
  run();
  CHECK(numbers.back() == 4);
  auto old = ask<OldEvents>(journal, ReadOldEvents{1, 2}).get();
  REQUIRE(old);
  REQUIRE(old->events.size() == 2);
  CHECK(old->events[0].type == "two");
}

TEST_CASE_METHOD(JournalWorld, "of a container the last state counts, and of one that is forgotten nothing is left", "[journal]") {
  start();
  auto first = ask<void>(journal, record("a", Phase::accepted));
  auto second = ask<void>(journal, record("a", Phase::running));
  caf::anon_send(journal, record("b", Phase::running));
  caf::anon_send(journal, ForgetContainer{{"b"}, event("container.removed")});
  run();
  CHECK(first.get());
  CHECK(second.get());
  CHECK(rows() == std::map<std::string, Phase>{{"a", Phase::running}});
}

TEST_CASE_METHOD(JournalWorld, "a traced wait for the journal lasts until its answer is on its way", "[journal][trace]") {
  start();
  auto has_room = GENERATE(true, false);
  CAPTURE(has_room);
  auto recording = berth::test::Recording{};
  spawn([this](Observed<caf::event_based_actor>* self) -> caf::behavior {
    self->request(journal, 10s, record("a", Phase::accepted)).then([] {}, [](caf::error&) {});
    return {[](caf::unit_t) {}};
  });
  {
    auto full = std::optional<NoRoom>{};
    if (!has_room)
      full.emplace();
    run();
  }
  auto wait = recording.span("journal: write");
  // Whatever the thread is kept from in between would be explained by nothing.
  CHECK(recording.answer(wait.point.trace).queued <= wait.ended);
}

TEST_CASE_METHOD(JournalWorld, "without room, who asks is refused, and what is told waits until it can be written", "[journal]") {
  start();
  caf::anon_send(journal, record("a", Phase::accepted, event("before")));
  run();
  {
    NoRoom none;
    caf::anon_send(journal, event("held back"));
    auto refused = ask<void>(journal, record("a", Phase::running, event("held back, too")));
    run();
    REQUIRE_FALSE(refused.get());
    CHECK(refused.get().error().code == ec::journal_failed);
    auto revision = ask<void>(journal, RecordRevision{std::make_shared<const RevisionRecord>(), {}, {}});
    run();
    CHECK_FALSE(revision.get());
    pass(journal_retry);
    CHECK(told == Names{"before"});
  }
  pass(journal_retry);
  CHECK(told == Names{"before", "held back", "held back, too"});
  CHECK(numbers == Numbers{1, 2, 3});
  // What was refused is not done later.
  end();
  auto opened = Journal::open(dir.path());
  REQUIRE(opened);
  CHECK(opened->state.config.revisions.empty());
  REQUIRE(opened->state.containers.size() == 1);
  CHECK(opened->state.containers[0].memory.phase == Phase::running);
}

TEST_CASE_METHOD(JournalWorld, "so many events wait, the oldest of more are lost, and that is told", "[journal]") {
  start({.waiting_events = 2});
  {
    NoRoom none;
    for (auto type : {"one", "two", "three"})
      caf::anon_send(journal, event(type));
    run();
    CHECK(told.empty());
  }
  pass(journal_retry);
  CHECK(told == Names{"two", "three", "node.events_lost"});
  CHECK(numbers == Numbers{1, 2, 3});
}

TEST_CASE_METHOD(JournalWorld, "what a container became is recorded with what is told about it, or neither is", "[journal]") {
  start();
  {
    NoRoom none;
    caf::anon_send(journal, record("a", Phase::exited, event("container.exited")));
    run();
    CHECK(told.empty());
    CHECK(rows().empty());
  }
}
