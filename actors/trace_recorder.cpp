#include "actors/trace_recorder.hpp"

#include <functional>
#include <thread>

namespace berth {

namespace {

constexpr int64_t second_ns = 1'000'000'000;

/// Threads keep to one shard each, so they seldom meet.
size_t shard_of_thread() {
  static auto last = std::atomic<size_t>{0};
  thread_local auto mine = last.fetch_add(1, std::memory_order_relaxed);
  return mine % TraceRecorder::shards;
}

/// Cards are shared by their actors' spans; a card that is on the stack of its actor is in the book as long as that runs.
std::shared_ptr<const ActorCard> card_of_thread() {
  return this_actor != nullptr ? this_actor->shared_from_this() : nullptr;
}

} // namespace

int64_t trace_clock() noexcept {
  return std::chrono::steady_clock::now().time_since_epoch().count();
}

void TraceRecorder::set_mode(TracingMode mode) {
  auto before = mode_.exchange(mode, std::memory_order_relaxed);
  heat_.fetch_add((mode == TracingMode::all) - (before == TracingMode::all), std::memory_order_relaxed);
}

void TraceRecorder::count_in_second() noexcept {
  auto now = trace_clock() / second_ns;
  if (second_.exchange(now, std::memory_order_relaxed) != now)
    in_second_.store(0, std::memory_order_relaxed);
  in_second_.fetch_add(1, std::memory_order_relaxed);
}

bool TraceRecorder::admit(bool is_asked) noexcept {
  auto mode = this->mode();
  if (mode != TracingMode::all && (mode != TracingMode::requested || !is_asked))
    return false;
  auto is_current = second_.load(std::memory_order_relaxed) == trace_clock() / second_ns;
  if (!is_current || in_second_.load(std::memory_order_relaxed) < rate_.load(std::memory_order_relaxed))
    return true;
  refused_.fetch_add(1, std::memory_order_relaxed);
  return false;
}

void TraceRecorder::put(RecordedSpan span) {
  count_in_second();
  auto& shard = held_[shard_of_thread()];
  {
    auto guard = std::lock_guard{shard.mutex};
    if (shard.spans.size() >= shard_capacity) {
      dropped_.fetch_add(1, std::memory_order_relaxed);
      return;
    }
    shard.spans.push_back(std::move(span));
  }
  recorded_.fetch_add(1, std::memory_order_relaxed);
  if (has_told_.load(std::memory_order_relaxed) || has_told_.exchange(true))
    return;
  auto guard = std::lock_guard{listener_mutex_};
  if (listener_)
    listener_();
}

std::vector<RecordedSpan> TraceRecorder::fetch() {
  // First: what is put from here on is told again.
  has_told_.store(false);
  auto result = std::vector<RecordedSpan>{};
  for (auto& shard : held_) {
    auto spans = std::vector<RecordedSpan>{};
    {
      auto guard = std::lock_guard{shard.mutex};
      spans.swap(shard.spans);
    }
    result.insert(result.end(), std::make_move_iterator(spans.begin()), std::make_move_iterator(spans.end()));
  }
  return result;
}

TraceRecorder::Counts TraceRecorder::counts() const noexcept {
  return {recorded_.load(std::memory_order_relaxed), dropped_.load(std::memory_order_relaxed),
          refused_.load(std::memory_order_relaxed)};
}

void TraceRecorder::set_listener(std::function<void()> listener) {
  auto guard = std::lock_guard{listener_mutex_};
  listener_ = std::move(listener);
}

TraceRecorder& trace_recorder() {
  static auto recorder = TraceRecorder{};
  return recorder;
}

// -- work ---------------------------------------------------------------------------------------------------------------

Work::Work(const char* name) : before_(this_point) {
  span_.kind = SpanKind::work;
  span_.name = name;
  span_.point = before_;
  if (!before_.is_recorded)
    return;
  span_.parent = before_.span;
  span_.point.span = make_span_id();
  span_.queued = span_.began = trace_clock();
  this_point = span_.point;
}

Work::Work(const char* name, const std::optional<TracePoint>& client, bool may_be_recorded) : before_(this_point) {
  span_.kind = SpanKind::request;
  span_.name = name;
  span_.parent = client ? client->span : 0;
  span_.point.trace = client ? client->trace : make_trace_id();
  span_.point.span = make_span_id();
  span_.point.is_recorded = may_be_recorded && trace_recorder().admit(client && client->is_recorded);
  span_.queued = span_.began = request_mark = trace_clock();
  this_point = span_.point;
  is_holding_ = span_.point.is_recorded;
  if (is_holding_)
    trace_recorder().hold();
}

Work::~Work() {
  this_point = before_;
  if (span_.point.is_recorded) {
    span_.ended = trace_clock();
    if (span_.kind == SpanKind::request)
      record_work(span_.point, "api: answer", request_mark, span_.ended);
    span_.to = card_of_thread();
    trace_recorder().put(std::move(span_));
  }
  if (is_holding_)
    trace_recorder().release();
}

void Work::concerns(PoolName pool, ContainerId container) {
  span_.pool = std::move(pool);
  span_.container = std::move(container);
}

void Work::fail(ec code) {
  span_.outcome = SpanOutcome::failed;
  span_.code = to_string(code);
}

void Wait::end(ec code) {
  if (began_ == 0)
    return;
  auto span = RecordedSpan{};
  span.kind = SpanKind::work;
  span.name = name_;
  span.parent = point_.span;
  span.point = {point_.trace, id_, true};
  span.queued = span.began = std::exchange(began_, 0);
  span.ended = trace_clock();
  span.to = card_of_thread();
  if (code != ec{}) {
    span.outcome = SpanOutcome::failed;
    span.code = to_string(code);
  }
  trace_recorder().put(std::move(span));
}

void record_work(const TracePoint& parent, const char* name, int64_t began, int64_t ended) {
  if (!parent.is_recorded)
    return;
  auto span = RecordedSpan{};
  span.kind = SpanKind::work;
  span.name = name;
  span.parent = parent.span;
  span.point = {parent.trace, make_span_id(), true};
  span.queued = span.began = began;
  span.ended = ended;
  span.to = card_of_thread();
  trace_recorder().put(std::move(span));
}

} // namespace berth
