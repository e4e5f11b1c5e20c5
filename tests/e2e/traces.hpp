#pragma once

#include "tests/e2e/nodes.hpp"

#include <map>
#include <set>

namespace berth::test {

/// A span as the API tells it, with its times as nanoseconds of the wall clock.
struct TracedSpan {
  Json json;
  std::string trace;
  std::string id;
  std::string parent;
  std::string kind;
  std::string name;
  int64_t queued = 0;
  int64_t began = 0;
  int64_t ended = 0;
};

/// What `berth trace ARGS -o json` tells.
std::vector<TracedSpan> spans_of(const TestNode& node, Argv args);

/// By trace id.
std::map<std::string, std::vector<TracedSpan>> by_trace(const std::vector<TracedSpan>& spans);

/// What is wrong with the spans of one trace as a tree: empty if there is one beginning, every cause is there, and nothing was
/// sent before what led to it began.
std::string fault_of_tree(const std::vector<TracedSpan>& spans);

/// Part of the request's time that messages and work of its trace cover, as intervals: from 0 to 1.
double explained(const std::vector<TracedSpan>& spans);

/// Where the longest time is that nothing covers: for the messages of failures.
std::string longest_gap(const std::vector<TracedSpan>& spans);

/// The first span of this name; null if there is none.
const TracedSpan* find_span(const std::vector<TracedSpan>& spans, const std::string& name);

} // namespace berth::test
