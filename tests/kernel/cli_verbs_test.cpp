#include "apps/berth/client.hpp"

#include "tests/support/catch.hpp"
#include "tests/support/command.hpp"
#include "tests/support/eventually.hpp"
#include "tests/support/scripted_daemon.hpp"

#include <nlohmann/json.hpp>

#include <csignal>
#include <fstream>

#include <fcntl.h>
#include <unistd.h>

using namespace berth;
using namespace berth::test;
using namespace std::chrono_literals;
using Json = nlohmann::json;

namespace {

constexpr auto unknown =
  R"({"error":{"code":"unknown_container","message":"unknown_container: \"b\"","exitCode":125}})";

constexpr auto containers = R"([
  {"id":"web","pool":"p","state":"running","runtime":"runc","configuredRuntime":"gvisor","selection":{"reason":"gpu"},
   "startedAt":"2020-01-01T00:00:00Z","args":["/bin/server","--port","80 80"]},
  {"id":"job","pool":"p","state":"exited","runtime":"gvisor","configuredRuntime":"gvisor",
   "selection":{"reason":"configured"},"args":["a"],"exit":{"code":137,"signal":9,"oomKilled":true}},
  {}])";

/// Gives the same answer to everything.
ScriptedDaemon::Script always(int status, std::string json) {
  return [=](const Asked&, Conversation& talk) { talk.answer(status, json); };
}

ScriptedDaemon::Script lines(std::vector<std::string> all) {
  return [=](const Asked&, Conversation& talk) {
    talk.begin_lines();
    for (auto& line : all)
      talk.line(line);
    talk.end_lines();
  };
}

/// Knows the container "a" only.
void know_a(const Asked& asked, Conversation& talk) {
  auto is_a = asked.target == "/v1/containers/a" || asked.target.starts_with("/v1/containers/a/")
              || asked.target.starts_with("/v1/containers/a?");
  if (!is_a)
    return talk.answer(404, unknown);
  if (asked.method == "DELETE" || asked.target.find("/kill") != std::string::npos)
    return talk.answer(204, "");
  talk.answer(200, R"({"id":"a","state":"exited","exit":{"code":3,"signal":0},"memory":{"current":1048576}})");
}

/// Runs the command with its stdout going to a pipe that nobody reads, or to another file.
ExitStatus run_with_stdout(const Argv& argv, int stdout_fd) {
  auto options = SpawnOptions{};
  options.stdout_fd = stdout_fd;
  auto child = Child::spawn(argv, options);
  REQUIRE(child);
  auto status = child->wait_for(stretched(20s));
  REQUIRE((status && *status));
  return **status;
}

} // namespace

TEST_CASE("without a daemon every verb says where it looked and what to do") {
  auto dir = TempDir{};
  auto verb =
    GENERATE(Argv{"ps"}, Argv{"run", "--pool", "p", "--rootfs", "/", "--", "x"}, Argv{"events"}, Argv{"rm", "a", "b"});
  auto args = Argv{BERTH_BIN_DIR "/berth", "--root", dir.path()};
  args.insert(args.end(), verb.begin(), verb.end());
  auto result = run_program(args);
  INFO(describe(result));
  CHECK(result.code == (verb.front() == "run" ? 125 : 1));
  CHECK(result.err.starts_with(
    "berth: cannot reach berthd at unix://" + dir.path()
    + "/berth.sock: No such file or directory; is it running? start it with `berthd --config FILE --root " + dir.path()
    + "`\n"));
  CHECK(result.out.empty());
}

TEST_CASE("a file that is no daemon's socket is named with the reason") {
  auto dir = TempDir{};
  std::ofstream{dir / "berth.sock"} << "no socket";
  auto result = run_program({BERTH_BIN_DIR "/berth", "--root", dir.path(), "ps"});
  CHECK(result.code == 1);
  CHECK(result.err.find("Connection refused") != std::string::npos);
}

TEST_CASE("a socket path that no socket can have is refused") {
  auto result = run_program({BERTH_BIN_DIR "/berth", "--host", "unix:///" + std::string(200, 'x'), "ps"});
  CHECK(result.code == 1);
  CHECK(result.err.find("107") != std::string::npos);
}

TEST_CASE("whatever answers on the socket, the command ends with an error and not with a crash") {
  auto bytes = GENERATE(
    as<std::string>{}, "", "SSH-2.0\r\n", "HTTP/1.1 200 OK\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{]",
    "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nnull", "HTTP/1.1 200 OK\r\nContent-Length: 90\r\n\r\n[]",
    "HTTP/1.1 500 X\r\nTransfer-Encoding: chunked\r\n\r\nfffffffffffffffff\r\n");
  auto verb = GENERATE(Argv{"ps"}, Argv{"wait", "a"}, Argv{"pools"}, Argv{"stats"}, Argv{"stop", "--all"});
  INFO(bytes << " / " << verb.front());
  auto daemon = ScriptedDaemon{[&](const Asked&, Conversation& talk) { talk.send(bytes); }};
  auto result = run_program(daemon.command(verb));
  INFO(describe(result));
  CHECK(result.code == 1);
  CHECK(result.err.starts_with("berth: "));
  CHECK(lines_of(result.err).size() == 1);
}

TEST_CASE("ps shows containers with runtime, state and the reason for both") {
  auto daemon = ScriptedDaemon{always(200, containers)};
  auto table = lines_of(run_program(daemon.command({"ps", "-a", "--pool", "p"})).out);
  REQUIRE(table.size() == 4);
  CHECK(table[0].starts_with("ID   POOL  RUNTIME     STATE"));
  CHECK(table[1].starts_with("web  p     runc (gpu)  running"));
  CHECK(table[1].ends_with(" years ago  /bin/server --port '80 80'"));
  CHECK(table[2].find("exited (137, out of memory)") != std::string::npos);
  CHECK(daemon.asked().front().target == "/v1/containers?all=true&pool=p");
  CHECK(run_program(daemon.command({"ps", "-q"})).out == "web\njob\n\n");
  CHECK(daemon.asked().back().target == "/v1/containers");
}

TEST_CASE("JSON has the keys of the daemon") {
  auto daemon = ScriptedDaemon{always(200, containers)};
  auto result = run_program(daemon.command({"ps", "-a", "-o", "json"}));
  CHECK(result.code == 0);
  CHECK(Json::parse(result.out) == Json::parse(containers));
}

TEST_CASE("a configuration may have a name that is no UTF-8") {
  auto daemon = ScriptedDaemon{always(200, R"({"revision":1,"changes":[],"nodeChanges":[],"pinned":[]})")};
  auto dir = TempDir{};
  auto path = dir / "caf\xe9.yaml";
  std::ofstream{path} << "worker: {pools: {a: }}\n";
  auto result = run_program(daemon.command({"plan", "-f", path}));
  INFO(describe(result));
  CHECK(result.code == 0);
  REQUIRE(daemon.asked().size() == 1);
  CHECK(Json::parse(daemon.asked().front().body)["files"][0]["name"] == dir.path() + "/caf\uFFFD.yaml");
}

TEST_CASE("inspect gives an object for one id and a list for several") {
  auto daemon = ScriptedDaemon{always(200, R"({"id":"a","pid":7})")};
  CHECK(Json::parse(run_program(daemon.command({"inspect", "a", "-o", "json"})).out)["pid"] == 7);
  CHECK(Json::parse(run_program(daemon.command({"inspect", "a"})).out)["pid"] == 7);
  CHECK(Json::parse(run_program(daemon.command({"inspect", "a", "b"})).out).size() == 2);
}

TEST_CASE("a verb that fails for one of several containers does its work on the others and fails") {
  struct Row {
    Argv args;
    const char* out;
    const char* method;
  };
  auto row = GENERATE(Row{{"rm", "b", "a"}, "a\n", "DELETE"}, Row{{"kill", "b", "a"}, "a\n", "POST"},
                      Row{{"stop", "b", "a"}, "a\n", "POST"}, Row{{"wait", "b", "a"}, "3\n", "GET"});
  auto daemon = ScriptedDaemon{know_a};
  auto result = run_program(daemon.command(row.args));
  INFO(row.args.front() << "\n" << describe(result));
  CHECK(result.code == 1);
  CHECK(result.out == row.out);
  CHECK(result.err == "berth: unknown_container: \"b\"\n");
  CHECK(daemon.asked(row.method, "/v1/containers/a").size() == 1);
  CHECK(daemon.asked(row.method, "/v1/containers/b").size() == 1);
}

TEST_CASE("inspect prints what it found even if something else is missing") {
  auto daemon = ScriptedDaemon{know_a};
  auto result = run_program(daemon.command({"inspect", "a", "b"}));
  CHECK(result.code == 1);
  CHECK(Json::parse(result.out).size() == 1);
}

TEST_CASE("verbs ask for what their flags say") {
  struct Row {
    Argv args;
    Asked asked;
  };
  auto row = GENERATE(Row{{"stop", "-t", "2", "a"}, {"POST", "/v1/containers/a/stop?timeout=2.000000", ""}},
                      Row{{"stop", "a"}, {"POST", "/v1/containers/a/stop", ""}},
                      Row{{"kill", "-s", "USR1", "a"}, {"POST", "/v1/containers/a/kill?signal=USR1", ""}},
                      Row{{"kill", "a"}, {"POST", "/v1/containers/a/kill?signal=KILL", ""}},
                      Row{{"rm", "-f", "a"}, {"DELETE", "/v1/containers/a?force=true", ""}},
                      Row{{"wait", "a"}, {"GET", "/v1/containers/a/wait", ""}},
                      Row{{"stats", "a"}, {"GET", "/v1/containers/a/stats", ""}});
  auto daemon = ScriptedDaemon{know_a};
  auto result = run_program(daemon.command(row.args));
  INFO(describe(result));
  CHECK(result.code == 0);
  CHECK(daemon.asked() == std::vector<Asked>{row.asked});
}

TEST_CASE("rm --all spares what runs, unless it is forced") {
  auto daemon = ScriptedDaemon{[](const Asked& asked, Conversation& talk) {
    if (asked.method == "GET")
      return talk.answer(200, R"([{"id":"up","state":"running"},{"id":"down","state":"exited"}])");
    talk.answer(204, "");
  }};
  CHECK(run_program(daemon.command({"rm", "--all"})).out == "down\n");
  CHECK(run_program(daemon.command({"rm", "--all", "-f"})).out == "up\ndown\n");
  CHECK(run_program(daemon.command({"rm", "--all", "-o", "json"})).out == "[\n  {\n    \"id\": \"down\"\n  }\n]\n");
}

TEST_CASE("several containers are stopped at the same time") {
  auto mutex = std::mutex{};
  auto arrived = 0;
  auto daemon = ScriptedDaemon{[&](const Asked&, Conversation& talk) {
    {
      auto guard = std::lock_guard{mutex};
      ++arrived;
    }
    // No answer before all three have asked.
    eventually(20s, [&] {
      auto guard = std::lock_guard{mutex};
      return arrived == 3;
    });
    talk.answer(200, arrived == 3 ? R"({"id":"x","state":"exited"})" : "");
  }};
  auto result = run_program(daemon.command({"stop", "a", "b", "c"}));
  CHECK(result.code == 0);
  CHECK(result.out == "a\nb\nc\n");
}

TEST_CASE("a detached run prints the id, and the warnings apart from it") {
  auto daemon = ScriptedDaemon{always(201, R"({"id":"web","state":"running","warnings":["no GPU was injected"]})")};
  auto args = Argv{"run", "-d", "--pool", "p", "--rootfs", "/", "--", "x"};
  auto result = run_program(daemon.command(args));
  CHECK(result.code == 0);
  CHECK(result.out == "web\n");
  CHECK(result.err == "berth: warning: no GPU was injected\n");
  CHECK(daemon.asked().front().target == "/v1/containers");
  args.insert(args.begin() + 1, {"-o", "json"});
  CHECK(Json::parse(run_program(daemon.command(args)).out)["id"] == "web");
}

TEST_CASE("relative directories mean those of the caller") {
  auto daemon = ScriptedDaemon{always(201, R"({"id":"web"})")};
  auto dir = TempDir{};
  auto result =
    run_program(daemon.command({"run", "-d", "--pool", "p", "--rootfs", "img", "--", "x"}), usual_patience, dir.path());
  REQUIRE(result.code == 0);
  CHECK(Json::parse(daemon.asked().front().body)["rootfs"] == dir / "img");
}

TEST_CASE("logs come out on the stream they were written to, long lines in one piece") {
  auto daemon = ScriptedDaemon{lines({R"({"time":"T1","stream":"stdout","data":"lo","partial":true})",
                                      R"({"time":"T2","stream":"stderr","data":"err","partial":false})",
                                      R"({"time":"T3","stream":"stdout","data":"ng","partial":false})", "",
                                      R"({"time":"T4","stream":"stdout","base64":"/w==","partial":false})"})};
  auto plain = run_program(daemon.command({"logs", "--tail", "9", "--since", "10m", "a"}));
  CHECK(plain.code == 0);
  CHECK(plain.out == "long\n\xff\n");
  CHECK(plain.err == "err\n");
  CHECK(daemon.asked().front().target == "/v1/containers/a/logs?since=10m&tail=9");
  auto stamped = run_program(daemon.command({"logs", "-t", "-f", "a"}));
  CHECK(stamped.out == "T1 long\nT4 \xff\n");
  CHECK(stamped.err == "T2 err\n");
  CHECK(daemon.asked().back().target == "/v1/containers/a/logs?follow=true");
}

TEST_CASE("events are passed on as JSON or told in one line each") {
  const auto oom = std::string{
    R"({"seq":8,"time":"2026-01-02T03:04:05.006000007Z","type":"container.oom","pool":"p","container":"x",)"
    R"("generation":1,"data":{"kills":1,"victim":"a b"}})"};
  auto daemon = ScriptedDaemon{lines({R"({"type":"gap","missed":3})", oom})};
  auto json =
    run_program(daemon.command({"events", "--since", "4", "--no-follow", "--type", "container.", "-o", "json"}));
  CHECK(json.code == 0);
  CHECK(json.out == R"({"type":"gap","missed":3})" "\n" + oom + "\n");
  CHECK(daemon.asked().front().target == "/v1/events?since=4&type=container.");
  auto text = run_program(daemon.command({"events", "--no-follow"}));
  CHECK(text.out == "2026-01-02T03:04:05.006Z  container.oom       p/x  kills=1  victim='a b'\n");
  CHECK(text.err == "berth: missed 3 events: they are no longer kept\n");
}

TEST_CASE("a feed that is followed fails when the daemon ends it, and says where to go on") {
  auto daemon = ScriptedDaemon{lines({R"({"seq":8,"type":"container.oom","container":"x"})"})};
  auto result = run_program(daemon.command({"oom"}));
  CHECK(result.code == 1);
  CHECK(result.err.find("go on with --since 8") != std::string::npos);
  CHECK(daemon.asked().front().target == "/v1/events?follow=true&type=container.oom");
}

TEST_CASE("a stream that the daemon cannot go on with is a failure and not a kill, an event or the end of a log") {
  auto daemon = ScriptedDaemon{lines({R"({"error":{"code":"shutting_down","message":"berthd stops"}})"})};
  auto verb = GENERATE(values<std::vector<std::string>>(
    {{"oom"}, {"events"}, {"events", "--no-follow"}, {"logs", "-f", "a"}, {"logs", "a"}}));
  auto format = GENERATE("text", "json");
  verb.insert(verb.end(), {"-o", format});
  INFO(verb.front() << " -o " << format);
  auto result = run_program(daemon.command(verb));
  CHECK(result.code == 1);
  CHECK(result.out.empty());
  CHECK(result.err.starts_with("berth: berthd stops\n"));
}

TEST_CASE("pools show the runtime they serve with and why") {
  const auto pool =
    std::string{R"({"name":"sandbox","state":"degraded","configuredRuntime":"gvisor","effectiveRuntime":"runc",)"
                R"("version":"1.1.5","running":2,"maxContainers":8,"queued":1,"queueLength":4,"reason":"no KVM",)"
                R"("generation":3,"draining":[{"generation":2,"runtime":"gvisor","containers":1}]})"};
  auto daemon = ScriptedDaemon{[&](const Asked& asked, Conversation& talk) {
    talk.answer(200, asked.target == "/v1/pools" ? "[" + pool + "]" : pool);
  }};
  auto table = lines_of(run_program(daemon.command({"pools"})).out);
  REQUIRE(table.size() == 2);
  CHECK(table[1]
        == "sandbox  degraded    3  gvisor -> runc  1.1.5    -             2/8         0     1/4         0  2 (gvisor): 1  no KVM");
  CHECK(lines_of(run_program(daemon.command({"pools", "sandbox"})).out) == table);
  CHECK(daemon.asked().back().target == "/v1/pools/sandbox");
}

TEST_CASE("stats show use and limits") {
  auto daemon = ScriptedDaemon{[](const Asked& asked, Conversation& talk) {
    if (asked.target == "/v1/containers")
      return talk.answer(200, R"([{"id":"a"},{"id":"gone"}])");
    if (asked.target == "/v1/containers/gone/stats")
      return talk.answer(404, unknown);
    talk.answer(200,
                R"({"id":"a","pool":"p","runtime":"runc","memory":{"current":1048576,"peak":2097152,"limit":4194304},)"
                R"("cpu":{"usageNs":2500000000,"limitMillis":500},"pids":{"current":3,"limit":0},"oomKills":0})");
  }};
  auto result = run_program(daemon.command({"stats"}));
  CHECK(result.code == 0);
  CHECK(result.err.empty());
  auto table = lines_of(result.out);
  REQUIRE(table.size() == 2);
  CHECK(table[1] == "a   p     runc     1.0 MiB / 4.0 MiB  25.0%  2.0 MiB     2.5 s     3          0");
  CHECK(Json::parse(run_program(daemon.command({"stats", "-o", "json"})).out).size() == 1);
  CHECK(Json::parse(run_program(daemon.command({"stats", "a", "-o", "json"})).out)["id"] == "a");
}

TEST_CASE("version works with and without a daemon") {
  auto daemon = ScriptedDaemon{always(200, R"({"version":"9.9","api":"v1","node":"n1","pid":7})")};
  auto with = run_program(daemon.command({"version", "-o", "json"}));
  CHECK(with.code == 0);
  CHECK(Json::parse(with.out)["server"]["version"] == "9.9");
  CHECK(run_program(daemon.command({"version"})).out.find("server  9.9 (API v1), node n1, pid 7") != std::string::npos);
  auto without = run_program({BERTH_BIN_DIR "/berth", "--host", "unix:///nowhere", "version", "-o", "json"});
  CHECK(without.code == 0);
  CHECK(Json::parse(without.out)["server"].is_null());
}

TEST_CASE("a pipe that nobody reads ends the command without a word") {
  auto daemon = ScriptedDaemon{always(200, containers)};
  int ends[2];
  REQUIRE(::pipe2(ends, O_CLOEXEC) == 0);
  auto write_end = UniqueFd{ends[1]};
  ::close(ends[0]);
  CHECK(run_with_stdout(daemon.command({"ps"}), write_end.get()) == ExitStatus{Exited{128 + SIGPIPE}});
  CHECK(run_with_stdout(daemon.command({"--help"}), write_end.get()) == ExitStatus{Exited{128 + SIGPIPE}});
}

TEST_CASE("output that cannot be written is a failure") {
  auto daemon = ScriptedDaemon{always(200, containers)};
  auto full = UniqueFd{::open("/dev/full", O_WRONLY | O_CLOEXEC)};
  REQUIRE(full);
  CHECK(run_with_stdout(daemon.command({"ps"}), full.get()) == ExitStatus{Exited{1}});
}

TEST_CASE("validate works without a daemon and reports all errors at once") {
  auto dir = TempDir{};
  std::ofstream{dir / "good.yaml"} << "worker:\n  pools:\n    web:\n      runtime: runc\n";
  std::ofstream{dir / "bad.yaml"} << "worker:\n  pools:\n    web:\n      runtme: runc\n      memory: lots\n";
  auto good = run_program({BERTH_BIN_DIR "/berth", "validate", dir / "good.yaml"});
  INFO(describe(good));
  CHECK(good.code == 0);
  CHECK(good.out.find("worker.pools.web.runtime") != std::string::npos);
  CHECK(good.out.find(dir / "good.yaml:4:") != std::string::npos);
  auto json = run_program({BERTH_BIN_DIR "/berth", "validate", dir / "good.yaml", "-o", "json"});
  CHECK(Json::parse(json.out)["valid"] == true);
  auto bad = run_program({BERTH_BIN_DIR "/berth", "validate", dir / "bad.yaml"});
  INFO(describe(bad));
  CHECK(bad.code == 1);
  CHECK(bad.out.empty());
  REQUIRE(lines_of(bad.err).size() == 2);
  CHECK(lines_of(bad.err)[0].starts_with(dir / "bad.yaml:4:"));
  CHECK(lines_of(bad.err)[1].starts_with(dir / "bad.yaml:5:"));
  auto bad_json = run_program({BERTH_BIN_DIR "/berth", "validate", dir / "bad.yaml", "-o", "json"});
  CHECK(bad_json.code == 1);
  CHECK(Json::parse(bad_json.out)["errors"].size() == 2);
}

TEST_CASE("a stream on which nothing comes is given up, however patient the request is") {
  auto daemon = ScriptedDaemon{[](const Asked&, Conversation& talk) {
    talk.begin_lines();
    talk.line("{}");
    talk.wait_for_hangup();
  }};
  auto client = cli::Client{daemon.socket_path(), ""};
  client.silence_limit = 50ms;
  auto seen = 0;
  auto reader = cli::LineReader{[&](std::string_view) { return ++seen > 0; }, [] { return true; }};
  auto result = client.stream_get(cli::Target{"/v1/events"}, reader, cli::Client::long_work);
  REQUIRE_FALSE(result);
  CHECK(result.error().code == "connection_lost");
  CHECK(seen == 1);
}

TEST_CASE("heartbeats are not passed on") {
  auto daemon = ScriptedDaemon{[](const Asked&, Conversation& talk) {
    talk.begin_lines();
    for (auto i = 0; i < 5; ++i)
      talk.line("");
    talk.line("{}");
    talk.end_lines();
  }};
  auto client = cli::Client{daemon.socket_path(), ""};
  auto seen = std::vector<std::string>{};
  auto reader =
    cli::LineReader{[&](std::string_view line) { return seen.emplace_back(line), true; }, [] { return true; }};
  CHECK(client.stream_get(cli::Target{"/v1/events"}, reader));
  CHECK(seen == std::vector<std::string>{"{}"});
}

TEST_CASE("a request without an answer ends when patience does") {
  auto daemon = ScriptedDaemon{[](const Asked&, Conversation& talk) { talk.wait_for_hangup(); }};
  auto client = cli::Client{daemon.socket_path(), ""};
  auto result = client.get(cli::Target{"/v1/pools"}, 0s);
  REQUIRE_FALSE(result);
  CHECK(result.error().code == "connection_lost");
}
