#include "actors/policy/select_spans.hpp"

#include "tests/support/catch.hpp"

using namespace berth;

namespace {

SpanInfo span(uint64_t id, uint64_t parent, TraceId trace, SpanKind kind, const std::string& name, const std::string& container = {}) {
  auto result = SpanInfo{};
  result.seq = id;
  result.id = id;
  result.parent = parent;
  result.trace = trace;
  result.kind = kind;
  result.name = name;
  result.to.kind = container.empty() ? "node" : "container";
  result.to.pool.value = container.empty() ? "" : "web";
  result.to.container.value = container;
  result.queued = {static_cast<int64_t>(id) * 1000};
  result.ended = {static_cast<int64_t>(id) * 2000};
  return result;
}

const auto launch = TraceId{1, 1};
const auto drain = TraceId{2, 2};

/// A launch of "a", and a drain that stops "a" and "b".
const auto spans = std::deque<SpanInfo>{
  span(1, 0, launch, SpanKind::request, "POST", "a"),
  span(2, 1, launch, SpanKind::message, "LaunchOrder"),
  span(3, 2, launch, SpanKind::message, "BeginLaunch", "a"),
  span(10, 0, drain, SpanKind::request, "DRAIN"),
  span(11, 10, drain, SpanKind::message, "DrainNode"),
  span(12, 11, drain, SpanKind::message, "StopContainer", "a"),
  span(13, 12, drain, SpanKind::message, "RecordContainer"),
  span(14, 11, drain, SpanKind::message, "StopContainer", "b"),
  span(15, 14, drain, SpanKind::message, "RecordContainer"),
};

std::vector<uint64_t> ids(const SpanFilter& filter) {
  auto result = std::vector<uint64_t>{};
  for (const auto& x : select_spans(spans, filter))
    result.push_back(x.id);
  return result;
}

} // namespace

TEST_CASE("a container has its own trace, and of others what led to it and what came of it", "[policy]") {
  auto filter = SpanFilter{};
  filter.container.value = "a";
  CHECK(ids(filter) == std::vector<uint64_t>{1, 2, 3, 10, 11, 12, 13});
  filter.container.value = "b";
  CHECK(ids(filter) == std::vector<uint64_t>{10, 11, 14, 15});
  filter.container.value = "c";
  CHECK(ids(filter).empty());
}

TEST_CASE("spans are picked by pool, trace, actor, message and time, all of them together", "[policy]") {
  struct Row {
    const char* what;
    SpanFilter filter;
    std::vector<uint64_t> expected;
  };
  auto with = [](auto set) {
    auto filter = SpanFilter{};
    set(filter);
    return filter;
  };
  auto rows = std::vector<Row>{
    {"everything", {}, {1, 2, 3, 10, 11, 12, 13, 14, 15}},
    {"pool", with([](auto& f) { f.pool.value = "web"; }), {1, 3, 12, 14}},
    {"trace", with([](auto& f) { f.trace = launch; }), {1, 2, 3}},
    {"kind of actor", with([](auto& f) { f.actor = "node"; }), {2, 10, 11, 13, 15}},
    {"message", with([](auto& f) { f.message = "RecordContainer"; }), {13, 15}},
    {"slow", with([](auto& f) { f.slow = std::chrono::nanoseconds{14'000}; }), {14, 15}},
    {"two of them", with([](auto& f) { f.message = "StopContainer"; f.container.value = "b"; }), {14}},
  };
  for (const auto& row : rows) {
    INFO(row.what);
    CHECK(ids(row.filter) == row.expected);
  }
}
