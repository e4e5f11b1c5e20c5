#include "apps/berthd/metrics_answer.hpp"
#include "tests/actors/api_world.hpp"

#include <httplib.h>

#include <caf/event_based_actor.hpp>

using namespace berth;
using namespace berth::test;
using namespace std::chrono_literals;

namespace {

bool has(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

/// A pool that takes every message and answers none.
PoolActor stuck_pool(caf::actor_system& sys) {
  return caf::actor_cast<PoolActor>(sys.spawn([](caf::event_based_actor* self) -> caf::behavior {
    self->set_default_handler([](caf::scheduled_actor*, caf::message_view&) -> caf::result<caf::message> { return caf::skip(); });
    return {[](caf::unit_t) {}};
  }));
}

/// A pool that tells how it stands.
PoolActor lively_pool(caf::actor_system& sys, const PoolInfo& info) {
  return caf::actor_cast<PoolActor>(
    sys.spawn([info](caf::event_based_actor*) -> caf::behavior { return {[info](const DescribePool&) { return info; }}; }));
}

} // namespace

TEST_CASE("requests are counted by their routes, and never by what stands in them", "[api][metrics]") {
  auto world = ApiWorld{};
  CHECK(http(world.socket, "GET", "/v1/version").status == 200);
  CHECK(http(world.socket, "GET", "/v1/containers/no-such-one").status == 404);
  CHECK(http(world.socket, "GET", "/secret/path").status == 404);
  CHECK(http(world.socket, "PATCH", "/v1/pools").status == 405);
  auto answer = http(world.socket, "GET", "/metrics");
  CHECK(answer.status == 200);
  CHECK(has(answer.head, "text/plain; version=0.0.4"));
  INFO(answer.body);
  CHECK(has(answer.body, R"(berth_http_requests_total{route="/v1/version",method="GET",status="2xx"} 1)"));
  CHECK(has(answer.body, R"(berth_http_requests_total{route="/v1/containers/{id}",method="GET",status="4xx"} 1)"));
  CHECK(has(answer.body, R"(berth_http_requests_total{route="none",method="any",status="4xx"} 2)"));
  CHECK(has(answer.body, R"(berth_http_request_duration_seconds_count{route="/v1/version",method="GET"} 1)"));
  CHECK_FALSE(has(answer.body, "no-such-one"));
  CHECK_FALSE(has(answer.body, "secret"));
}

TEST_CASE("a scrape does without a pool that does not answer, and says which", "[api][metrics]") {
  auto world = ApiWorld{};
  auto info = PoolInfo{};
  info.name.value = "web";
  info.state = PoolState::degraded;
  info.generation = 3;
  info.running = 2;
  info.starting = 1;
  auto stuck = stuck_pool(world.sys);
  auto lively = lively_pool(world.sys, info);
  {
    auto guard = std::lock_guard{world.script->mutex};
    world.script->actors = {{{"stuck"}, stuck}, {{"web"}, lively}};
  }
  auto began = std::chrono::steady_clock::now();
  auto answer = http(world.socket, "GET", "/metrics");
  CHECK(std::chrono::steady_clock::now() - began < stretched(5s));
  CHECK(answer.status == 200);
  INFO(answer.body);
  CHECK(has(answer.body, "berth_pool_answers{pool=\"stuck\"} 0\n"));
  CHECK(has(answer.body, "berth_pool_answers{pool=\"web\"} 1\n"));
  CHECK(has(answer.body, "berth_pool_running_containers{pool=\"web\"} 2\n"));
  CHECK(has(answer.body, "berth_pool_starting_containers{pool=\"web\"} 1\n"));
  CHECK(has(answer.body, "berth_pool_generation{pool=\"web\"} 3\n"));
  CHECK(has(answer.body, "berth_pool_state{pool=\"web\",state=\"degraded\"} 1\n"));
  CHECK(has(answer.body, "berth_pool_state{pool=\"web\",state=\"ready\"} 0\n"));
  CHECK_FALSE(has(answer.body, "berth_pool_running_containers{pool=\"stuck\"}"));
  caf::anon_send_exit(stuck, caf::exit_reason::kill);
  caf::anon_send_exit(lively, caf::exit_reason::kill);
}

TEST_CASE("over TCP there are metrics, and nothing else", "[api][metrics]") {
  auto world = ApiWorld{};
  auto server = serve_metrics("127.0.0.1:0", world.api());
  REQUIRE(server);
  auto client = httplib::Client{"127.0.0.1", (*server)->port()};
  auto scrape = client.Get("/metrics");
  REQUIRE(scrape);
  CHECK(scrape->status == 200);
  CHECK(has(scrape->body, "# TYPE berth_launches_total counter\n"));
  struct Row {
    const char* method;
    const char* path;
    int status;
  };
  for (auto& row : {Row{"GET", "/", 404}, Row{"GET", "/v1/containers", 404}, Row{"GET", "/metrics/x", 404}, Row{"GET", "//metrics", 404},
                    Row{"GET", "/v1/../metrics", 404}, Row{"DELETE", "/metrics", 405}, Row{"PUT", "/v1/log", 404}}) {
    INFO(row.method << " " << row.path);
    auto request = httplib::Request{};
    request.method = row.method;
    request.path = row.path;
    auto answer = client.send(request);
    REQUIRE(answer);
    CHECK(answer->status == row.status);
  }
  // No body is read at all.
  auto with_body = client.Post("/v1/containers", std::string(100, 'x'), "application/json");
  REQUIRE(with_body);
  CHECK(with_body->status == 413);
  (*server)->stop();
  CHECK_FALSE(client.Get("/metrics"));
}

TEST_CASE("an address that cannot be had is an error with its reason", "[api][metrics]") {
  auto world = ApiWorld{};
  auto first = serve_metrics("127.0.0.1:0", world.api());
  REQUIRE(first);
  auto second = serve_metrics("127.0.0.1:" + std::to_string((*first)->port()), world.api());
  REQUIRE_FALSE(second);
  CHECK(second.error().code == ec::system_error);
  CHECK(has(second.error().reason, "in use"));
  // From the range that is for documentation: no host has it.
  CHECK_FALSE(serve_metrics("192.0.2.1:0", world.api()));
}

TEST_CASE("the levels of the log are told and set over the API", "[api][log]") {
  auto world = ApiWorld{};
  auto level_of = [&](const std::string& body, const std::string& component) {
    auto json = nlohmann::json::parse(body);
    for (const auto& row : json["components"])
      if (row["component"] == component)
        return row["level"].get<std::string>();
    return json["level"].get<std::string>();
  };
  auto put = [&](const std::string& body) { return http(world.socket, "PUT", "/v1/log", body); };
  auto before = http(world.socket, "GET", "/v1/log");
  CHECK(before.status == 200);
  CHECK(level_of(before.body, "oom") == "debug");
  CHECK(level_of(put(R"({"component":"oom","level":"error"})").body, "oom") == "error");
  CHECK(level_of(http(world.socket, "GET", "/v1/log").body, "oom") == "error");
  CHECK(level_of(http(world.socket, "GET", "/v1/log").body, "node") == "debug");
  CHECK(put(R"({"component":"oom","level":"loud"})").status == 400);
  CHECK(level_of(put(R"({"level":"reset"})").body, "oom") == "debug");
}
