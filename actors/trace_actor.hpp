#pragma once

#include "actors/trace_recorder.hpp"

#include <caf/stateful_actor.hpp>
#include <caf/typed_event_based_actor.hpp>
#include <caf/typed_response_promise.hpp>

#include <deque>
#include <list>

namespace berth {

/// What TRACE works with.
struct TraceOrder {
  TraceRecorder* recorder = nullptr;
  TracingMode mode = TracingMode::requested;
  size_t max_spans = 32'768;
  std::chrono::milliseconds max_age{std::chrono::hours{1}};
  uint64_t max_rate = 20'000;
  /// Null: spans are not handed on. `collector` says where to, for people.
  ExporterActor exporter;
  std::string collector;
};

struct TraceState {
  struct Reader {
    uint64_t ticket = 0;
    ReadSpans wish;
    caf::typed_response_promise<SpanBatch> promise;
  };

  /// Oldest first.
  std::deque<SpanInfo> spans;
  uint64_t last_seq = 0;
  /// From the steady clock to that of the wall; the same for all spans, so that they keep their order.
  int64_t offset = 0;
  std::list<Reader> readers;
  uint64_t last_ticket = 0;

  /// What the collector has not got yet.
  std::deque<SpanInfo> unexported;
  bool is_exporting = false;
  uint64_t exported = 0;
  uint64_t export_lost = 0;
  std::string export_error;

  static inline const char* name = "trace";
};

/// Not observed: a recorder that records its own messages does not come to an end.
TraceActor::behavior_type trace_actor(TraceActor::stateful_pointer<TraceState> self, TraceOrder order);

/// Hands spans on with `hand_over`, which may block. To be spawned detached.
ExporterActor::behavior_type exporter_actor(ExporterActor::pointer self,
                                            std::function<Result<void>(const std::vector<SpanInfo>&)> hand_over);

} // namespace berth
