#include "tests/e2e/load.hpp"
#include "tests/e2e/traces.hpp"

#include "messages/cause.hpp"
#include "runtimes/timestamp.hpp"

#include <fstream>
#include <thread>

#include <httplib.h>

using namespace berth;
using namespace berth::test;
using namespace std::chrono_literals;

namespace {

std::string two_pools(const std::string& node = {}) {
  return config_of("  pools:\n    plain: {}\n    box:\n      runtime: gvisor\n      " + gvisor_config() + "\n",
                   patient_probe() + node);
}

constexpr auto record_all = "  tracing: {mode: all, maxSpans: 500000, maxRate: 100000}\n";

/// The spans of a container's own trace, once those of its end are there.
std::vector<TracedSpan> story_of(const TestNode& node, const std::string& id, const std::string& last) {
  auto spans = std::vector<TracedSpan>{};
  eventually(20s, [&] {
    spans = spans_of(node, {id});
    return find_span(spans, last) != nullptr;
  });
  return spans;
}

/// When an event of a container happened.
int64_t time_of(const std::vector<Json>& events, const std::string& type) {
  for (const auto& event : events)
    if (event["type"] == type)
      return parse_timestamp(event["time"].get<std::string>())->ns;
  FAIL("no event " << type);
  return 0;
}

/// An HTTP collector in this process, which keeps what it gets.
class Collector {
public:
  Collector() {
    server_.Post("/v1/traces", [this](const httplib::Request& request, httplib::Response& response) {
      auto guard = std::lock_guard{mutex_};
      bodies_.push_back(request.body);
      response.status = 200;
      response.set_content("{}", "application/json");
    });
    port_ = server_.bind_to_any_port("127.0.0.1");
    thread_ = std::thread{[this] { server_.listen_after_bind(); }};
  }

  ~Collector() {
    server_.stop();
    thread_.join();
  }

  int port() const {
    return port_;
  }

  /// All spans so far.
  std::vector<Json> spans() {
    auto result = std::vector<Json>{};
    auto guard = std::lock_guard{mutex_};
    for (const auto& body : bodies_) {
      auto request = Json::parse(body);
      for (const auto& resource : request.at("resourceSpans"))
        for (const auto& scope : resource.at("scopeSpans"))
          for (const auto& span : scope.at("spans"))
            result.push_back(span);
    }
    return result;
  }

private:
  httplib::Server server_;
  int port_ = 0;
  std::thread thread_;
  std::mutex mutex_;
  std::vector<std::string> bodies_; // guarded by mutex_
};

} // namespace

TEST_CASE("the trace of every launch is one tree that explains its time, on both runtimes", "[trace]") {
  BERTH_NEEDS_GVISOR();
  auto count = count_from_env("BERTH_TEST_TRACED_LAUNCHES", 200, 20);
  auto node = TestNode{two_pools(record_all)};
  for (auto* pool : {"plain", "box"})
    in_parallel(count / 2, 2, [&](int) { node.run(pool, {"-d"}, {"/bin/true"}, 120s); });
  auto launches = std::map<std::string, std::vector<TracedSpan>>{};
  for (auto& container : node.query({"ps", "-a"})) {
    auto id = container["id"].get<std::string>();
    auto trace = container["traceId"].get<std::string>();
    node.events_until(id, "container.exited");
    auto spans = story_of(node, id, container["runtime"] == "runc" ? "runc delete" : "runsc delete");
    std::erase_if(spans, [&](const auto& span) { return span.trace != trace; });
    launches[id] = std::move(spans);
  }
  REQUIRE(launches.size() == static_cast<size_t>(count / 2 * 2));
  auto worst = 1.0;
  for (const auto& [id, spans] : launches) {
    INFO(id << ": " << longest_gap(spans));
    CHECK(fault_of_tree(spans) == "");
    auto part = explained(spans);
    worst = std::min(worst, part);
    CHECK(part >= 0.99);
    // From the request to the clean-up, by the names of who did it.
    for (auto* name : {"POST /v1/containers", "LaunchOrder", "LaunchNeeds", "BeginLaunch", "TakeStartSlot", "StartMonitor",
                       "journal: write", "WatchOom", "MonitorPacket", "FinishOom"}) {
      INFO(name);
      CHECK(find_span(spans, name) != nullptr);
    }
  }
  std::printf("%zu launches, least explained: %.2f%%\n", launches.size(), 100 * worst);
  auto state = node.query({"trace", "--status"});
  CHECK(state["dropped"] == 0);
  CHECK(state["refused"] == 0);
}

TEST_CASE("a launch that asks for it is recorded from the request to its removal, and others are not", "[trace]") {
  BERTH_NEEDS_RUNC();
  auto node = TestNode{plain_config()};
  node.start("plain", {"--id", "quiet"}, {"/bin/true"});
  node.start("plain", {"--id", "told", "--trace"}, {"/bin/true"});
  node.events_until("told", "container.exited");
  CHECK(node.berth({"rm", "told", "quiet"}).code == 0);
  auto spans = story_of(node, "told", "ContainerRemoved");
  CHECK(find_span(spans, "ContainerRemoved") != nullptr);
  CHECK(fault_of_tree(by_trace(spans).begin()->second) == "");
  CHECK(spans_of(node, {"quiet"}).empty());
  auto text = node.berth({"trace", "told"});
  CHECK(text.code == 0);
  CHECK(contains(text.out, "POST /v1/containers"));
  CHECK(contains(text.out, "container told <- ContainerTimeout") == (find_span(spans, "ContainerTimeout") != nullptr));
  CHECK(contains(text.out, "<- longest wait"));
  auto none = node.berth({"trace", "quiet"});
  CHECK(none.code == 1);
  CHECK(contains(none.err, "nothing is recorded"));
}

TEST_CASE("the trace of an OOM kill, of an override and of a launch in the queue tell what happened", "[trace]") {
  BERTH_NEEDS_GVISOR();
  auto node = TestNode{config_of("  pools:\n    plain: {maxContainers: 2, queue: {length: 4}}\n    box:\n      runtime: gvisor\n      "
                                   + gvisor_config() + "\n",
                                 patient_probe() + record_all)};
  SECTION("OOM") {
    auto eater = node.run("plain", {"--id", "eater", "--memory", "64M"}, {"/bin/inside", "eat"}, 60s);
    CHECK(eater.code == 137);
    auto events = node.events_until("eater", "container.exited");
    auto spans = story_of(node, "eater", "OomSummary");
    auto* kill = find_span(spans, "OomKill");
    REQUIRE(kill != nullptr);
    CHECK(kill->json["from"]["kind"] == "oom");
    CHECK(kill->json["to"]["container"] == "eater");
    // Told by OOM before the container tells it, and that before the exit.
    CHECK(kill->queued <= time_of(events, "container.exited"));
    auto* summary = find_span(spans, "OomSummary");
    REQUIRE(summary != nullptr);
    CHECK(kill->ended <= summary->ended);
    for (const auto& [trace, members] : by_trace(spans))
      CHECK(fault_of_tree(members) == "");
  }
  SECTION("override") {
    node.start("box", {"--id", "gpu", "--gpu", "1"}, {"/bin/true"});
    node.events_until("gpu", "container.exited");
    auto spans = story_of(node, "gpu", "runc delete");
    // The selector was asked, and what ran was runc although the pool is gVisor's.
    CHECK(find_span(spans, "SelectionTrail") != nullptr);
    CHECK(find_span(spans, "runc create") != nullptr);
    CHECK(find_span(spans, "runsc create") == nullptr);
  }
  SECTION("queue") {
    node.start("plain", {"--id", "first"}, shell("sleep 60"));
    node.start("plain", {"--id", "second"}, shell("sleep 60"));
    auto waiting = node.berth_beside(TestNode::run_arguments("plain", {"--id", "third", "-d"}, {"/bin/true"}));
    eventually(10s, [&] { return pool_of(node, "plain")["queued"] == 1; });
    CHECK(node.berth({"kill", "first"}).code == 0);
    node.events_until("third", "container.exited");
    auto spans = story_of(node, "third", "runc delete");
    auto* wait = find_span(spans, "pool: waits for a place");
    REQUIRE(wait != nullptr);
    // It is the launch's own trace, although the end of another container let it go on.
    auto trace = node.inspect("third")["traceId"].get<std::string>();
    CHECK(wait->trace == trace);
    CHECK(fault_of_tree(by_trace(spans)[trace]) == "");
    CHECK(explained(by_trace(spans)[trace]) >= 0.99);
  }
  SECTION("refusal") {
    CHECK(node.run("box", {"--id", "refused"}, {"/bin/no-such-program"}).code == 127);
    auto spans = spans_of(node, {"--message", "POST /v1/containers"});
    REQUIRE(spans.size() == 1);
    CHECK(spans[0].json["outcome"] == "failed");
    CHECK(spans[0].json["code"] == "command_not_found");
    CHECK(node.run("plain", {"--id", "refused-too"}, {"/bin/no-such-program"}).code == 127);
    // What the monitor tells of a launch that fails belongs to it as well.
    for (const auto& request : spans_of(node, {"--message", "POST /v1/containers"})) {
      auto all = spans_of(node, {"--trace", request.trace});
      CHECK(find_span(all, "monitor: create the container") != nullptr);
      CHECK(fault_of_tree(all) == "");
    }
  }
}

TEST_CASE("the trace of a swap under load is what happened to each pool", "[trace]") {
  BERTH_NEEDS_GVISOR();
  auto node = TestNode{two_pools(record_all)};
  auto load = std::jthread{[&] { in_parallel(12, 3, [&](int) { node.run("plain", {"--rm"}, {"/bin/true"}, 60s); }); }};
  auto config = two_pools(record_all);
  config.replace(config.find("plain: {}"), 9, "plain: {maxContainers: 50}");
  auto path = node.root() + "/next.yaml";
  std::ofstream{path} << config;
  auto receipt = node.query({"apply", "-f", path});
  load.join();
  auto spans = spans_of(node, {"--message", "POST /v1/apply"});
  REQUIRE(spans.size() == 1);
  auto all = spans_of(node, {"--trace", spans[0].trace});
  CHECK(fault_of_tree(all) == "");
  for (auto* name : {"ApplyConfig", "PrepareGeneration", "PreparedGeneration", "RecordRevision", "CommitGeneration", "PoolReceipt"}) {
    INFO(name);
    auto* span = find_span(all, name);
    REQUIRE(span != nullptr);
    CHECK(span->json["outcome"] == "ok");
  }
  // Only the pool that was changed, and the phases in their order.
  CHECK(find_span(all, "PrepareGeneration")->json["to"]["pool"] == "plain");
  CHECK(find_span(all, "PreparedGeneration")->ended <= find_span(all, "CommitGeneration")->queued);
  CHECK(receipt["pools"].size() == 1);
}

TEST_CASE("a client's own trace goes on in the daemon and, if asked, in the container", "[trace]") {
  BERTH_NEEDS_RUNC();
  auto node = TestNode{plain_config()};
  auto trace = TracePoint{make_trace_id(), make_span_id(), true};
  auto body = Json{{"pool", "plain"}, {"id", "mine"}, {"rootfs", test_rootfs()}, {"args", {"/bin/sh", "-c", "echo $TRACEPARENT"}}, {"passTrace", true}};
  auto request_text = http_request("POST", "/v1/containers", body.dump());
  request_text.insert(request_text.find("\r\n") + 2, "traceparent: " + to_traceparent(trace) + "\r\n");
  auto connection = RawConnection{node.socket()};
  REQUIRE(connection.send(request_text));
  REQUIRE(connection.read_to_end(60s));
  auto answer = parse_answer(connection.received());
  REQUIRE(answer.status == 201);
  CHECK(Json::parse(answer.body)["traceId"] == to_string(trace.trace));
  node.events_until("mine", "container.exited");
  auto spans = story_of(node, "mine", "runc delete");
  auto* request = find_span(spans, "POST /v1/containers");
  REQUIRE(request != nullptr);
  CHECK(request->trace == to_string(trace.trace));
  CHECK("00-" + request->trace + "-" + request->parent + "-01" == to_traceparent(trace));
  // Lines of the log are found by it, those of a launch that is not recorded as well.
  CHECK(node.logs({"selected runtime for container", "trace_id=" + request->trace}));
  CHECK(node.logs({"container running", "container_id=mine", "trace_id=" + request->trace}));
  auto other = node.start("plain", {"--id", "other"}, {"/bin/true"});
  CHECK(node.logs({"container running", "trace_id=" + node.inspect(other)["traceId"].get<std::string>()}));
  auto printed = node.berth({"logs", "mine"}).out;
  REQUIRE(printed.size() > 50);
  auto passed = parse_traceparent(printed.substr(0, printed.find('\n')));
  REQUIRE(passed);
  CHECK(passed->trace == trace.trace);
  CHECK(to_string(TraceId{0, passed->span}).substr(16) == request->id);
}

TEST_CASE("recording can be switched while the node works, and is bounded", "[trace]") {
  BERTH_NEEDS_RUNC();
  auto node = TestNode{plain_config("  tracing: {mode: off, maxSpans: 200}\n")};
  node.start("plain", {"--id", "dark", "--trace"}, {"/bin/true"});
  CHECK(spans_of(node, {"dark"}).empty());
  CHECK(node.query({"trace", "--record", "all"})["mode"] == "all");
  for (auto i = 0; i < 8; ++i)
    node.run("plain", {"--rm"}, {"/bin/true"});
  auto state = node.query({"trace", "--status"});
  CHECK(state["kept"] <= 200);
  CHECK(state["recorded"] > 200);
  CHECK(node.query({"trace", "--record", "off"})["mode"] == "off");
  auto recorded = node.query({"trace", "--status"})["recorded"].get<uint64_t>();
  node.run("plain", {"--rm"}, {"/bin/true"});
  CHECK(node.query({"trace", "--status"})["recorded"] <= recorded + 100);
  CHECK(node.berth({"trace", "--record", "everything"}).code == 2);
  CHECK(node.berth({"trace"}).code == 2);
}

TEST_CASE("a scrape is not recorded, nor what it asks of others", "[trace]") {
  auto node = TestNode{plain_config(record_all)};
  // Others have asked for the same already, such as who waited until the node was ready.
  auto asked = [&](const char* message) { return spans_of(node, {"--message", message}).size(); };
  auto before = std::vector{asked("FindPools"), asked("DescribePool")};
  for (auto i = 0; i < 3; ++i)
    CHECK(http(node.socket(), "GET", "/metrics").status == 200);
  CHECK(asked("GET /metrics") == 0);
  CHECK(std::vector{asked("FindPools"), asked("DescribePool")} == before);
  CHECK(http(node.socket(), "GET", "/v1/pools").status == 200);
  CHECK(asked("DescribePool") > before[1]);
}

TEST_CASE("spans are told to followers as they come, picked by pool, actor, message and time", "[trace]") {
  BERTH_NEEDS_RUNC();
  auto node = TestNode{plain_config(record_all)};
  auto follower = node.berth_beside({"trace", "--pool", "plain", "--follow", "-o", "json"});
  node.run("plain", {"--rm", "--id", "seen"}, {"/bin/true"});
  eventually(10s, [&] { return contains(follower->out(), "ContainerEnded"); });
  for (const auto& line : lines_of(follower->out()))
    if (auto span = Json::parse(line, nullptr, false); span.is_object())
      CHECK((span["to"]["pool"] == "plain" || span["from"]["pool"] == "plain"));
  follower->signal(SIGTERM);
  for (const auto& span : spans_of(node, {"--actor", "journal"}))
    CHECK((span.json["to"]["kind"] == "journal" || span.json["from"]["kind"] == "journal"));
  auto slow = spans_of(node, {"--slow", "5ms"});
  CHECK_FALSE(slow.empty());
  for (const auto& span : slow)
    CHECK(span.ended - span.queued >= 5'000'000);
}

TEST_CASE("a collector gets the spans as OTLP, and its absence costs nobody else anything", "[trace]") {
  BERTH_NEEDS_RUNC();
  auto collector = std::make_unique<Collector>();
  auto port = std::to_string(collector->port());
  auto node = TestNode{plain_config("  tracing: {mode: all, otlp: \"http://127.0.0.1:" + port + "\"}\n")};
  node.start("plain", {"--id", "sent"}, {"/bin/true"});
  node.events_until("sent", "container.exited");
  auto trace = node.inspect("sent")["traceId"].get<std::string>();
  auto of_launch = std::map<std::string, Json>{};
  eventually(20s, [&] {
    for (const auto& span : collector->spans())
      if (span["traceId"] == trace)
        of_launch[span["spanId"]] = span;
    return std::any_of(of_launch.begin(), of_launch.end(), [](const auto& x) { return x.second["name"] == "runc delete"; });
  });
  // The same spans as the daemon tells itself.
  auto told = spans_of(node, {"--trace", trace});
  REQUIRE(of_launch.size() >= told.size() / 2);
  for (const auto& span : told) {
    auto sent = of_launch.find(span.id);
    if (sent == of_launch.end())
      continue;
    CHECK(sent->second["name"] == span.name);
    CHECK(sent->second["startTimeUnixNano"] == std::to_string(span.queued));
    CHECK(sent->second["endTimeUnixNano"] == std::to_string(span.ended));
    CHECK(sent->second.value("parentSpanId", "") == span.parent);
  }
  collector.reset();
  auto run = node.run("plain", {"--rm"}, {"/bin/true"});
  CHECK(run.code == 0);
  CHECK(node.logs({"collector does not take spans"}, 60s));
  CHECK(node.query({"trace", "--status"})["exportLost"] > 0);
}

TEST_CASE("the file for Perfetto has a track for each actor and an arrow for each message", "[trace]") {
  BERTH_NEEDS_RUNC();
  auto node = TestNode{plain_config(record_all)};
  node.start("plain", {"--id", "drawn"}, {"/bin/true"});
  node.events_until("drawn", "container.exited");
  auto spans = story_of(node, "drawn", "runc delete");
  auto file = Json::parse(node.berth({"trace", "drawn", "-o", "perfetto"}).out);
  auto phases = std::map<std::string, size_t>{};
  auto tracks = std::set<uint64_t>{};
  for (const auto& event : file["traceEvents"]) {
    ++phases[event["ph"]];
    REQUIRE(event["pid"].is_number());
    if (event["ph"] == "M" && event["name"] == "thread_name")
      tracks.insert(event["tid"].get<uint64_t>());
    if (event["ph"] == "X") {
      CHECK(event["ts"].get<double>() >= 0);
      CHECK(event["dur"].get<double>() >= 0);
    }
  }
  for (const auto& event : file["traceEvents"])
    if (event["ph"] == "X")
      CHECK(tracks.count(event["tid"].get<uint64_t>()) == 1);
  CHECK(phases["X"] + phases["b"] >= spans.size());
  CHECK(phases["b"] == phases["e"]);
  CHECK(phases["s"] == phases["f"]);
  CHECK(phases["s"] > 5);
}

TEST_CASE("the actors of a node are listed with what they do, and tell what they know", "[trace]") {
  BERTH_NEEDS_RUNC();
  auto node = TestNode{plain_config()};
  node.start("plain", {"--id", "alive"}, shell("sleep 60"));
  auto actors = node.query({"actors"});
  auto kinds = std::map<std::string, Json>{};
  for (const auto& actor : actors)
    kinds[actor["kind"]] = actor;
  for (auto* kind : {"node", "pool", "selector", "runtime", "container", "oom", "launcher", "journal", "event", "revision",
                     "reload", "self-check"}) {
    INFO(kind);
    REQUIRE(kinds.count(kind) == 1);
    CHECK(kinds[kind]["mailbox"].get<uint64_t>() <= 2);
  }
  CHECK(kinds["container"]["container"] == "alive");
  CHECK(kinds["container"]["state"] == "running");
  CHECK(kinds["pool"]["state"] == "ready");
  CHECK(kinds["pool"]["handled"] > 3);
  CHECK(kinds["journal"]["busyNs"] > 0);
  auto known = node.query({"actors", "show", std::to_string(kinds["container"]["actor"].get<uint64_t>())});
  CHECK(known["knows"]["phase"] == "running");
  CHECK(known["knows"]["pid"] == node.inspect("alive")["pid"]);
  auto pool = node.query({"actors", "show", std::to_string(kinds["pool"]["actor"].get<uint64_t>())});
  CHECK(pool["knows"]["containers"] == Json::array({"alive"}));
  auto none = node.berth({"actors", "show", "999999"});
  CHECK(none.code == 1);
  CHECK(contains(none.err, "there is none of this number"));
  auto top = node.berth({"top", "-n", "2", "-d", "100ms"});
  CHECK(top.code == 0);
  CHECK(contains(top.out, "alive"));
  CHECK(contains(top.out, "LOAD"));
}
