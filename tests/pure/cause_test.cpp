#include "messages/cause.hpp"

#include "tests/support/catch.hpp"

#include <set>

using namespace berth;

TEST_CASE("a traceparent is read as W3C Trace Context says, and everything else is ignored", "[trace]") {
  const auto trace = std::string{"4bf92f3577b34da6a3ce929d0e0e4736"};
  const auto span = std::string{"00f067aa0ba902b7"};
  struct Row {
    const char* what;
    std::string text;
    bool is_read;
    bool is_recorded;
  };
  auto row = GENERATE_COPY(values<Row>({
    {"sampled", "00-" + trace + "-" + span + "-01", true, true},
    {"not sampled", "00-" + trace + "-" + span + "-00", true, false},
    {"flags that are not known yet", "00-" + trace + "-" + span + "-03", true, true},
    {"a later version with more in it", "cc-" + trace + "-" + span + "-01-what-the-future", true, true},
    {"version 00 with more in it", "00-" + trace + "-" + span + "-01-more", false, false},
    {"a later version whose rest is not set apart", "cc-" + trace + "-" + span + "-01.more", false, false},
    {"version ff", "ff-" + trace + "-" + span + "-01", false, false},
    {"no trace", "00-" + std::string(32, '0') + "-" + span + "-01", false, false},
    {"no span", "00-" + trace + "-" + std::string(16, '0') + "-01", false, false},
    {"capitals", "00-4BF92F3577B34DA6A3CE929D0E0E4736-" + span + "-01", false, false},
    {"too short", "00-" + trace + "-" + span + "-0", false, false},
    {"wrong dashes", "00_" + trace + "_" + span + "_01", false, false},
    {"no digits", "00-" + std::string(32, 'g') + "-" + span + "-01", false, false},
    {"nothing", "", false, false},
  }));
  INFO(row.what);
  auto point = parse_traceparent(row.text);
  REQUIRE(point.has_value() == row.is_read);
  if (!point)
    return;
  CHECK(to_string(point->trace) == trace);
  CHECK(point->is_recorded == row.is_recorded);
  CHECK(parse_traceparent(to_traceparent(*point)) == point);
}

TEST_CASE("ids of traces and spans do not come twice", "[trace]") {
  auto traces = std::set<TraceId>{};
  auto spans = std::set<uint64_t>{};
  for (auto i = 0; i < 10'000; ++i) {
    traces.insert(make_trace_id());
    spans.insert(make_span_id());
  }
  CHECK(traces.size() == 10'000);
  CHECK(spans.size() == 10'000);
  CHECK(traces.count(TraceId{}) == 0);
}

TEST_CASE("a message is caused by what its thread is at, until the end of the scope", "[trace]") {
  CHECK(Cause{} == TracePoint{});
  auto point = TracePoint{{1, 2}, 3, true};
  {
    auto scope = OnBehalfOf{point};
    CHECK(Cause{} == point);
    {
      auto inner = OnBehalfOf{TracePoint{{4, 5}, 6, false}};
      CHECK(Cause{}.trace == TraceId{4, 5});
    }
    CHECK(Cause{} == point);
  }
  CHECK(Cause{} == TracePoint{});
}
