#include "apps/api/base64.hpp"
#include "apps/api/wire.hpp"
#include "runtimes/linux/cgroup.hpp"

#include "tests/support/catch.hpp"

#include <nlohmann/json.hpp>

using namespace berth;
using nlohmann::json;

namespace {

const auto time_5 = Timestamp{1'767'323'045'000'000'005};
constexpr auto time_5_text = "2026-01-02T03:04:05.000000005Z";

ContainerInfo some_container() {
  auto info = ContainerInfo{};
  info.spec.id.value = "web-1";
  info.spec.pool.value = "web";
  info.spec.args = {"/bin/echo", "hi"};
  info.spec.labels = {{"team", "infra"}};
  info.spec.mounts = {{"/a", "/b", true}};
  info.spec.limits = {64, 500, 7};
  info.state = ContainerState::running;
  info.pid = 42;
  info.selection.runtime = RuntimeKind::runc;
  info.selection.configured = RuntimeKind::gvisor;
  info.selection.reason = SelectionReason::gpu;
  info.selection.source = RuntimeSource::worker;
  info.selection.origin = "b.yaml:3:5";
  info.profile.flags = {"--debug"};
  info.generation = 3;
  info.accepted_at = time_5;
  info.warnings = {"careful"};
  return info;
}

json parse_line(const std::string& line) {
  REQUIRE_FALSE(line.empty());
  CHECK(line.back() == '\n');
  CHECK(line.find('\n') == line.size() - 1);
  return json::parse(line);
}

} // namespace

TEST_CASE("a container that runs has no exit yet", "[wire]") {
  auto shown = json::parse(to_wire(some_container()));
  CHECK(shown["id"] == "web-1");
  CHECK(shown["pool"] == "web");
  CHECK(shown["state"] == "running");
  CHECK(shown["pid"] == 42);
  CHECK(shown["runtime"] == "runc");
  CHECK(shown["configuredRuntime"] == "gvisor");
  CHECK(
      shown["selection"]
      == json::parse(
          R"({"runtime":"runc","reason":"gpu","override":true,"source":"worker","origin":"b.yaml:3:5",
                           "detail":""})"));
  CHECK(shown["generation"] == 3);
  CHECK(shown["exit"].is_null());
  CHECK(shown["acceptedAt"] == time_5_text);
  CHECK(shown["startedAt"].is_null());
  CHECK(shown["args"] == json::parse(R"(["/bin/echo","hi"])"));
  CHECK(shown["env"] == json::array());
  CHECK(shown["labels"] == json::parse(R"({"team":"infra"})"));
  CHECK(shown["sysctls"] == json::object());
  CHECK(shown["mounts"] == json::parse(R"([{"source":"/a","destination":"/b","readOnly":true}])"));
  CHECK(shown["limits"] == json::parse(R"({"memory":64,"cpuMillis":500,"pids":7})"));
  CHECK(shown["runtimeFlags"] == json::parse(R"(["--debug"])"));
  CHECK(shown["warnings"] == json::parse(R"(["careful"])"));
}

TEST_CASE("a container that has ended has an exit, also while it is removed", "[wire]") {
  auto info = some_container();
  info.state = GENERATE(ContainerState::exited, ContainerState::removing);
  info.exit = {137, 9, true, time_5, "killed"};
  auto shown = json::parse(to_wire(info));
  CHECK(shown["exit"]
        == json({{"code", 137},
                 {"signal", 9},
                 {"oomKilled", true},
                 {"at", time_5_text},
                 {"reason", "killed"}}));
}

TEST_CASE("lists are arrays also when they are empty", "[wire]") {
  CHECK(to_wire(ContainerInfos{}) == "[]");
  CHECK(to_wire(PoolInfos{}) == "[]");
  CHECK(json::parse(to_wire(ContainerInfos{some_container(), some_container()})).size() == 2);
}

TEST_CASE("a pool tells what it was configured with and what it uses", "[wire]") {
  auto pool = PoolInfo{};
  pool.name.value = "sandbox";
  pool.state = PoolState::degraded;
  pool.configured = RuntimeKind::gvisor;
  pool.reason = "no platform";
  pool.overrides_allowed = false;
  pool.restarts = 3;
  auto shown = json::parse(to_wire(pool));
  CHECK(shown["state"] == "degraded");
  CHECK(shown["configuredRuntime"] == "gvisor");
  CHECK(shown["effectiveRuntime"] == "runc");
  CHECK(shown["source"] == "default");
  CHECK(shown["overrides"] == "deny");
  CHECK(shown["restarts"] == 3);
  CHECK(shown["onRuntimeUnavailable"] == "fallback");
  CHECK(shown["reason"] == "no platform");
}

TEST_CASE("every error has a status, and a code to exit with", "[wire]") {
  struct Row {
    ec code;
    int status;
    int exit_code;
  };
  auto row = GENERATE(values<Row>({
      {ec::bad_request, 400, 125},
      {ec::bad_id, 400, 125},
      {ec::invalid_config, 400, 125},
      {ec::unknown_pool, 404, 125},
      {ec::unknown_container, 404, 125},
      {ec::rootfs_missing, 404, 125},
      {ec::duplicate_id, 409, 125},
      {ec::wrong_state, 409, 125},
      {ec::cancelled, 409, 125},
      {ec::limit_exceeded, 422, 125},
      {ec::command_not_found, 422, 127},
      {ec::command_not_executable, 422, 126},
      {ec::override_denied, 422, 125},
      {ec::unsupported, 422, 125},
      {ec::limit_reached, 429, 125},
      {ec::pool_unavailable, 503, 125},
      {ec::shutting_down, 503, 125},
      {ec::restarting, 503, 125},
      {ec::queue_timeout, 503, 125},
      {ec::deadline_exceeded, 504, 125},
      {ec::runtime_failed, 500, 125},
      {ec::platform_failed, 500, 125},
      {ec::system_error, 500, 125},
      {ec::internal, 500, 125},
  }));
  auto error = Error{row.code, "thing", "reason", "next"};
  INFO(to_string(row.code));
  CHECK(http_status_of(error) == row.status);
  auto shown = json::parse(to_wire(error))["error"];
  CHECK(shown["code"] == to_string(row.code));
  CHECK(shown["message"] == render(error));
  CHECK(shown["subject"] == "thing");
  CHECK(shown["reason"] == "reason");
  CHECK(shown["next"] == "next");
  CHECK(shown["exitCode"] == row.exit_code);
}

TEST_CASE("text that is not UTF-8 never breaks an answer", "[wire]") {
  auto bad = std::string{"a\xff\xc3(\xed\xa0\x80z"};
  auto info = some_container();
  info.spec.args = {bad};
  info.exit.reason = bad;
  CHECK(json::parse(to_wire(info))["args"][0].get<std::string>().ends_with("z"));
  CHECK(json::parse(to_wire(Error{ec::internal, bad, bad, bad})).contains("error"));
  auto event = Event{};
  event.texts["error"] = bad;
  CHECK(parse_line(event_line(event))["data"].contains("error"));
}

TEST_CASE("what the kernel does not tell is null", "[wire]") {
  auto stats = ContainerStats{};
  stats.memory_current = 10;
  stats.memory_limit = 64;
  stats.pids = 3;
  stats.oom_kills = 1;
  auto shown = json::parse(to_wire(some_container(), stats, time_5));
  CHECK(shown == json::parse(R"({
    "id": "web-1", "pool": "web", "runtime": "runc",
    "memory": {"current": 10, "peak": null, "limit": 64},
    "cpu": {"usageNs": null, "throttledNs": null, "limitMillis": 500},
    "pids": {"current": 3, "limit": 7}, "oomKills": 1, "time": "2026-01-02T03:04:05.000000005Z"})"));
}

TEST_CASE("an event carries what else there is to say under data", "[wire]") {
  auto event = Event{7,
                     time_5,
                     "container.oom",
                     {"web"},
                     {"web-1"},
                     3,
                     {{"scope", "process"}},
                     {{"kills", 2}},
                     {{"told", true}}};
  auto wanted =
      json::parse(R"({"seq": 7, "time": "2026-01-02T03:04:05.000000005Z", "type": "container.oom",
    "pool": "web", "container": "web-1", "generation": 3, "data": {"scope": "process", "kills": 2, "told": true}})");
  CHECK(parse_line(event_line(event)) == wanted);
  wanted["type"] = "oom";
  CHECK(parse_line(oom_line(event)) == wanted);
  CHECK(parse_line(event_line(Event{}))["data"] == json::object());
}

TEST_CASE("each line of a stream is one line of JSON", "[wire]") {
  CHECK(parse_line(gap_line(5)) == json({{"type", "gap"}, {"missed", 5}}));
  CHECK(parse_line(exited_line(3)) == json({{"type", "exited"}, {"exitCode", 3}}));
  CHECK(parse_line(running_line(some_container()))["container"]["id"] == "web-1");
  CHECK(parse_line(exited_line(some_container()))["type"] == "exited");
  CHECK(parse_line(error_line(Error{ec::internal, "x", "y", {}}))["error"]["code"] == "internal");
  CHECK(parse_line(output_line(LogStream::err, "a\nb\n"))
        == json({{"type", "output"}, {"stream", "stderr"}, {"data", "a\nb\n"}}));
  CHECK(
      parse_line(log_line({time_5, LogStream::out, true, "text"}))
      == json({{"time", time_5_text}, {"stream", "stdout"}, {"data", "text"}, {"partial", true}}));
}

TEST_CASE("output that is not UTF-8 is told as base64", "[wire]") {
  CHECK(parse_line(output_line(LogStream::out, std::string_view{"\0\xff", 2}))
        == json({{"type", "output"}, {"stream", "stdout"}, {"base64", "AP8="}}));
  CHECK(parse_line(log_line({time_5, LogStream::err, false, "\xc3"}))["base64"] == "ww==");
}

TEST_CASE("base64 is that of RFC 4648", "[wire]") {
  CHECK(encode_base64("") == "");
  CHECK(encode_base64("f") == "Zg==");
  CHECK(encode_base64("fo") == "Zm8=");
  CHECK(encode_base64("foo") == "Zm9v");
  CHECK(encode_base64("foobar") == "Zm9vYmFy");
  CHECK(encode_base64("\xfb\xff\xfe") == "+//+");
}
