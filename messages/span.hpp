#pragma once

#include "messages/cause.hpp"
#include "messages/types.hpp"

namespace berth {

/// What is recorded.
enum class TracingMode : uint8_t {
  off,
  /// What a client asks for, with a `traceparent` that is sampled.
  requested,
  /// Every message.
  all,
};

/// "off", "requested", "all".
const char* to_string(TracingMode mode);
std::optional<TracingMode> parse_tracing_mode(std::string_view text);

/// What a span tells of.
enum class SpanKind : uint8_t {
  /// A request of the API: the root of a trace, unless the client has one of its own.
  request,
  /// A message to an actor: its way through the mailbox, and its handling.
  message,
  /// The answer to one.
  answer,
  /// Something that is waited for or done: a runtime's process, the writing of the journal.
  work,
};

/// "request", "message", "answer", "work".
const char* to_string(SpanKind kind);

enum class SpanOutcome : uint8_t {
  ok,
  /// It has an error; for a message, the answer to it is one.
  failed,
  /// The message was never handled: its receiver had ended.
  dropped,
  /// Its handler threw.
  crashed,
};

/// "ok", "failed", "dropped", "crashed".
const char* to_string(SpanOutcome outcome);

/// One end of a message.
struct SpanActor {
  /// "pool", "container", …; "api" for threads of the API; empty for none.
  std::string kind;
  /// The actor's number; 0 for what is no actor.
  uint64_t number = 0;
  PoolName pool;
  ContainerId container;
};

template <class Inspector>
auto inspect(Inspector& f, SpanActor& x) {
  return f(x.kind, x.number, x.pool, x.container);
}

/// One recorded span.
struct SpanInfo {
  /// Counts from 1, in the order of recording: that is, of their ends.
  uint64_t seq = 0;
  TraceId trace;
  uint64_t id = 0;
  /// 0: the root, or one whose cause is not known.
  uint64_t parent = 0;
  SpanKind kind = SpanKind::message;
  /// Type of the message, route of the request, or what is done.
  std::string name;
  SpanActor from;
  /// Who handles it or does it.
  SpanActor to;
  /// When it was sent, or began to be waited for; when its handling began; when that ended.
  Timestamp queued;
  Timestamp began;
  Timestamp ended;
  SpanOutcome outcome = SpanOutcome::ok;
  /// Of a failed one, the error's: "unknown_pool".
  std::string code;
};

template <class Inspector>
auto inspect(Inspector& f, SpanInfo& x) {
  return f(x.seq, x.trace.high, x.trace.low, x.id, x.parent, x.kind, x.name, x.from, x.to, x.queued, x.began, x.ended,
           x.outcome, x.code);
}

} // namespace berth
