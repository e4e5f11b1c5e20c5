#include "actors/node_metrics.hpp"
#include "actors/policy/launch_outcome.hpp"
#include "tests/support/catch.hpp"

#include <limits>
#include <set>
#include <thread>

using namespace berth;
using namespace berth::metrics;
using namespace std::chrono_literals;

namespace {

bool has_line(const std::string& text, const std::string& line) {
  return ("\n" + text).find("\n" + line + "\n") != std::string::npos;
}

std::string one_sample(const Sample& sample) {
  auto text = render({{"a_total", "Help.", Type::counter, {sample}}});
  auto head = std::string{"# HELP a_total Help.\n# TYPE a_total counter\n"};
  REQUIRE(text.substr(0, head.size()) == head);
  return text.substr(head.size());
}

} // namespace

TEST_CASE("samples are written as the text format wants them", "[metrics]") {
  struct Row {
    const char* what;
    Sample sample;
    const char* wanted;
  };
  auto row = GENERATE(values<Row>({
    {"no labels", {{}, 3}, "a_total 3\n"},
    {"a label", {{{"pool", "web"}}, 3}, "a_total{pool=\"web\"} 3\n"},
    {"two labels", {{{"pool", "web"}, {"kind", "x"}}, 3}, "a_total{pool=\"web\",kind=\"x\"} 3\n"},
    {"an empty label", {{{"code", ""}}, 3}, "a_total{code=\"\"} 3\n"},
    {"quotes, backslashes and ends of lines", {{{"l", "a\"b\\c\nd"}}, 3}, "a_total{l=\"a\\\"b\\\\c\\nd\"} 3\n"},
    {"UTF-8", {{{"l", "größe"}}, 3}, "a_total{l=\"größe\"} 3\n"},
    {"a fraction", {{}, 0.1}, "a_total 0.1\n"},
    {"a large number", {{}, 9007199254740992.0}, "a_total 9007199254740992\n"},
    {"a number that needs an exponent", {{}, 1e300}, "a_total 1e+300\n"},
    {"infinity", {{}, std::numeric_limits<double>::infinity()}, "a_total +Inf\n"},
    {"no number", {{}, std::numeric_limits<double>::quiet_NaN()}, "a_total NaN\n"},
    {"a part of a histogram", {{{"le", "0.1"}}, 3, "_bucket"}, "a_total_bucket{le=\"0.1\"} 3\n"},
  }));
  INFO(row.what);
  CHECK(one_sample(row.sample) == row.wanted);
}

TEST_CASE("help texts are escaped, and a family without samples shows that it exists", "[metrics]") {
  CHECK(render({{"a", "One\\two\n\"three\"", Type::gauge, {}}}) == "# HELP a One\\\\two\\n\"three\"\n# TYPE a gauge\n");
}

TEST_CASE("a histogram has cumulative buckets, of which the last one is the count", "[metrics]") {
  auto registry = Registry{};
  auto& histogram = registry.histograms("t_seconds", "Time.", {"p"}, long_bounds()).with({"x"});
  histogram.observe(0ns);
  histogram.observe(1ms); // a bound is in its bucket
  histogram.observe(1ms + 1ns);
  histogram.observe(61s);
  histogram.observe(-5s); // a clock that goes back
  auto text = render(registry.gather());
  INFO(text);
  CHECK(has_line(text, "# TYPE t_seconds histogram"));
  CHECK(has_line(text, "t_seconds_bucket{p=\"x\",le=\"0.001\"} 3"));
  CHECK(has_line(text, "t_seconds_bucket{p=\"x\",le=\"0.002\"} 4"));
  CHECK(has_line(text, "t_seconds_bucket{p=\"x\",le=\"60\"} 4"));
  CHECK(has_line(text, "t_seconds_bucket{p=\"x\",le=\"+Inf\"} 5"));
  CHECK(has_line(text, "t_seconds_count{p=\"x\"} 5"));
  CHECK(text.find("t_seconds_sum{p=\"x\"} 61.002") != std::string::npos);
  CHECK(histogram.count() == 5);
}

TEST_CASE("the same labels are the same counter, and what is gathered is in the order of its names", "[metrics]") {
  auto registry = Registry{};
  auto& late = registry.counters("z_total", "Z.", {"pool"});
  registry.gauges("a", "A.").with({}).set(-4);
  late.with({"y"}).add();
  late.with({"x"}).add(2);
  CHECK(&late.with({"x"}) == &late.with({"x"}));
  registry.collect("m", "M.", Type::gauge, [] { return std::vector<Sample>{{{{"kind", "event"}}, 7}}; });
  CHECK(render(registry.gather())
        == "# HELP a A.\n# TYPE a gauge\na -4\n"
           "# HELP m M.\n# TYPE m gauge\nm{kind=\"event\"} 7\n"
           "# HELP z_total Z.\n# TYPE z_total counter\nz_total{pool=\"x\"} 2\nz_total{pool=\"y\"} 1\n");
}

TEST_CASE("nothing is lost when threads count at once, and find their counters meanwhile", "[metrics]") {
  constexpr auto threads = 4;
  constexpr auto each = 20'000;
  auto registry = Registry{};
  auto& counters = registry.counters("c_total", "C.", {"l"});
  auto& histogram = registry.histograms("h_seconds", "H.", {}, short_bounds()).with({});
  auto all = std::vector<std::thread>{};
  for (auto t = 0; t < threads; ++t)
    all.emplace_back([&] {
      for (auto i = 0; i < each; ++i) {
        counters.with({std::to_string(i % 8)}).add();
        histogram.observe(std::chrono::microseconds{i});
        if (i % 1000 == 0)
          (void) registry.gather();
      }
    });
  for (auto& thread : all)
    thread.join();
  auto sum = uint64_t{0};
  for (auto i = 0; i < 8; ++i)
    sum += counters.with({std::to_string(i)}).value();
  CHECK(sum == threads * each);
  CHECK(histogram.count() == threads * each);
}

TEST_CASE("launches are counted by what became of them", "[metrics]") {
  auto node = NodeMetrics{};
  node.launch_ran({"web"}, RuntimeKind::gvisor, 20ms);
  node.launch_did_not_run({"web"}, {}, ec::limit_reached);
  node.launch_did_not_run({"web"}, RuntimeKind::runc, ec::runtime_failed);
  node.launch_did_not_run({"web"}, RuntimeKind::runc, ec::runtime_failed);
  node.launch_did_not_run({"web"}, {}, ec::cancelled);
  auto gpu = Selection{};
  gpu.reason = SelectionReason::gpu;
  node.selected({"web"}, gpu, ec::internal);
  auto fallback = Selection{};
  fallback.reason = SelectionReason::fallback;
  node.selected({"web"}, fallback, ec::platform_failed);
  node.selected({"web"}, Selection{}, ec::internal);
  auto text = render(node.registry().gather());
  INFO(text);
  CHECK(has_line(text, R"(berth_launches_total{pool="web",runtime="gvisor",outcome="ran",code=""} 1)"));
  CHECK(has_line(text, R"(berth_launches_total{pool="web",runtime="none",outcome="refused",code="limit_reached"} 1)"));
  CHECK(has_line(text, R"(berth_launches_total{pool="web",runtime="runc",outcome="failed",code="runtime_failed"} 2)"));
  CHECK(has_line(text, R"(berth_launches_total{pool="web",runtime="none",outcome="cancelled",code="cancelled"} 1)"));
  CHECK(has_line(text, R"(berth_launch_duration_seconds_bucket{pool="web",runtime="gvisor",le="0.025"} 1)"));
  CHECK(has_line(text, R"(berth_runtime_overrides_total{pool="web",reason="gpu"} 1)"));
  CHECK(has_line(text, R"(berth_runtime_fallbacks_total{pool="web",reason="platform_failed"} 1)"));
  // The first death is an increase.
  CHECK(has_line(text, R"(berth_actor_restarts_total{kind="container"} 0)"));
}

TEST_CASE("names of metrics keep the conventions of Prometheus", "[metrics]") {
  auto node = NodeMetrics{};
  (void) node.launches({"web"}, RuntimeKind::runc);
  auto seen = std::set<std::string>{};
  for (const auto& family : node.registry().gather()) {
    INFO(family.name);
    CHECK(seen.insert(family.name).second);
    CHECK(family.name.starts_with("berth_"));
    CHECK(family.name.ends_with("_total") == (family.type == Type::counter));
    CHECK((family.type != Type::histogram || family.name.ends_with("_seconds")));
    CHECK(family.help.ends_with("."));
    // Ids of containers have no bound.
    for (const auto& sample : family.samples)
      for (const auto& [label, value] : sample.labels)
        CHECK((label != "container" && label != "container_id" && label != "id"));
  }
}

TEST_CASE("every error has an outcome, and only a cancellation is one", "[metrics]") {
  for (auto code = static_cast<uint8_t>(ec::bad_request); code <= static_cast<uint8_t>(ec::internal); ++code)
    CHECK((outcome_of(static_cast<ec>(code)) == LaunchOutcome::cancelled) == (static_cast<ec>(code) == ec::cancelled));
  CHECK(outcome_of(ec::queue_timeout) == LaunchOutcome::refused);
  CHECK(outcome_of(ec::draining) == LaunchOutcome::refused);
  CHECK(outcome_of(ec::command_not_found) == LaunchOutcome::failed);
}
