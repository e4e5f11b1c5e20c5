#pragma once

#include "actors/trace_recorder.hpp"
#include "tests/support/catch.hpp"

#include <algorithm>
#include <functional>
#include <string>
#include <vector>

namespace berth::test {

/// Records every message of this process while it lives.
class Recording {
public:
  Recording() {
    (void)trace_recorder().fetch();
    trace_recorder().set_mode(TracingMode::all);
  }

  ~Recording() {
    trace_recorder().set_mode(TracingMode::off);
    (void)trace_recorder().fetch();
  }

  Recording(const Recording&) = delete;
  Recording& operator=(const Recording&) = delete;

  /// The span of that name.
  RecordedSpan span(const std::string& name) {
    return find(name, [&](const RecordedSpan& span) { return span.name == name; });
  }

  /// The answer that belongs to this trace.
  RecordedSpan answer(TraceId trace) {
    return find("answer", [&](const RecordedSpan& span) { return span.kind == SpanKind::answer && span.point.trace == trace; });
  }

private:
  RecordedSpan find(const std::string& what, const std::function<bool(const RecordedSpan&)>& is_it) {
    auto news = trace_recorder().fetch();
    spans_.insert(spans_.end(), news.begin(), news.end());
    auto found = std::find_if(spans_.begin(), spans_.end(), is_it);
    INFO(what);
    REQUIRE(found != spans_.end());
    return *found;
  }

  std::vector<RecordedSpan> spans_;
};

} // namespace berth::test
