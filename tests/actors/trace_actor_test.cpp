#include "actors/trace_actor.hpp"

#include "actors/guard.hpp"
#include "messages/selector.hpp"
#include "tests/support/actor_world.hpp"

#include <caf/typed_response_promise.hpp>

#include <thread>

using namespace berth;
using namespace berth::test;

namespace {

/// Asks, waits, fails, is asked: with messages of the product, so that what they say of their cause is tested, too.
using PartnerActor = caf::typed_actor<caf::replies_to<LaunchNeeds>::with<SelectionTrail>, caf::reacts_to<QueueTimeout>>;

struct PartnerState {
  static inline const char* name = "partner";
};

using Self = SelfPointer<PartnerActor, PartnerState>;

/// Gives what it is asked for; two GPUs it does not have, three end it.
PartnerActor::behavior_type last_actor(Self self) {
  guard(self, ActorLabel{.kind = "last", .pool = {"web"}});
  return {
    [=](const LaunchNeeds& needs) -> caf::result<SelectionTrail> {
      if (needs.gpus == 2)
        return to_caf({ec::override_denied, "x", "y", "z"});
      if (needs.gpus == 3)
        throw std::runtime_error{"three"};
      return SelectionTrail{};
    },
    [](const QueueTimeout&) {},
  };
}

/// Asks the last one, but only when its timer is over.
PartnerActor::behavior_type first_actor(Self self, PartnerActor last) {
  guard(self, ActorLabel{.kind = "first"});
  auto promise = std::make_shared<caf::typed_response_promise<SelectionTrail>>();
  auto needs = std::make_shared<LaunchNeeds>();
  return {
    [=](const LaunchNeeds& asked) -> caf::result<SelectionTrail> {
      *promise = self->make_response_promise<SelectionTrail>();
      *needs = asked;
      needs->cause = Cause{};
      self->delayed_send(self, std::chrono::seconds{1}, QueueTimeout{1});
      return *promise;
    },
    [=](const QueueTimeout&) {
      self->request(last, std::chrono::seconds{5}, *needs)
        .then([=](const SelectionTrail& selection) { promise->deliver(selection); },
              [=](caf::error& err) { promise->deliver(err); });
    },
  };
}

struct TraceWorld : ActorWorld {
  TraceWorld() {
    last = spawn(last_actor);
    first = spawn(first_actor, last);
    run();
    (void)trace_recorder().fetch();
  }

  ~TraceWorld() {
    trace_recorder().set_mode(TracingMode::off);
    (void)trace_recorder().fetch();
  }

  TraceActor start(TraceOrder order = {}) {
    order.recorder = &trace_recorder();
    order.mode = order.mode == TracingMode::requested ? TracingMode::all : order.mode;
    auto trace = spawn(trace_actor, std::move(order));
    run();
    return trace;
  }

  /// Asks the first one on behalf of a request.
  void request(uint32_t gpus) {
    auto work = Work{"REQUEST", std::nullopt, true};
    auto asker = spawn([first = first, needs = LaunchNeeds{gpus}](Observed<caf::event_based_actor>* self) -> caf::behavior {
      self->card().set_label({.kind = "api"});
      self->request(first, std::chrono::seconds{10}, needs).then([](const SelectionTrail&) {}, [](caf::error&) {});
      return {[](caf::unit_t) {}};
    });
    run();
    pass(std::chrono::seconds{1});
  }

  std::vector<SpanInfo> spans() {
    auto result = std::vector<SpanInfo>{};
    for (const auto& span : trace_recorder().fetch()) {
      auto info = SpanInfo{};
      info.trace = span.point.trace;
      info.id = span.point.span;
      info.parent = span.parent;
      info.kind = span.kind;
      info.name = span.name;
      info.from.kind = span.from ? span.from->label().kind : "";
      info.to.kind = span.to ? span.to->label().kind : "";
      info.queued = {span.queued};
      info.began = {span.began};
      info.ended = {span.ended};
      info.outcome = span.outcome;
      info.code = span.code;
      result.push_back(info);
    }
    return result;
  }

  PartnerActor first;
  PartnerActor last;
};

const SpanInfo& named(const std::vector<SpanInfo>& spans, const std::string& name, const std::string& to) {
  for (const auto& span : spans)
    if (span.name == name && span.to.kind == to)
      return span;
  FAIL("no " << name << " to " << to);
  return spans.front();
}

} // namespace

TEST_CASE_METHOD(TraceWorld, "messages, delayed ones and answers hang below what led to them", "[trace]") {
  trace_recorder().set_mode(TracingMode::all);
  request(1);
  auto all = spans();
  const auto& request = named(all, "REQUEST", "");
  const auto& question = named(all, "LaunchNeeds", "first");
  const auto& timer = named(all, "QueueTimeout", "first");
  const auto& second = named(all, "LaunchNeeds", "last");
  const auto& answer = named(all, "SelectionTrail", "first");
  const auto& last_answer = named(all, "SelectionTrail", "api");
  CHECK(request.parent == 0);
  CHECK(question.parent == request.id);
  CHECK(question.from.kind == "api");
  CHECK(timer.parent == question.id);
  CHECK(second.parent == timer.id);
  CHECK(second.from.kind == "first");
  // Answers belong to their questions, whoever lets the promise be kept.
  CHECK(answer.parent == second.id);
  CHECK(answer.kind == SpanKind::answer);
  CHECK(last_answer.parent == question.id);
  for (const auto& span : {question, timer, second, answer, last_answer}) {
    CHECK(span.trace == request.trace);
    CHECK(span.queued <= span.began);
    CHECK(span.began <= span.ended);
    CHECK(span.outcome == SpanOutcome::ok);
  }
}

TEST_CASE_METHOD(TraceWorld, "errors, exceptions and messages to the dead are told as what they are", "[trace]") {
  trace_recorder().set_mode(TracingMode::all);
  request(2);
  auto failed = spans();
  CHECK(named(failed, "error", "first").outcome == SpanOutcome::failed);
  CHECK(named(failed, "error", "first").code == "override_denied");
  request(3);
  auto crashed = spans();
  CHECK(named(crashed, "LaunchNeeds", "last").outcome == SpanOutcome::crashed);
  caf::anon_send(last, QueueTimeout{});
  run();
  auto dropped = spans();
  CHECK(named(dropped, "QueueTimeout", "last").outcome == SpanOutcome::dropped);
}

TEST_CASE_METHOD(TraceWorld, "nothing is recorded while tracing is off, and only what asks for it by default", "[trace]") {
  auto mode = GENERATE(TracingMode::off, TracingMode::requested);
  trace_recorder().set_mode(mode);
  request(1);
  CHECK(spans().empty());
  CHECK_FALSE(trace_recorder().is_hot());
  auto client = TracePoint{make_trace_id(), make_span_id(), true};
  {
    auto work = Work{"REQUEST", client, true};
    CHECK(work.point().trace == client.trace);
    CHECK(trace_recorder().is_hot() == (mode == TracingMode::requested));
    caf::anon_send(last, QueueTimeout{});
    run();
  }
  auto recorded = spans();
  CHECK(recorded.size() == (mode == TracingMode::requested ? 3u : 0u));
  for (const auto& span : recorded)
    CHECK(span.trace == client.trace);
  CHECK_FALSE(trace_recorder().is_hot());
}

TEST_CASE_METHOD(TraceWorld, "what is recorded is bounded in number, in rate and between two fetches", "[trace]") {
  SECTION("kept spans") {
    auto trace = start({.max_spans = 10});
    for (auto i = 0; i < 50; ++i)
      caf::anon_send(last, QueueTimeout{});
    run();
    auto batch = ask<SpanBatch>(trace, ReadSpans{}).get();
    REQUIRE(batch);
    CHECK(batch->spans.size() == 10);
    CHECK(batch->spans.back().seq == 50);
    auto state = ask<TracingState>(trace, DescribeTracing{}).get();
    REQUIRE(state);
    CHECK(state->kept == 10);
  }
  SECTION("rate") {
    auto before = trace_recorder().counts();
    (void)start({.max_rate = 10});
    // Within one second of the steady clock, or two.
    for (auto i = 0; i < 1000; ++i) {
      caf::anon_send(last, QueueTimeout{});
      run();
    }
    auto counts = trace_recorder().counts();
    CHECK(counts.recorded - before.recorded < 100);
    CHECK(counts.refused - before.refused > 900);
  }
  SECTION("between fetches") {
    trace_recorder().set_mode(TracingMode::all);
    trace_recorder().set_rate(1'000'000'000);
    auto before = trace_recorder().counts();
    constexpr auto many = 3 * TraceRecorder::shard_capacity;
    for (size_t i = 0; i < many; ++i) {
      caf::anon_send(last, QueueTimeout{});
      run();
    }
    CHECK(trace_recorder().counts().dropped - before.dropped == many - TraceRecorder::shard_capacity);
    CHECK(spans().size() == TraceRecorder::shard_capacity);
  }
}

TEST_CASE_METHOD(TraceWorld, "a reader waits for the next span, or for as long as it wants", "[trace]") {
  auto trace = start();
  caf::anon_send(last, QueueTimeout{});
  run();
  auto first_batch = ask<SpanBatch>(trace, ReadSpans{}).get();
  REQUIRE(first_batch);
  auto wish = ReadSpans{};
  wish.since = first_batch->cursor;
  wish.wait = std::chrono::seconds{5};
  wish.filter.message = "LaunchNeeds";
  auto answer = std::make_shared<std::optional<SpanBatch>>();
  spawn([=](caf::event_based_actor* self) {
    self->request(trace, std::chrono::seconds{20}, wish).then([=](const SpanBatch& batch) { *answer = batch; });
  });
  run();
  CHECK_FALSE(*answer);
  SECTION("it comes") {
    caf::anon_send(last, LaunchNeeds{1});
    run();
    pass(std::chrono::milliseconds{50});
    REQUIRE(*answer);
    REQUIRE((*answer)->spans.size() == 1);
    CHECK((*answer)->spans[0].name == "LaunchNeeds");
    CHECK((*answer)->spans[0].to.pool.value == "web");
  }
  SECTION("it does not come") {
    pass(std::chrono::seconds{6});
    REQUIRE(*answer);
    CHECK((*answer)->spans.empty());
  }
}

TEST_CASE_METHOD(TraceWorld, "a collector that fails costs its own spans, and gets the next ones", "[trace]") {
  auto fails = std::make_shared<bool>(true);
  auto got = std::make_shared<size_t>(0);
  auto hand_over = [=](const std::vector<SpanInfo>& spans) -> Result<void> {
    if (*fails)
      return failure(ec::system_error, "collector", "away");
    *got += spans.size();
    return {};
  };
  auto exporter = spawn(exporter_actor, std::function<Result<void>(const std::vector<SpanInfo>&)>{hand_over});
  auto trace = start({.exporter = exporter, .collector = "here"});
  auto record = [&] {
    caf::anon_send(last, QueueTimeout{});
    run();
    (void)ask<TracingState>(trace, DescribeTracing{});
    run();
    return *ask<TracingState>(trace, DescribeTracing{}).get();
  };
  auto state = record();
  CHECK(state.export_lost >= 1);
  CHECK_FALSE(state.export_error.empty());
  *fails = false;
  state = record();
  CHECK(*got >= 1);
  CHECK(state.exported == *got);
  CHECK(state.export_error.empty());
}

TEST_CASE("ticks of a turn are told as the time that they take", "[trace]") {
  // Who is put aside between the two clocks tries again.
  auto agree = false;
  for (auto i = 0; i < 100 && !agree; ++i) {
    auto ticks = turn_ticks();
    auto began = trace_clock();
    auto passed = int64_t{0};
    while (passed < 5'000'000)
      passed = trace_clock() - began;
    auto told = turn_time(turn_ticks() - ticks).count();
    agree = told > passed * 9 / 10 && told < passed * 11 / 10;
  }
  CHECK(agree);
}

TEST_CASE_METHOD(TraceWorld, "the card of an actor counts its messages and says what waits", "[trace]") {
  auto cards = actor_book().list();
  auto card = std::find_if(cards.begin(), cards.end(), [](const auto& x) { return std::string_view{x->label().kind} == "last"; });
  REQUIRE(card != cards.end());
  auto before = (*card)->numbers();
  for (auto i = 0; i < 5; ++i)
    caf::anon_send(last, QueueTimeout{});
  CHECK((*card)->numbers().mailbox == 5);
  CHECK(describe(**card).state == "behind");
  run();
  auto after = (*card)->numbers();
  CHECK(after.mailbox == 0);
  CHECK(after.handled == before.handled + 5);
  CHECK(after.busy > before.busy);
  CHECK(describe(**card).state == "idle");
  caf::anon_send_exit(last, caf::exit_reason::user_shutdown);
  run();
  for (const auto& other : actor_book().list())
    CHECK(other != *card);
}
