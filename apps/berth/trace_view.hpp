#pragma once

#include "apps/berth/failure.hpp"
#include "messages/span.hpp"

#include <chrono>
#include <string>
#include <string_view>
#include <vector>

namespace berth::cli {

/// What `GET /v1/trace` gives.
struct TraceView {
  std::vector<SpanInfo> spans;
  uint64_t missed = 0;
};

Answer<TraceView> read_trace(std::string_view json);

/// A line of the stream of spans; `missed` is not 0 for a gap, which has no span.
Answer<TraceView> read_trace_line(std::string_view line);

/// Spans of one trace as a tree.
struct TraceTree {
  struct Node {
    const SpanInfo* span = nullptr;
    size_t depth = 0;
  };

  TraceId trace;
  /// Depth first, children in the order in which they were sent. Spans whose cause is not there begin at depth 0.
  std::vector<Node> nodes;
  /// How many begin there.
  size_t roots = 0;
  Timestamp begin;
  Timestamp end;
  /// The longest time that something waited, or was waited for, and in which span; null if nothing did.
  const SpanInfo* longest = nullptr;
  std::chrono::nanoseconds longest_wait{0};
  /// Part of the request's time in which some message or work of it was under way: from 0 to 1. Negative if there is no request.
  double explained = -1;
};

/// One tree for each trace, in the order of their beginnings. The spans outlive the trees.
std::vector<TraceTree> make_trees(const std::vector<SpanInfo>& spans);

/// For people: a tree with times for each trace.
std::string to_text(const std::vector<TraceTree>& trees, bool in_colour);

/// For people: one span on one line.
std::string to_line(const SpanInfo& span);

/// For ui.perfetto.dev and chrome://tracing: JSON of the Trace Event Format.
std::string to_perfetto(const std::vector<SpanInfo>& spans);

} // namespace berth::cli
