#include "tests/actors/api_world.hpp"

#include <filesystem>
#include <fstream>

using namespace berth;
using namespace berth::test;
using namespace std::chrono_literals;

namespace {

std::vector<uint64_t> numbers_of(const std::vector<Json>& events) {
  auto result = std::vector<uint64_t>{};
  for (const auto& event : events)
    result.push_back(event.value("seq", uint64_t{0}));
  return result;
}

/// A text that says which line it is, long enough that few of them fill a socket's buffer.
Event long_event() {
  auto event = Event{};
  event.type = "node.noise";
  event.texts["noise"] = std::string(20'000, 'x');
  return event;
}

/// The log of a container, as its monitor writes it: kept open for as long as the container lives.
class Log {
public:
  explicit Log(const std::string& path) : out_(path, std::ios::app) {
    // nop
  }

  void write(const std::string& stream, const std::string& text, bool partial = false) {
    out_ << to_string(now()) << ' ' << stream << (partial ? " P " : " F ") << text << '\n'
         << std::flush;
  }

  void close() {
    out_.close();
  }

private:
  std::ofstream out_;
};

constexpr auto launch = R"({"pool":"web","rootfs":"/r","args":["x"],"id":"c-1","remove":true})";

/// Launches run and write into this log.
void give_logs(ApiWorld& world, const std::string& path) {
  world.script->launch = [path](const LaunchSpec& spec) -> Script::Plan<ContainerInfo> {
    auto info = container_of(spec);
    info.created_at = now();
    info.log_path = path;
    return Result<ContainerInfo>{info};
  };
}

std::string output_of(const std::vector<Json>& lines, const std::string& stream) {
  auto result = std::string{};
  for (const auto& line : lines)
    if (line.value("type", "") == "output" && line.value("stream", "") == stream)
      result += line.value("data", "");
  return result;
}

std::vector<std::string> texts_of(const std::vector<Json>& lines) {
  auto result = std::vector<std::string>{};
  for (const auto& line : lines)
    result.push_back(line.value("data", line.value("type", "?")));
  return result;
}

} // namespace

// -- events -------------------------------------------------------------------------------------

TEST_CASE("events are those after the cursor, of the kinds that were asked for", "[api]") {
  auto world = ApiWorld{};
  world.publish("pool.ready", "", "web");
  world.publish("container.running", "c-1", "web");
  world.publish("container.oom", "c-1", "web");
  world.publish("container.running", "c-2", "batch");
  auto numbers = [&](const std::string& query) {
    return numbers_of(lines_in(world.get("/v1/events" + query).body));
  };
  REQUIRE(eventually(10s, [&] { return numbers("").size() == 4; }));
  CHECK(numbers("") == std::vector<uint64_t>{1, 2, 3, 4});
  CHECK(numbers("?since=2") == std::vector<uint64_t>{3, 4});
  CHECK(numbers("?since=4") == std::vector<uint64_t>{});
  // Of an earlier run of the daemon: the numbers begin anew.
  CHECK(numbers("?since=99") == std::vector<uint64_t>{0, 1, 2, 3, 4});
  CHECK(lines_in(world.get("/v1/events?since=99").body)[0]
        == Json({{"type", "gap"}, {"missed", 0}, {"restarted", true}}));
  CHECK(numbers("?type=container.oom") == std::vector<uint64_t>{3});
  CHECK(numbers("?type=container.") == std::vector<uint64_t>{2, 3, 4});
  CHECK(numbers("?type=pool.ready,container.oom") == std::vector<uint64_t>{1, 3});
  CHECK(numbers("?pool=web&since=1") == std::vector<uint64_t>{2, 3});
  CHECK(numbers("?container=c-2") == std::vector<uint64_t>{4});
  CHECK(numbers("?container=none") == std::vector<uint64_t>{});
  CHECK(world.get("/v1/events?type=container").status == 400);
  CHECK(world.get("/v1/events?type=conatiner.oom").status == 400);
  CHECK(world.get("/v1/events?since=-1").status == 400);
}

TEST_CASE("who follows gets what happens from then on", "[api]") {
  auto world = ApiWorld{};
  world.publish("pool.ready");
  REQUIRE(eventually(10s, [&] { return lines_in(world.get("/v1/events").body).size() == 1; }));
  auto fresh = StreamClient{world.socket, "GET", "/v1/events?follow=true"};
  auto all = StreamClient{world.socket, "GET", "/v1/events?follow=true&since=0"};
  REQUIRE(fresh.begun());
  REQUIRE(all.begun());
  world.publish("container.oom", "c-1");
  CHECK(numbers_of(fresh.lines(1)) == std::vector<uint64_t>{2});
  CHECK(numbers_of(all.lines(2)) == std::vector<uint64_t>{1, 2});
  world.publish("container.exited", "c-1");
  CHECK(numbers_of(fresh.lines(2)) == std::vector<uint64_t>{2, 3});
}

TEST_CASE("a stream that has nothing to say shows that it lives", "[api]") {
  auto world = ApiWorld{[](HttpServerOptions& options) {
    options.api.heartbeat = 50ms;
  }};
  auto client = StreamClient{world.socket, "GET", "/v1/events?follow=true"};
  auto& text = client.connection().read_until(
      [](std::string_view received) {
        return received.find("\r\n1\r\n\n\r\n1\r\n\n") != received.npos;
      },
      10s);
  CHECK(text.find("\r\n1\r\n\n\r\n1\r\n\n") != std::string::npos);
}

TEST_CASE("what is not kept any more is told as a gap", "[api]") {
  auto world = ApiWorld{{}, 10};
  for (auto i = 0; i < 30; ++i)
    world.publish("pool.ready");
  auto lines = std::vector<Json>{};
  REQUIRE(eventually(10s, [&] {
    lines = lines_in(world.get("/v1/events?since=5").body);
    return !lines.empty() && lines.back()["seq"] == 30;
  }));
  CHECK(lines.front() == Json({{"type", "gap"}, {"missed", 15}}));
  CHECK(lines.size() == 11);
  // Who did not say where to begin has missed nothing.
  CHECK(lines_in(world.get("/v1/events").body).size() == 10);
}

TEST_CASE("more events than fit into one batch come in one answer", "[api]") {
  auto world = ApiWorld{{}, 5000};
  for (auto i = 0; i < 2500; ++i)
    world.publish("pool.ready");
  auto lines = std::vector<Json>{};
  CHECK(eventually(20s, [&] {
    lines = lines_in(world.get("/v1/events").body);
    return lines.size() == 2500;
  }));
  CHECK(lines.back()["seq"] == 2500);
}

TEST_CASE("a slow reader of events slows nobody and is told what it missed", "[api]") {
  auto world = ApiWorld{{}, 100};
  auto slow = StreamClient{world.socket, "GET", "/v1/events?follow=true&since=0"};
  auto fast = StreamClient{world.socket, "GET", "/v1/events?follow=true&since=0&type=pool."};
  REQUIRE(slow.begun());
  REQUIRE(fast.begun());
  // Far more than the buffers of a socket hold.
  for (auto i = 0; i < 2000; ++i)
    world.publish(long_event());
  world.publish("pool.ready");
  auto has_last = [](std::string_view text) {
    return text.find("\"seq\":2001,") != text.npos;
  };
  // So few events are kept that it may have to be told of a gap itself, but it is not held up.
  CHECK(has_last(fast.connection().read_until(has_last, 30s)));
  CHECK(world.get("/v1/version").status == 200);
  // Now it reads on. What the server had taken for it comes, then the gap, then what is still kept.
  auto seen = std::vector<Json>{};
  slow.connection().read_until(has_last, 30s);
  seen = lines_in(slow.answer().body);
  auto missed = uint64_t{0};
  auto events = uint64_t{0};
  auto expected = uint64_t{1};
  auto in_order = true;
  for (const auto& line : seen) {
    if (line["type"] == "gap") {
      missed += line["missed"].get<uint64_t>();
      expected += line["missed"].get<uint64_t>();
      continue;
    }
    in_order = in_order && line["seq"] == expected;
    ++expected;
    ++events;
  }
  CHECK(in_order);
  CHECK(missed > 0);
  CHECK(missed + events == 2001);
}

TEST_CASE("clients that wait leave room for those who want to look or to stop something", "[api]") {
  auto world = ApiWorld{[](HttpServerOptions& options) { options.api.max_lasting = 2; }};
  auto first = std::make_unique<StreamClient>(world.socket, "GET", "/v1/events?follow=true");
  auto second = StreamClient{world.socket, "GET", "/v1/events?follow=true"};
  REQUIRE(first->begun());
  REQUIRE(second.begun());
  auto refused = world.get("/v1/events?follow=true");
  CHECK(refused.status == 429);
  CHECK(error_in(refused)["code"] == "limit_reached");
  CHECK(world.get("/v1/containers").status == 200);
  first.reset();
  CHECK(eventually(10s, [&] { return world.get("/v1/events").status == 200; }));
}

TEST_CASE("a client that disappears frees its place at once", "[api]") {
  auto world = ApiWorld{[](HttpServerOptions& options) {
    options.max_connections = 1;
  }};
  world.add(running_container("c-1"));
  auto target =
      GENERATE(values<std::string>({"/v1/events?follow=true", "/v1/containers/c-1/wait"}));
  INFO(target);
  {
    auto client = StreamClient{world.socket, "GET", target};
    if (target.ends_with("wait"))
      REQUIRE(eventually(10s, [&] { return world.script->was_asked("describe c-1"); }));
    else
      REQUIRE(client.begun());
    CHECK(world.get("/v1/version").status == 503);
  }
  // No event and no heartbeat comes that could make the server notice.
  CHECK(eventually(5s, [&] { return world.get("/v1/version").status == 200; }));
}

TEST_CASE("a client that disappears while much is sent to it is forgotten", "[api]") {
  auto world = ApiWorld{[](HttpServerOptions& options) { options.max_connections = 2; }, 5000};
  for (auto i = 0; i < 500; ++i)
    world.publish(long_event());
  {
    auto client = StreamClient{world.socket, "GET", "/v1/events"};
    REQUIRE(client.begun());
  }
  auto all_free = [&] {
    auto a = RawConnection{world.socket};
    (void)a.send("GET /v1/version HTTP/1.1\r\n\r\n");
    a.read_until([](std::string_view text) { return text.find("\r\n\r\n") != text.npos; }, 5s);
    return parse_answer(a.received()).status == 200 && world.get("/v1/version").status == 200;
  };
  CHECK(eventually(10s, all_free));
}

TEST_CASE("who ends only its sending still gets the stream", "[api]") {
  auto world = ApiWorld{};
  auto client = StreamClient{world.socket, "GET", "/v1/events?follow=true"};
  client.connection().end_sending();
  REQUIRE(client.begun());
  world.publish("pool.ready");
  CHECK(client.lines(1).size() == 1);
}

// -- attached containers ------------------------------------------------------------------------

TEST_CASE("an attached container tells its life to the end", "[api]") {
  auto world = ApiWorld{};
  auto path = world.dir / "c-1.log";
  give_logs(world, path);
  auto log = Log{path};
  log.write("stdout", "first");
  auto client = StreamClient{world.socket, "POST", "/v1/containers?attach=true", launch};
  auto lines = client.lines(2);
  REQUIRE(lines.size() >= 2);
  CHECK(lines[0]["type"] == "running");
  CHECK(lines[0]["container"]["id"] == "c-1");
  CHECK(lines[1] == Json({{"type", "output"}, {"stream", "stdout"}, {"data", "first\n"}}));
  // Output comes at once and not when the container ends.
  log.write("stderr", "oops");
  CHECK(client.lines(3).back()
        == Json({{"type", "output"}, {"stream", "stderr"}, {"data", "oops\n"}}));
  auto oom = Event{};
  oom.type = "container.oom";
  oom.container.value = "c-1";
  oom.texts["scope"] = "process";
  world.publish(std::move(oom));
  auto told = client.lines(4);
  CHECK(told.back()["type"] == "oom");
  CHECK(told.back()["data"]["scope"] == "process");
  CHECK_FALSE(world.script->was_asked("release c-1"));
  log.write("stdout", "no newline", true);
  log.close();
  world.end("c-1", 3);
  CHECK(client.connection().read_to_end());
  lines = lines_in(client.answer().body);
  CHECK(output_of(lines, "stdout") == "first\nno newline");
  CHECK(lines.back()["type"] == "exited");
  CHECK(lines.back()["container"]["exit"]["code"] == 3);
  CHECK(world.script->was_asked("release c-1"));
}

TEST_CASE("an attached container that ended before the answer loses nothing", "[api]") {
  auto world = ApiWorld{};
  auto path = world.dir / "c-1.log";
  auto log = Log{path};
  log.write("stdout", "all there is");
  log.close();
  world.script->launch = [&, path](const LaunchSpec& spec) -> Script::Plan<ContainerInfo> {
    auto info = container_of(spec);
    info.log_path = path;
    info.state = ContainerState::exited;
    info.exit = {0, 0, false, now(), "exited with code 0"};
    auto event = Event{};
    event.type = "container.exited";
    event.container = spec.id;
    world.publish(std::move(event));
    return Result<ContainerInfo>{info};
  };
  auto answer = world.post("/v1/containers?attach=true", launch);
  auto lines = lines_in(answer.body);
  REQUIRE(lines.size() == 3);
  CHECK(lines[0]["type"] == "running");
  CHECK(lines[1]["data"] == "all there is\n");
  CHECK(lines[2]["type"] == "exited");
}

TEST_CASE("output that is not UTF-8 arrives byte by byte", "[api]") {
  auto world = ApiWorld{};
  auto path = world.dir / "c-1.log";
  give_logs(world, path);
  auto log = Log{path};
  log.write("stdout", "\xff\xfe");
  auto client = StreamClient{world.socket, "POST", "/v1/containers?attach=true", launch};
  CHECK(client.lines(2).at(1)
        == Json({{"type", "output"}, {"stream", "stdout"}, {"base64", "//4K"}}));
}

TEST_CASE("a client that goes away from an attached container gives it up", "[api]") {
  auto world = ApiWorld{[](HttpServerOptions& options) {
    options.max_connections = 1;
  }};
  auto path = world.dir / "c-1.log";
  give_logs(world, path);
  auto log = Log{path};
  {
    auto client = StreamClient{world.socket, "POST", "/v1/containers?attach=true", launch};
    REQUIRE(client.lines(1).size() == 1);
    CHECK(world.script->attached);
    CHECK_FALSE(world.script->was_asked("reader gone"));
  }
  CHECK(eventually(5s, [&] { return world.get("/v1/version").status == 200; }));
  CHECK(eventually(5s, [&] { return world.script->was_asked("reader gone"); }));
  CHECK_FALSE(world.script->was_asked("release c-1"));
}

// -- logs ---------------------------------------------------------------------------------------

TEST_CASE("logs are cut as asked for", "[api]") {
  auto world = ApiWorld{};
  auto path = world.dir / "c-1.log";
  auto container = running_container("c-1");
  container.log_path = path;
  container.created_at = now();
  world.add(container);
  std::ofstream{path} << "2026-01-01T00:00:00.000000000Z stdout F one\n"
                         "2026-01-01T00:00:01.000000000Z stderr F two\n"
                         "not a line of a log\n"
                         "2026-01-01T00:00:02.000000000Z stdout P thr\n"
                         "2026-01-01T00:00:02.000000000Z stderr F four\n"
                         "2026-01-01T00:00:03.000000000Z stdout F ee\n";
  auto logs = [&](const std::string& query) {
    return texts_of(lines_in(world.get("/v1/containers/c-1/logs" + query).body));
  };
  using Texts = std::vector<std::string>;
  CHECK(logs("") == Texts{"one", "two", "thr", "four", "ee"});
  CHECK(logs("?stdout=true") == Texts{"one", "thr", "ee"});
  CHECK(logs("?stderr=true") == Texts{"two", "four"});
  CHECK(logs("?stderr=false") == Texts{"one", "thr", "ee"});
  CHECK(logs("?stdout=true&stderr=true").size() == 5);
  CHECK(logs("?since=2026-01-01T00:00:02Z") == Texts{"thr", "four", "ee"});
  CHECK(logs("?since=1h") == Texts{});
  CHECK(logs("?tail=0") == Texts{});
  CHECK(logs("?tail=1") == Texts{"four", "ee"});
  CHECK(logs("?tail=2&stdout=true") == Texts{"one", "thr", "ee"});
  CHECK(logs("?tail=1&stdout=true") == Texts{"thr", "ee"});
  CHECK(logs("?tail=100").size() == 5);
  CHECK(world.get("/v1/containers/c-1/logs?tail=-1").status == 400);
  CHECK(world.get("/v1/containers/c-1/logs?tail=1000000000").status == 400);
  CHECK(world.get("/v1/containers/c-1/logs?since=never").status == 400);
  CHECK(world.get("/v1/containers/c-1/logs?stdout=false&stderr=false").status == 400);
  auto line = lines_in(world.get("/v1/containers/c-1/logs").body).at(2);
  CHECK(line
        == Json({{"time", "2026-01-01T00:00:02.000000000Z"},
                 {"stream", "stdout"},
                 {"data", "thr"},
                 {"partial", true}}));
}

TEST_CASE("logs are followed to the end of the container", "[api]") {
  auto world = ApiWorld{};
  auto path = world.dir / "c-1.log";
  auto container = running_container("c-1");
  container.log_path = path;
  container.created_at = now();
  world.add(container);
  auto log = Log{path};
  log.write("stdout", "old");
  log.write("stdout", "last");
  auto client = StreamClient{world.socket, "GET", "/v1/containers/c-1/logs?follow=true&tail=1"};
  CHECK(texts_of(client.lines(1)) == std::vector<std::string>{"last"});
  log.write("stdout", "new");
  CHECK(texts_of(client.lines(2)) == std::vector<std::string>{"last", "new"});
  log.write("stderr", "end");
  log.close();
  CHECK(client.connection().read_to_end());
  CHECK(texts_of(lines_in(client.answer().body)) == std::vector<std::string>{"last", "new", "end"});
}

TEST_CASE("a container without a log says nothing, or why", "[api]") {
  auto world = ApiWorld{};
  auto container = running_container("c-1");
  container.log_path = world.dir / "none.log";
  container.state = ContainerState::creating;
  world.add(container);
  auto answer = world.get("/v1/containers/c-1/logs");
  CHECK(answer.status == 200);
  CHECK(answer.body.empty());
  container.created_at = now();
  world.add(container);
  CHECK(world.get("/v1/containers/c-1/logs").status == 500);
}
