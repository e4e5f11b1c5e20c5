#include "actors/trace_actor.hpp"

#include "actors/guard.hpp"
#include "actors/policy/select_spans.hpp"

#include <algorithm>
#include <cstdlib>

namespace berth {

namespace {

using Self = TraceActor::stateful_pointer<TraceState>;

/// How long the recorder gathers before it is emptied. It has room for what a busy node records in that time.
constexpr auto fetch_delay = std::chrono::milliseconds{20};
/// A clock of the wall that has moved by more than this (nanoseconds) was set.
constexpr int64_t clock_step = 100'000'000;
/// One delivery to a collector.
constexpr size_t export_batch = 1'000;
/// Spans that wait for a collector; then the oldest are lost.
constexpr size_t most_unexported = 8'192;

struct Keeper {
  Self self;
  std::shared_ptr<const TraceOrder> order;

  TraceState& state() const {
    return self->state;
  }
};

SpanActor describe(const std::shared_ptr<const ActorCard>& card) {
  if (!card)
    return {};
  const auto& label = card->label();
  return {label.kind, card->number(), label.pool, label.container};
}

/// `offset`: from the steady clock to that of the wall.
SpanInfo describe(const RecordedSpan& span, int64_t offset) {
  auto result = SpanInfo{};
  result.trace = span.point.trace;
  result.id = span.point.span;
  result.parent = span.parent;
  result.kind = span.kind;
  result.name = span.name;
  result.from = describe(span.from);
  result.to = describe(span.to);
  if (span.kind == SpanKind::request)
    result.to.kind = "api";
  if (!span.container.value.empty())
    result.to.container = span.container;
  if (!span.pool.value.empty())
    result.to.pool = span.pool;
  result.queued = {span.queued + offset};
  result.began = {span.began + offset};
  result.ended = {span.ended + offset};
  result.outcome = span.outcome;
  result.code = span.code;
  return result;
}

void forget_old(const Keeper& keeper) {
  auto& spans = keeper.state().spans;
  auto oldest = now().ns - std::chrono::nanoseconds{keeper.order->max_age}.count();
  while (!spans.empty() && (spans.size() > keeper.order->max_spans || spans.front().ended.ns < oldest))
    spans.pop_front();
}

SpanBatch read(const Keeper& keeper, const ReadSpans& wish) {
  const auto& state = keeper.state();
  auto batch = SpanBatch{};
  batch.cursor = state.last_seq;
  auto first_kept = state.spans.empty() ? state.last_seq + 1 : state.spans.front().seq;
  if (wish.since > 0 && wish.since + 1 < first_kept)
    batch.missed = first_kept - wish.since - 1;
  if (wish.since == 0) {
    batch.spans = select_spans(state.spans, wish.filter);
  } else {
    auto begin = std::upper_bound(state.spans.begin(), state.spans.end(), wish.since,
                                  [](uint64_t seq, const SpanInfo& span) { return seq < span.seq; });
    std::copy_if(begin, state.spans.end(), std::back_inserter(batch.spans),
                 [&](const SpanInfo& span) { return matches(wish.filter, span); });
  }
  auto max = std::min(wish.max, span_batch_limit);
  if (batch.spans.size() > max) {
    batch.missed += batch.spans.size() - max;
    batch.spans.erase(batch.spans.begin(), batch.spans.end() - max);
  }
  return batch;
}

void answer_readers(const Keeper& keeper) {
  std::erase_if(keeper.state().readers, [&](auto& reader) {
    auto batch = read(keeper, reader.wish);
    if (batch.spans.empty() && batch.missed == 0)
      return false;
    reader.promise.deliver(std::move(batch));
    return true;
  });
}

void export_next(const Keeper& keeper) {
  auto& state = keeper.state();
  if (!keeper.order->exporter || state.unexported.empty() || std::exchange(state.is_exporting, true))
    return;
  auto batch = ExportSpans{};
  auto count = std::min(export_batch, state.unexported.size());
  batch.spans.assign(std::make_move_iterator(state.unexported.begin()),
                     std::make_move_iterator(state.unexported.begin() + static_cast<ptrdiff_t>(count)));
  state.unexported.erase(state.unexported.begin(), state.unexported.begin() + static_cast<ptrdiff_t>(count));
  keeper.self->request(keeper.order->exporter, 2 * export_deadline, std::move(batch))
    .then(
      [=] {
        auto& now = keeper.state();
        now.exported += count;
        now.is_exporting = false;
        if (!std::exchange(now.export_error, {}).empty())
          log::info("collector takes spans again", {{"collector", keeper.order->collector}});
        export_next(keeper);
      },
      [=](caf::error& err) {
        auto& now = keeper.state();
        auto error = render(from_caf(err));
        now.export_lost += count;
        now.is_exporting = false;
        if (now.export_error.empty())
          log::warn("collector does not take spans; they are lost to it",
                    {{"collector", keeper.order->collector}, {"error", error}});
        now.export_error = std::move(error);
        // What comes next tries again: a collector that is away is not asked in a loop.
      });
}

void hand_on(const Keeper& keeper, const SpanInfo& span) {
  auto& state = keeper.state();
  if (!keeper.order->exporter)
    return;
  if (state.unexported.size() >= most_unexported) {
    state.unexported.pop_front();
    ++state.export_lost;
  }
  state.unexported.push_back(span);
}

void fetch(const Keeper& keeper) {
  auto& state = keeper.state();
  auto fetched = keeper.order->recorder->fetch();
  if (auto offset = now().ns - trace_clock(); std::abs(offset - state.offset) > clock_step)
    state.offset = offset;
  std::sort(fetched.begin(), fetched.end(), [](const auto& x, const auto& y) { return x.ended < y.ended; });
  for (const auto& recorded : fetched) {
    auto span = describe(recorded, state.offset);
    span.seq = ++state.last_seq;
    hand_on(keeper, span);
    state.spans.push_back(std::move(span));
  }
  forget_old(keeper);
  if (fetched.empty())
    return;
  answer_readers(keeper);
  export_next(keeper);
}

TracingState describe(const Keeper& keeper) {
  const auto& order = *keeper.order;
  const auto& state = keeper.state();
  auto counts = order.recorder->counts();
  auto result = TracingState{};
  result.mode = order.recorder->mode();
  result.kept = state.spans.size();
  result.max_spans = order.max_spans;
  result.max_age = order.max_age;
  result.max_rate = order.max_rate;
  result.recorded = counts.recorded;
  result.dropped = counts.dropped;
  result.refused = counts.refused;
  result.exported = state.exported;
  result.export_lost = state.export_lost;
  result.collector = order.collector;
  result.export_error = state.export_error;
  return result;
}

caf::result<SpanBatch> on_read(const Keeper& keeper, const ReadSpans& wish) {
  fetch(keeper);
  auto batch = read(keeper, wish);
  if (!batch.spans.empty() || batch.missed > 0 || wish.wait.count() <= 0)
    return batch;
  auto promise = keeper.self->make_response_promise<SpanBatch>();
  auto& state = keeper.state();
  auto ticket = ++state.last_ticket;
  auto waiting = wish;
  waiting.since = batch.cursor;
  state.readers.push_back({ticket, waiting, promise});
  keeper.self->delayed_send(keeper.self, std::min<std::chrono::milliseconds>(wish.wait, span_wait_limit), SpanWaitOver{ticket});
  return promise;
}

} // namespace

TraceActor::behavior_type trace_actor(Self self, TraceOrder order) {
  guard(self);
  auto keeper = Keeper{self, std::make_shared<const TraceOrder>(std::move(order))};
  auto* recorder = keeper.order->recorder;
  recorder->set_rate(keeper.order->max_rate);
  recorder->set_mode(keeper.order->mode);
  auto me = caf::actor_cast<caf::weak_actor_ptr>(self);
  recorder->set_listener([me] {
    if (auto there = caf::actor_cast<caf::strong_actor_ptr>(me))
      caf::anon_send(caf::actor_cast<TraceActor>(there), SpansRecorded{});
  });
  return {
    [=](const ReadSpans& wish) { return on_read(keeper, wish); },
    [=](const DescribeTracing&) {
      fetch(keeper);
      return describe(keeper);
    },
    [=](const SetTracing& set) {
      recorder->set_mode(set.mode);
      log::info("tracing was changed", {{"mode", to_string(set.mode)}});
      return describe(keeper);
    },
    [=](const SpansRecorded&) { self->delayed_send(self, fetch_delay, FetchSpans{}); },
    [=](const FetchSpans&) { fetch(keeper); },
    [=](const SpanWaitOver& over) {
      std::erase_if(keeper.state().readers, [&](auto& reader) {
        if (reader.ticket != over.ticket)
          return false;
        reader.promise.deliver(SpanBatch{{}, keeper.state().last_seq, 0});
        return true;
      });
    },
  };
}

ExporterActor::behavior_type exporter_actor(ExporterActor::pointer self,
                                            std::function<Result<void>(const std::vector<SpanInfo>&)> hand_over) {
  guard(self);
  return {
    [=](const ExportSpans& spans) -> caf::result<void> {
      if (auto done = hand_over(spans.spans); !done)
        return to_caf(done.error());
      return caf::unit;
    },
  };
}

} // namespace berth
