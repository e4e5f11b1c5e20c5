#include "actors/reload_actor.hpp"
#include "tests/actors/api_world.hpp"
#include "tests/support/notify_socket.hpp"

using namespace berth;
using namespace berth::test;
using namespace std::chrono_literals;

TEST_CASE("health tells how many actors of each kind have answered", "[api]") {
  auto world = ApiWorld{};
  auto answer = world.get("/v1/health");
  CHECK(answer.status == 200);
  auto health = Json::parse(answer.body);
  CHECK(health["healthy"] == true);
  CHECK(health["silent"].empty());
  auto kinds = std::vector<std::string>{};
  for (const auto& actors : health["actors"]) {
    kinds.push_back(actors["kind"]);
    CHECK(actors["count"] == 1);
    CHECK(actors["slowestUs"] >= 0);
  }
  CHECK(kinds == std::vector<std::string>{"node", "revision", "event", "journal"});
}

TEST_CASE("health is 503 and names whoever does not answer", "[api]") {
  auto world = ApiWorld{[](HttpServerOptions& options) {
    options.api.self_check = options.api.system.spawn([]() -> SelfCheckActor::behavior_type {
      return {[](const CheckHealth&) {
                return Health{{{ActorKind::node, 1, 1500ns}}, {"container \"a\""}};
              },
              [](const CheckDue&) {}, [](const CheckLate&) {}};
    });
  }};
  auto answer = world.get("/v1/health");
  CHECK(answer.status == 503);
  CHECK(Json::parse(answer.body)
        == Json::parse(R"({"healthy":false,"actors":[{"kind":"node","count":1,"slowestUs":1}],"silent":["container \"a\""]})"));
}

TEST_CASE("a reload applies the configured files, and its body may be left out", "[api]") {
  auto world = ApiWorld{};
  world.configured = "worker: {pools: {}}";
  auto answer = world.post("/v1/reload", GENERATE("", "{}", R"({"timeoutMs":1000,"drain":"stop","allowFallback":true})"));
  CHECK(answer.status == 200);
  auto receipt = Json::parse(answer.body);
  CHECK(receipt["origin"] == "reload");
  CHECK(receipt["digest"] == "worker: {pools: {}}");
}

TEST_CASE("a reload of files that cannot be read is refused with their errors", "[api]") {
  auto world = ApiWorld{};
  world.configured = failure(ec::invalid_config, "configuration", "/etc/berth.yaml: no such file");
  auto answer = world.post("/v1/reload");
  CHECK(answer.status == 400);
  CHECK(error_in(answer)["code"] == "invalid_config");
  CHECK(error_in(answer)["message"] == "invalid_config: configuration: /etc/berth.yaml: no such file");
  CHECK(world.post("/v1/reload", R"({"drain":"no"})").status == 400);
  CHECK(world.post("/v1/reload", R"({"files":[]})").status == 400);
}

TEST_CASE("a reload is told to the service manager, however it ends, before it is answered", "[api]") {
  auto socket = NotifySocket{};
  ::setenv("NOTIFY_SOCKET", socket.address().c_str(), 1);
  auto service = std::make_shared<ServiceManager>(ServiceManager::take_from_environment());
  auto config = std::make_shared<Result<std::string>>("new");
  auto world = ApiWorld{[&](HttpServerOptions& options) {
    auto read = ReadConfig{[config] { return config->map([](auto& text) { return std::vector<ConfigFile>{{"f", text}}; }); }};
    options.api.reload = options.api.system.spawn(reload_actor, options.api.revisions, read, service);
  }};
  CHECK(world.post("/v1/reload").status == 200);
  auto begun = socket.next(0ms);
  CHECK(begun.starts_with("RELOADING=1\nMONOTONIC_USEC="));
  CHECK(begun.ends_with("\nSTATUS=Reloads its configuration (reload)"));
  CHECK(socket.next(0ms) == "READY=1\nSTATUS=Revision 2 is in effect");
  *config = failure(ec::invalid_config, "configuration", "f: no such file");
  CHECK(world.post("/v1/reload").status == 400);
  CHECK(socket.next(0ms).starts_with("RELOADING=1\n"));
  CHECK(socket.next(0ms)
        == "READY=1\nSTATUS=Not reloaded, nothing has changed: invalid_config: configuration: f: no such file");
}
