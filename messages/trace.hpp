#pragma once

#include "messages/cause.hpp"
#include "messages/span.hpp"

#include <caf/replies_to.hpp>
#include <caf/typed_actor.hpp>

#include <chrono>
#include <map>

namespace berth {

/// Which spans a reader wants; empty members match everything.
struct SpanFilter {
  /// All that is known of this container: its trace, and what else has touched it, with causes and consequences.
  ContainerId container;
  /// Spans of the pool's actors, its containers included.
  PoolName pool;
  TraceId trace;
  /// Kind of an actor, or its number, at either end.
  std::string actor;
  /// Type of the message, or the name of other spans.
  std::string message;
  /// Only spans that took at least this long, from being sent to their end.
  std::chrono::nanoseconds slow{0};
};

template <class Inspector>
auto inspect(Inspector& f, SpanFilter& x) {
  return f(x.container, x.pool, x.trace.high, x.trace.low, x.actor, x.message, x.slow);
}

/// READER -> TRACE: the spans after `since`, in the order of recording. Without any, the answer waits for the next one or for
/// `wait`.
struct ReadSpans {
  uint64_t since = 0;
  /// At most `span_batch_limit`. The newest are given if there are more.
  uint32_t max = 5'000;
  /// At most `span_wait_limit`.
  std::chrono::milliseconds wait{0};
  SpanFilter filter;
  Cause cause;
};

template <class Inspector>
auto inspect(Inspector& f, ReadSpans& x) {
  return f(x.since, x.max, x.wait, x.filter, x.cause);
}

/// TRACE -> READER.
struct SpanBatch {
  std::vector<SpanInfo> spans;
  /// Pass it as the next `since`.
  uint64_t cursor = 0;
  /// Spans after `since` that are not kept any more, or did not fit: those that did not match the filter included.
  uint64_t missed = 0;
};

template <class Inspector>
auto inspect(Inspector& f, SpanBatch& x) {
  return f(x.spans, x.cursor, x.missed);
}

/// API -> TRACE: how does recording stand?
struct DescribeTracing {
  Cause cause;
};

template <class Inspector>
auto inspect(Inspector& f, DescribeTracing& x) {
  return f(x.cause);
}

/// API -> TRACE: record this from now on, until berthd ends or reads another configuration.
struct SetTracing {
  TracingMode mode = TracingMode::requested;
  Cause cause;
};

template <class Inspector>
auto inspect(Inspector& f, SetTracing& x) {
  return f(x.mode, x.cause);
}

/// TRACE -> API.
struct TracingState {
  TracingMode mode = TracingMode::requested;
  /// Spans that are kept, and the most that are.
  uint64_t kept = 0;
  uint64_t max_spans = 0;
  std::chrono::milliseconds max_age{0};
  /// Most spans a second.
  uint64_t max_rate = 0;
  /// Since the start of berthd.
  uint64_t recorded = 0;
  /// Recorded, and lost because they came faster than they could be fetched.
  uint64_t dropped = 0;
  /// Traces that were not begun because of the rate.
  uint64_t refused = 0;
  /// Spans that were handed to a collector, and those it did not get. Where there is none: 0.
  uint64_t exported = 0;
  uint64_t export_lost = 0;
  /// Where to; empty for nowhere. Why the last attempt failed; empty if it did not.
  std::string collector;
  std::string export_error;
};

template <class Inspector>
auto inspect(Inspector& f, TracingState& x) {
  return f(x.mode, x.kept, x.max_spans, x.max_age, x.max_rate, x.recorded, x.dropped, x.refused, x.exported, x.export_lost,
           x.collector, x.export_error);
}

/// INTERNAL: the recorder holds spans.
struct SpansRecorded {
  Cause cause;
};

template <class Inspector>
auto inspect(Inspector& f, SpansRecorded& x) {
  return f(x.cause);
}

/// INTERNAL: fetch them. A moment after `SpansRecorded`, so that there is one fetch for many spans.
struct FetchSpans {
  Cause cause;
};

template <class Inspector>
auto inspect(Inspector& f, FetchSpans& x) {
  return f(x.cause);
}

/// INTERNAL: a reader has waited for as long as it wanted.
struct SpanWaitOver {
  uint64_t ticket = 0;
  Cause cause;
};

template <class Inspector>
auto inspect(Inspector& f, SpanWaitOver& x) {
  return f(x.ticket, x.cause);
}

/// TRACE -> EXPORTER: hand these to the collector. Answered when it has them, or with why it has not.
struct ExportSpans {
  std::vector<SpanInfo> spans;
  Cause cause;
};

template <class Inspector>
auto inspect(Inspector& f, ExportSpans& x) {
  return f(x.spans, x.cause);
}

constexpr uint32_t span_batch_limit = 20'000;
constexpr auto span_wait_limit = std::chrono::seconds{30};
/// How long a reader waits for an answer: the longest wait it can ask for and some slack.
constexpr auto span_deadline = span_wait_limit + std::chrono::seconds{10};
/// How long one attempt to hand spans to a collector may take.
constexpr auto export_deadline = std::chrono::seconds{15};

/// EXPORTER: hands spans to a collector outside. Blocks, so it has a thread of its own.
using ExporterActor = caf::typed_actor<caf::replies_to<ExportSpans>::with<void>>;

/// TRACE: keeps the recorded spans, bounded in count and age, and tells them.
///
///     any thread -- (recorder) --> TRACE            SpansRecorded, then FetchSpans a moment later
///     reader ---- ReadSpans -----> TRACE -> SpanBatch (at once, or when one comes, or after `wait`)
///     API ------- SetTracing ----> TRACE -> TracingState
///     TRACE ----- ExportSpans ---> EXPORTER         one at a time: a collector that is slow or away costs its own spans only
///
/// Its own messages are never recorded.
using TraceActor = caf::typed_actor<
  caf::replies_to<ReadSpans>::with<SpanBatch>,
  caf::replies_to<DescribeTracing>::with<TracingState>,
  caf::replies_to<SetTracing>::with<TracingState>,
  caf::reacts_to<SpansRecorded>,
  caf::reacts_to<FetchSpans>,
  caf::reacts_to<SpanWaitOver>>;

} // namespace berth
