#include "apps/berth/actor_view.hpp"
#include "apps/berth/trace_view.hpp"

#include "tests/support/catch.hpp"

#include <nlohmann/json.hpp>

#include <cmath>

using namespace berth;
using namespace berth::cli;
using Json = nlohmann::json;

namespace {

constexpr int64_t ms = 1'000'000;
const auto trace = TraceId{1, 2};
const auto start = int64_t{1'700'000'000'000'000'000};

SpanInfo span(uint64_t id, uint64_t parent, SpanKind kind, const std::string& name, int64_t queued, int64_t began, int64_t ended) {
  auto result = SpanInfo{};
  result.trace = trace;
  result.id = id;
  result.parent = parent;
  result.kind = kind;
  result.name = name;
  result.to = {"container", id, {"web"}, {"a"}};
  result.queued = {start + queued * ms};
  result.began = {start + began * ms};
  result.ended = {start + ended * ms};
  return result;
}

/// A request of 100 ms with 10 ms that nothing explains.
std::vector<SpanInfo> launch() {
  auto spans = std::vector<SpanInfo>{
    span(4, 3, SpanKind::work, "runc create", 12, 12, 80),
    span(2, 1, SpanKind::message, "LaunchOrder", 0, 2, 3),
    span(3, 2, SpanKind::message, "BeginLaunch", 3, 10, 12),
    span(5, 2, SpanKind::answer, "error", 90, 95, 100),
    span(1, 0, SpanKind::request, "POST /v1/containers", 0, 0, 100),
  };
  spans[3].outcome = SpanOutcome::failed;
  spans[3].code = "runtime_failed";
  return spans;
}

} // namespace

TEST_CASE("spans become a tree that names the longest wait and says what it explains", "[cli]") {
  auto spans = launch();
  auto trees = make_trees(spans);
  REQUIRE(trees.size() == 1);
  const auto& tree = trees[0];
  auto order = std::vector<std::pair<uint64_t, size_t>>{};
  for (const auto& node : tree.nodes)
    order.emplace_back(node.span->id, node.depth);
  CHECK(order == std::vector<std::pair<uint64_t, size_t>>{{1, 0}, {2, 1}, {3, 2}, {4, 3}, {5, 2}});
  CHECK(tree.roots == 1);
  REQUIRE(tree.longest != nullptr);
  CHECK(tree.longest->name == "runc create");
  CHECK(tree.longest_wait == std::chrono::milliseconds{68});
  CHECK(std::abs(tree.explained - 0.9) < 1e-6);
  auto text = to_text(trees, false);
  INFO(text);
  CHECK(text.find("longest wait: 68 ms in runc create") != std::string::npos);
  CHECK(text.find("explained: 90.0% of the request's time\n") != std::string::npos);
  CHECK(text.find("      3.000      7.000      2.000      container a <- BeginLaunch\n") != std::string::npos);
  CHECK(text.find("     12.000          -     68.000        runc create  (container a)  <- longest wait\n") != std::string::npos);
  CHECK(text.find("error  runtime_failed") != std::string::npos);
}

TEST_CASE("the longest wait is told of the part that it consists of", "[cli]") {
  auto spans = launch();
  spans.push_back(span(6, 4, SpanKind::work, "the part", 20, 20, 60));
  auto trees = make_trees(spans);
  REQUIRE(trees[0].longest != nullptr);
  CHECK(trees[0].longest->name == "the part");
}

TEST_CASE("spans whose cause is gone begin a tree of their own", "[cli]") {
  auto spans = launch();
  spans.erase(spans.begin() + 1);
  auto trees = make_trees(spans);
  REQUIRE(trees.size() == 1);
  CHECK(trees[0].roots == 3);
  CHECK(trees[0].nodes.size() == 4);
  CHECK(to_text(trees, false).find("3 beginnings") != std::string::npos);
  CHECK(make_trees({}).empty());
}

TEST_CASE("a cause that is its own consequence ends no program", "[cli]") {
  auto spans = std::vector<SpanInfo>{span(1, 1, SpanKind::message, "a", 0, 0, 1), span(2, 3, SpanKind::message, "b", 0, 0, 1),
                                     span(3, 2, SpanKind::message, "c", 0, 0, 1)};
  CHECK(make_trees(spans).size() == 1);
  CHECK_FALSE(to_perfetto(spans).empty());
}

TEST_CASE("what the daemon tells of spans is read back", "[cli]") {
  auto json = R"({"cursor":7,"missed":2,"spans":[{"seq":5,"traceId":"00000000000000010000000000000002","spanId":"00000000000000ff",
    "parentSpanId":"","kind":"answer","name":"Selection","from":{"kind":"selector","actor":4,"pool":"web","container":""},
    "to":{"kind":"pool","actor":3,"pool":"web","container":""},"queuedAt":"2026-01-02T03:04:05.000000001Z",
    "beganAt":"2026-01-02T03:04:05.000000002Z","endedAt":"2026-01-02T03:04:05.000000003Z","waitNs":1,"workNs":1,
    "outcome":"failed","code":"override_denied"}]})";
  auto view = read_trace(json);
  REQUIRE(view);
  CHECK(view->missed == 2);
  REQUIRE(view->spans.size() == 1);
  const auto& read = view->spans[0];
  CHECK(read.trace == TraceId{1, 2});
  CHECK(read.id == 255);
  CHECK(read.parent == 0);
  CHECK(read.kind == SpanKind::answer);
  CHECK(read.outcome == SpanOutcome::failed);
  CHECK(read.from.kind == "selector");
  CHECK(read.to.number == 3);
  CHECK(read.ended.ns - read.queued.ns == 2);
  for (auto bad : {"", "[]", "{}", "{\"spans\":7}", "nonsense"})
    CHECK_FALSE(read_trace(bad));
  CHECK(read_trace_line(R"({"type":"gap","missed":9})")->missed == 9);
  CHECK_FALSE(read_trace_line("{}"));
}

TEST_CASE("the file for Perfetto follows the Trace Event Format", "[cli]") {
  auto file = Json::parse(to_perfetto(launch()));
  REQUIRE(file["traceEvents"].is_array());
  auto phases = std::map<std::string, int>{};
  for (const auto& event : file["traceEvents"]) {
    auto phase = event["ph"].get<std::string>();
    ++phases[phase];
    CHECK(event["pid"].is_number_integer());
    CHECK(event["tid"].is_number_integer());
    CHECK(event["name"].is_string());
    if (phase == "M") {
      CHECK(event["args"]["name"].is_string());
      continue;
    }
    CHECK(event["ts"].is_number());
    CHECK(event["cat"].is_string());
    if (phase == "X")
      CHECK(event["dur"].is_number());
    if (phase != "X")
      CHECK(event["id"].is_string());
  }
  // Three messages; a request and a piece of work, each with beginning and end; arrows of the messages whose cause is an actor.
  CHECK(phases["X"] == 3);
  CHECK(phases["b"] == 2);
  CHECK(phases["e"] == 2);
  CHECK(phases["s"] == phases["f"]);
  CHECK(phases["s"] >= 2);
}

TEST_CASE("actors are shown by what they did since the last look, the busiest first", "[cli]") {
  auto json = [](int handled, int64_t busy) {
    return R"([{"actor":1,"kind":"node","pool":"","container":"","detail":"","state":"idle","mailbox":0,"handled":)"
           + std::to_string(handled) + R"(,"busyNs":)" + std::to_string(busy)
           + R"(,"restarts":0},{"actor":2,"kind":"container","pool":"web","container":"a","detail":"","state":"running","mailbox":3,"handled":10,"busyNs":100,"restarts":1}])";
  };
  auto before = read_actors(json(100, 1'000'000));
  auto now = read_actors(json(300, 501'000'000));
  REQUIRE(before);
  REQUIRE(now);
  auto list = paces(*before, *now, std::chrono::seconds{2});
  REQUIRE(list.size() == 2);
  CHECK(list[0].now.kind == "node");
  CHECK(std::abs(list[0].rate - 100) < 1e-6);
  CHECK(std::abs(list[0].load - 0.25) < 1e-6);
  CHECK(std::abs(list[1].load) < 1e-6);
  auto table = actor_table(*now, false);
  CHECK(table.find("running") != std::string::npos);
  CHECK_FALSE(read_actors("{}"));
  CHECK_FALSE(describe_actor("[]", false));
}
