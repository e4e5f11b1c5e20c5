#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace berth {

/// Names a trace, which is everything that one request led to: the 16 bytes of a W3C trace id. All zero: none.
struct TraceId {
  uint64_t high = 0;
  uint64_t low = 0;

  explicit operator bool() const noexcept {
    return (high | low) != 0;
  }

  friend auto operator<=>(const TraceId&, const TraceId&) = default;
};

/// 32 lower-case hexadecimal digits; empty for none.
std::string to_string(const TraceId& id);

/// Nothing for anything but 32 lower-case hexadecimal digits that are not all zero.
std::optional<TraceId> parse_trace_id(std::string_view text);

/// A random one, and one of the bytes that name a span; never zero. Unique is all they have to be: no secret depends on them.
TraceId make_trace_id();
uint64_t make_span_id();

/// The place in a trace where something is done.
struct TracePoint {
  TraceId trace;
  /// The span in which it is done: the handling of a message, or a piece of work. 0: none is known.
  uint64_t span = 0;
  /// Spans of this trace are recorded.
  bool is_recorded = false;

  friend bool operator==(const TracePoint&, const TracePoint&) = default;
};

/// Where the calling thread is: what it handles, or does. Set by what runs it (actors/observed.hpp, actors/trace_recorder.hpp).
inline constinit thread_local TracePoint this_point{};

/// What led to a message. It is a field of every message, so it goes wherever the message goes, over the network as well, and
/// however long the message waits on its way. Whoever makes a message need not think of it: it is where its maker is.
struct Cause : TracePoint {
  Cause() noexcept : TracePoint(this_point) {
    // nop
  }

  explicit Cause(const TracePoint& point) noexcept : TracePoint(point) {
    // nop
  }
};

template <class Inspector>
auto inspect(Inspector& f, Cause& x) {
  return f(x.trace.high, x.trace.low, x.span, x.is_recorded);
}

/// What the thread does until the end of the scope is done on behalf of this, whatever is being handled: for work that was put
/// off, and is taken up when something else happens.
class OnBehalfOf {
public:
  explicit OnBehalfOf(const TracePoint& point) noexcept : before_(this_point) {
    this_point = point;
  }

  OnBehalfOf(const OnBehalfOf&) = delete;
  OnBehalfOf& operator=(const OnBehalfOf&) = delete;

  ~OnBehalfOf() {
    this_point = before_;
  }

private:
  TracePoint before_;
};

/// The header `traceparent` of W3C Trace Context, version 00: "00-TRACE-SPAN-FLAGS". The flag `sampled` is `is_recorded`.
std::string to_traceparent(const TracePoint& point);

/// Nothing for a header that the recommendation tells to ignore. Later versions are read as far as version 00 goes.
std::optional<TracePoint> parse_traceparent(std::string_view text);

} // namespace berth
