#include "actors/trace_actor.hpp"
#include "tests/actors/api_world.hpp"

#include <httplib.h>

using namespace berth;
using namespace berth::test;
using namespace std::chrono_literals;

namespace {

constexpr auto good_launch = R"({"pool":"web","rootfs":"/r","args":["/bin/true"],"id":"c-1"})";

Json json_in(const HttpAnswer& answer) {
  return Json::parse(answer.body, nullptr, false);
}

} // namespace

TEST_CASE("the server says what it is", "[api]") {
  auto world = ApiWorld{};
  auto answer = world.get("/v1/version");
  CHECK(answer.status == 200);
  CHECK(answer.head.find("Content-Type: application/json\r\n") != std::string::npos);
  auto version = json_in(answer);
  CHECK(version["version"] == "0.1.0");
  CHECK(version["api"] == "v1");
  CHECK(version["node"] == "host-1");
  CHECK(version["pid"] == 77);
  CHECK(world.get("/v1/openapi.yaml").body.starts_with("openapi: 3"));
}

TEST_CASE("pools are listed and found by name", "[api]") {
  auto world = ApiWorld{};
  CHECK(json_in(world.get("/v1/pools")).size() == 1);
  CHECK(json_in(world.get("/v1/pools/web"))["state"] == "ready");
  auto answer = world.get("/v1/pools/none");
  CHECK(answer.status == 404);
  CHECK(error_in(answer)["code"] == "unknown_pool");
}

TEST_CASE("a launch answers with the container", "[api]") {
  auto world = ApiWorld{};
  auto answer = world.post("/v1/containers", good_launch);
  CHECK(answer.status == 201);
  CHECK(json_in(answer)["id"] == "c-1");
  CHECK(json_in(answer)["state"] == "running");
  REQUIRE(world.script->launched.size() == 1);
  CHECK(world.script->launched[0].args == Argv{"/bin/true"});
  // Nobody reads its output.
  CHECK_FALSE(world.script->attached);
}

TEST_CASE("a launch that fails answers with the reason", "[api]") {
  auto world = ApiWorld{};
  auto error = GENERATE(values<Error>({
      {ec::unknown_pool, "pool \"x\"", "not configured", "see `berth pools`"},
      {ec::duplicate_id, "container \"c-1\"", "exists", {}},
      {ec::command_not_found, "command", "not found", {}},
      {ec::limit_reached, "pool", "is full", {}},
  }));
  auto attach = GENERATE(false, true);
  world.script->launch = [=](const LaunchSpec&) {
    return Result<ContainerInfo>{failure(error)};
  };
  auto answer = world.post(attach ? "/v1/containers?attach=true" : "/v1/containers", good_launch);
  CHECK(answer.status == http_status_of(error));
  CHECK(error_in(answer)["code"] == to_string(error.code));
  CHECK(error_in(answer)["message"] == render(error));
}

TEST_CASE("a body that is no launch never reaches the node", "[api]") {
  auto world = ApiWorld{};
  auto body = GENERATE(values<std::string>(
      {"", "{", "[]", R"({"pool":"web"})", R"({"pool":"web","rootfs":"/r","args":["a"],"x":1})"}));
  INFO(body);
  auto answer = world.post("/v1/containers", body);
  CHECK(answer.status == 400);
  CHECK(error_in(answer)["code"] == "bad_request");
  CHECK(world.script->launched.empty());
}

TEST_CASE("containers are listed as asked for", "[api]") {
  auto world = ApiWorld{};
  world.add(running_container("c-1"));
  world.add(running_container("c-2"));
  world.end("c-2", 0);
  CHECK(json_in(world.get("/v1/containers")).size() == 1);
  CHECK(json_in(world.get("/v1/containers?all=true")).size() == 2);
  CHECK(json_in(world.get("/v1/containers?all=true&pool=web")).size() == 2);
  CHECK(world.get("/v1/containers?pool=none").status == 404);
  CHECK(world.get("/v1/containers?all=maybe").status == 400);
}

TEST_CASE("a container that is not there is not found by any verb", "[api]") {
  auto world = ApiWorld{};
  CHECK(error_in(world.get("/v1/containers/none"))["code"] == "unknown_container");
  CHECK(http(world.socket, "DELETE", "/v1/containers/none").status == 404);
  CHECK(world.post("/v1/containers/none/stop").status == 404);
  CHECK(world.post("/v1/containers/none/kill").status == 404);
  CHECK(world.get("/v1/containers/none/wait").status == 404);
  CHECK(world.get("/v1/containers/none/logs").status == 404);
  CHECK(world.get("/v1/containers/none/stats").status == 404);
  CHECK(world.post("/v1/containers/none/exec", R"({"args":["x"]})").status == 404);
  CHECK(error_in(world.get("/v1/containers/-bad"))["code"] == "bad_id");
}

TEST_CASE("a question why is answered for containers, and for launches that have not been", "[api]") {
  auto world = ApiWorld{};
  auto container = running_container("c-1");
  auto why = Explanation{};
  why.pool = {"web"};
  why.rule = SelectionRule::override_allowed;
  why.reason = SelectionReason::gpu;
  container.why.value = std::make_shared<const Explanation>(why);
  world.add(container);
  auto recorded = world.get("/v1/containers/c-1/why");
  CHECK(recorded.status == 200);
  CHECK(recorded.body == to_wire(why));
  // One of an earlier berthd: by what is known of its selection.
  world.add(running_container("c-2"));
  auto old = json_in(world.get("/v1/containers/c-2/why"));
  CHECK(old["rule"] == "runc_configured");
  CHECK(old["runtime"] == "runc");
  CHECK(old["precedence"][0]["wins"] == true);
  CHECK(world.get("/v1/containers/none/why").status == 404);

  auto asked = world.post("/v1/why", R"({"pool":"web","gpus":2,"memory":"1M"})");
  CHECK(asked.status == 200);
  CHECK(json_in(asked)["gpus"] == 2);
  CHECK(json_in(asked)["asked"]["memory"] == 1 << 20);
  CHECK(json_in(asked)["error"].is_null());
  // That such a launch would be refused is the answer, and no error.
  auto refused = world.post("/v1/why", R"({"pool":"web","gpus":8})");
  CHECK(refused.status == 200);
  CHECK(json_in(refused)["refused"] == true);
  CHECK(json_in(refused)["error"]["code"] == "override_denied");
  CHECK(world.post("/v1/why", R"({"pool":"web","image":"x"})").status == 400);
  CHECK(world.post("/v1/why").status == 400);
}

TEST_CASE("stop passes its time limit on", "[api]") {
  auto world = ApiWorld{};
  world.add(running_container("c-1"));
  auto answer = world.post("/v1/containers/c-1/stop?timeout=2.5");
  CHECK(answer.status == 200);
  CHECK(json_in(answer)["exit"]["code"] == 143);
  CHECK(world.script->was_asked("stop c-1 2500"));
  CHECK(world.post("/v1/containers/c-1/stop").status == 200);
  CHECK(world.script->was_asked("stop c-1 -1"));
  CHECK(world.post("/v1/containers/c-1/stop?timeout=-1").status == 400);
}

TEST_CASE("kill passes its signal on", "[api]") {
  auto world = ApiWorld{};
  world.add(running_container("c-1"));
  CHECK(world.post("/v1/containers/c-1/kill?signal=hup").status == 204);
  CHECK(world.script->was_asked("signal c-1 1"));
  CHECK(world.post("/v1/containers/c-1/kill").status == 204);
  CHECK(world.script->was_asked("signal c-1 9"));
  CHECK(world.post("/v1/containers/c-1/kill?signal=NONSENSE").status == 400);
}

TEST_CASE("a running container is removed only by force", "[api]") {
  auto world = ApiWorld{};
  world.add(running_container("c-1"));
  CHECK(http(world.socket, "DELETE", "/v1/containers/c-1").status == 409);
  auto answer = http(world.socket, "DELETE", "/v1/containers/c-1?force=true");
  CHECK(answer.status == 204);
  CHECK(answer.body.empty());
  CHECK(world.get("/v1/containers/c-1").status == 404);
}

TEST_CASE("only a running container has stats", "[api]") {
  auto world = ApiWorld{[](HttpServerOptions& options) {
    options.api.stats = [](const ContainerInfo& info) -> Result<ContainerStats> {
      if (info.spec.id.value == "broken")
        return failure(ec::system_error, "cgroup", "gone");
      auto stats = ContainerStats{};
      stats.memory_current = 5;
      return stats;
    };
  }};
  world.add(running_container("c-1"));
  world.add(running_container("broken"));
  world.add(running_container("ended"));
  world.end("ended", 0);
  CHECK(json_in(world.get("/v1/containers/c-1/stats"))["memory"]["current"] == 5);
  CHECK(world.get("/v1/containers/broken/stats").status == 500);
  CHECK(error_in(world.get("/v1/containers/ended/stats"))["code"] == "wrong_state");
}

// -- wait ---------------------------------------------------------------------------------------

TEST_CASE("waiting for a container that has ended takes no time", "[api]") {
  auto world = ApiWorld{};
  world.add(running_container("c-1"));
  world.end("c-1", 3);
  CHECK(json_in(world.get("/v1/containers/c-1/wait"))["exit"]["code"] == 3);
}

TEST_CASE("a wait ends with the container", "[api]") {
  auto world = ApiWorld{};
  world.add(running_container("c-1"));
  world.add(running_container("c-2"));
  auto waiting = StreamClient{world.socket, "GET", "/v1/containers/c-1/wait"};
  REQUIRE(eventually(10s, [&] { return world.script->was_asked("describe c-1"); }));
  // The end of another one is no news.
  world.end("c-2", 1);
  world.end("c-1", 3);
  CHECK(waiting.connection().read_to_end());
  CHECK(json_in(waiting.answer())["exit"]["code"] == 3);
}

TEST_CASE("a wait knows the end of a container that was removed at once", "[api]") {
  auto world = ApiWorld{};
  world.add(running_container("c-1"));
  auto waiting = StreamClient{world.socket, "GET", "/v1/containers/c-1/wait"};
  REQUIRE(eventually(10s, [&] { return world.script->was_asked("describe c-1"); }));
  SECTION("and is gone") {
    {
      auto guard = std::lock_guard{world.script->mutex};
      world.script->containers.clear();
    }
    auto event = Event{};
    event.type = "container.exited";
    event.container.value = "c-1";
    event.numbers = {{"exitCode", 137}, {"signal", 9}};
    event.flags["oomKilled"] = true;
    event.texts["reason"] = "killed";
    world.publish(std::move(event));
  }
  SECTION("and whose id another one has") {
    auto other = running_container("c-1");
    other.runtime_id = "another";
    world.add(other);
    auto event = Event{};
    event.type = "container.exited";
    event.container.value = "c-1";
    event.numbers = {{"exitCode", 137}, {"signal", 9}};
    event.flags["oomKilled"] = true;
    event.texts["reason"] = "killed";
    world.publish(std::move(event));
  }
  CHECK(waiting.connection().read_to_end());
  auto ended = json_in(waiting.answer());
  CHECK(ended["state"] == "exited");
  CHECK(ended["exit"]["code"] == 137);
  CHECK(ended["exit"]["signal"] == 9);
  CHECK(ended["exit"]["oomKilled"] == true);
  CHECK(ended["exit"]["reason"] == "killed");
}

TEST_CASE("a wait for a launch that fails says so", "[api]") {
  auto world = ApiWorld{};
  auto starting = running_container("c-1");
  starting.state = ContainerState::creating;
  world.add(starting);
  auto waiting = StreamClient{world.socket, "GET", "/v1/containers/c-1/wait"};
  REQUIRE(eventually(10s, [&] { return world.script->was_asked("describe c-1"); }));
  auto event = Event{};
  event.type = "container.failed";
  event.container.value = "c-1";
  event.texts["error"] = "command_not_found: nope";
  world.publish(std::move(event));
  CHECK(waiting.connection().read_to_end());
  CHECK(waiting.answer().status == 409);
  CHECK(error_in(waiting.answer())["reason"].get<std::string>().find("command_not_found: nope")
        != std::string::npos);
}

// -- a client that we did not write -------------------------------------------------------------

TEST_CASE("another HTTP library gets along with the server", "[api]") {
  auto world = ApiWorld{};
  world.publish("pool.ready");
  auto client = httplib::Client{world.socket, 80};
  client.set_address_family(AF_UNIX);
  client.set_keep_alive(true);
  auto version = client.Get("/v1/version");
  REQUIRE(version);
  CHECK(version->status == 200);
  CHECK(version->get_header_value("Content-Type") == "application/json");
  auto launched = client.Post("/v1/containers", good_launch, "application/json");
  REQUIRE(launched);
  CHECK(launched->status == 201);
  auto body = std::string{};
  auto events = client.Get("/v1/events", [&](const char* data, size_t size) {
    body.append(data, size);
    return true;
  });
  REQUIRE(events);
  CHECK(lines_in(body).at(0)["type"] == "pool.ready");
  auto stopped = client.Post("/v1/containers/c-1/stop");
  REQUIRE(stopped);
  CHECK(stopped->status == 200);
  auto removed = client.Delete("/v1/containers/c-1");
  REQUIRE(removed);
  CHECK(removed->status == 204);
  auto missing = client.Get("/v1/containers/c-1");
  REQUIRE(missing);
  CHECK(missing->status == 404);
}

TEST_CASE("when the actor that keeps spans has died, requests say so and do not promise its return", "[api][trace]") {
  auto world = ApiWorld{[](HttpServerOptions& options) {
    auto order = TraceOrder{};
    order.recorder = &trace_recorder();
    options.api.trace = options.api.system.spawn(trace_actor, order);
    caf::anon_send_exit(options.api.trace, caf::exit_reason::kill);
  }};
  for (auto target : {"/v1/trace", "/v1/trace?follow=true", "/v1/tracing"}) {
    CAPTURE(target);
    auto answer = world.get(target);
    CHECK(answer.status == 500);
    CHECK(error_in(answer)["code"] == "internal");
    CHECK(error_in(answer)["reason"].get<std::string>().find("has died") != std::string::npos);
    CHECK(error_in(answer)["next"] == "start berthd again: its containers go on");
  }
}
