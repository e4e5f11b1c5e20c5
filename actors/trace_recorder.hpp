#pragma once

#include "actors/actor_card.hpp"
#include "messages/error.hpp"
#include "messages/span.hpp"
#include "messages/trace.hpp"

#include <array>
#include <functional>

namespace berth {

/// A span as it is recorded: nothing is copied that can be shared. Times are nanoseconds of the steady clock.
struct RecordedSpan {
  TracePoint point; ///< its trace, and its own id
  uint64_t parent = 0;
  SpanKind kind = SpanKind::message;
  /// Static storage.
  const char* name = "";
  std::shared_ptr<const ActorCard> from;
  std::shared_ptr<const ActorCard> to;
  /// Whom it is about, where that is no actor.
  ContainerId container;
  PoolName pool;
  int64_t queued = 0;
  int64_t began = 0;
  int64_t ended = 0;
  SpanOutcome outcome = SpanOutcome::ok;
  /// Static storage.
  const char* code = "";
};

/// Nanoseconds of CLOCK_MONOTONIC, which all processes of the host share.
int64_t trace_clock() noexcept;

/// Takes spans from all threads and holds them until TRACE fetches them. Safe in production whatever happens: a thread never
/// waits for another one longer than the copy of a span takes, memory is bounded, and what is too much is counted and dropped.
class TraceRecorder {
public:
  /// Spans that are held between two fetches at most.
  static constexpr size_t shards = 8;
  static constexpr size_t shard_capacity = 2048;

  /// Some message may have to be recorded. One relaxed load: this is what tracing costs while it is off.
  bool is_hot() const noexcept {
    return heat_.load(std::memory_order_relaxed) > 0;
  }

  TracingMode mode() const noexcept {
    return mode_.load(std::memory_order_relaxed);
  }

  void set_mode(TracingMode mode);

  /// At most so many spans a second: what begins above that is not recorded.
  void set_rate(uint64_t spans_per_second) noexcept {
    rate_.store(spans_per_second, std::memory_order_relaxed);
  }

  /// Shall what begins now be recorded? `is_asked`: somebody wants this one.
  bool admit(bool is_asked) noexcept;

  /// Something is under way that is recorded: messages have to be looked at.
  void hold() noexcept {
    heat_.fetch_add(1, std::memory_order_relaxed);
  }

  void release() noexcept {
    heat_.fetch_sub(1, std::memory_order_relaxed);
  }

  void put(RecordedSpan span);

  /// What was put since the last time, in no order.
  std::vector<RecordedSpan> fetch();

  struct Counts {
    uint64_t recorded = 0;
    /// Recorded ones that there was no room for.
    uint64_t dropped = 0;
    /// Beginnings that were not recorded because of the rate.
    uint64_t refused = 0;
  };

  Counts counts() const noexcept;

  /// Called, from any thread, with the first span after a fetch. Must not block.
  void set_listener(std::function<void()> listener);

private:
  struct alignas(64) Shard {
    std::mutex mutex;
    std::vector<RecordedSpan> spans; // guarded by mutex
  };

  void count_in_second() noexcept;

  std::atomic<TracingMode> mode_{TracingMode::off};
  std::atomic<int64_t> heat_{0};
  std::atomic<uint64_t> rate_{20'000};
  /// The second of the steady clock that is counted, and the spans in it.
  std::atomic<int64_t> second_{0};
  std::atomic<uint64_t> in_second_{0};
  std::atomic<uint64_t> recorded_{0};
  std::atomic<uint64_t> dropped_{0};
  std::atomic<uint64_t> refused_{0};
  std::atomic<bool> has_told_{false};
  std::array<Shard, shards> held_;
  std::mutex listener_mutex_;
  std::function<void()> listener_; // guarded by listener_mutex_
};

TraceRecorder& trace_recorder();

/// Since when a thread of the API works on its request: from its beginning, or the last answer of an actor.
inline constinit thread_local int64_t request_mark = 0;

/// A piece of work of the calling thread, as a span: it is where the thread is until the end of the scope.
class Work {
public:
  /// A part of what the thread does anyway. Nothing is recorded if that is not.
  explicit Work(const char* name);

  /// A request from outside, which begins a trace or goes on with the client's: recorded if everything is, or if the client
  /// wants it and `may_be_recorded`. What the thread did since the last answer of an actor is a span at its end.
  Work(const char* name, const std::optional<TracePoint>& client, bool may_be_recorded);

  Work(const Work&) = delete;
  Work& operator=(const Work&) = delete;
  ~Work();

  const TracePoint& point() const noexcept {
    return span_.point;
  }

  void concerns(PoolName pool, ContainerId container);
  void fail(ec code);

private:
  TracePoint before_;
  RecordedSpan span_;
  bool is_holding_ = false;
};

/// Something that is waited for while the thread does other things.
class Wait {
public:
  /// Begins now, where the thread is. `name` has static storage.
  explicit Wait(const char* name)
      : point_(this_point), id_(point_.is_recorded ? make_span_id() : 0), name_(name), began_(id_ != 0 ? trace_clock() : 0) {
    // nop
  }

  /// Where it began, for what goes on when it is over.
  const TracePoint& point() const noexcept {
    return point_;
  }

  /// What happens meanwhile elsewhere, as a part of it.
  TracePoint inside() const noexcept {
    return {point_.trace, id_, point_.is_recorded};
  }

  /// It is over. May be called again, which changes nothing. Comes after whatever the end of the wait sets in motion, so that a
  /// trace explains the time until that is on its way: this thread may be kept from it for a while.
  void end(ec code = ec{});

private:
  TracePoint point_;
  uint64_t id_;
  const char* name_;
  int64_t began_;
};

/// Records work that somebody else has done and told of, at the actor that has its turn.
void record_work(const TracePoint& parent, const char* name, int64_t began, int64_t ended);

} // namespace berth
