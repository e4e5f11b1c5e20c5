#include "tests/e2e/nodes.hpp"
#include "tests/support/notify_socket.hpp"

#include <csignal>
#include <filesystem>
#include <fstream>

using namespace berth;
using namespace berth::test;
using namespace std::chrono_literals;
namespace fs = std::filesystem;

namespace {

/// Stands for systemd to whatever is started in its lifetime.
class Service {
public:
  explicit Service(std::chrono::microseconds watchdog) {
    ::setenv("NOTIFY_SOCKET", socket.address().c_str(), 1);
    ::setenv("WATCHDOG_USEC", std::to_string(watchdog.count()).c_str(), 1);
  }

  Service(const Service&) = delete;
  Service& operator=(const Service&) = delete;

  ~Service() {
    ::unsetenv("NOTIFY_SOCKET");
    ::unsetenv("WATCHDOG_USEC");
  }

  NotifySocket socket;
};

void configure(const TestNode& node, const std::string& pool) {
  std::ofstream{node.config_path()} << config_of("  pools:\n    plain: " + pool + "\n", patient_probe());
}

/// Health as curl would see it.
Json health_of(const TestNode& node, int status = 200) {
  auto answer = http(node.socket(), "GET", "/v1/health");
  INFO(answer.body);
  REQUIRE(answer.status == status);
  return Json::parse(answer.body);
}

int count_of(const Json& health, const std::string& kind) {
  for (const auto& actors : health["actors"])
    if (actors["kind"] == kind)
      return actors["count"];
  return 0;
}

const auto unit_path = std::string{BERTH_SOURCE_DIR} + "/apps/packaging/berthd.service";

} // namespace

TEST_CASE("a service manager is told of the start, of reloads and of the end, and that all is well meanwhile", "[service]") {
  BERTH_NEEDS_RUNC();
  auto service = Service{stretched(400ms)};
  auto& socket = service.socket;
  auto node = TestNode{plain_config()};
  auto first = socket.next_of("READY=1");
  CHECK(first == "READY=1\nSTATUS=Serves its API at " + node.socket() + ", pools: 1");
  for (auto i = 0; i < 3; ++i)
    CHECK(socket.next_of("WATCHDOG=1") == "WATCHDOG=1");
  configure(node, "{maxContainers: 7}");
  SECTION("by the verb") {
    CHECK(node.berth({"reload"}).code == 0);
  }
  SECTION("by SIGHUP") {
    REQUIRE(::kill(node.pid(), SIGHUP) == 0);
  }
  CHECK(socket.next_of("RELOADING=1\nMONOTONIC_USEC=") != "");
  CHECK(socket.next_of("READY=1") == "READY=1\nSTATUS=Revision 2 is in effect");
  CHECK(pool_of(node, "plain")["maxContainers"] == 7);
  CHECK(socket.next_of("WATCHDOG=1") != "");
  // Nothing that berthd starts can speak for it.
  node.start("plain", {}, shell("exec sleep 1000"));
  auto processes = processes_of(node.root(), node.pid());
  CHECK(processes.size() >= 2);
  for (auto pid : processes) {
    auto environment = text_of("/proc/" + std::to_string(pid) + "/environ");
    CHECK_FALSE(contains(environment, "NOTIFY_SOCKET"));
    CHECK_FALSE(contains(environment, "WATCHDOG_USEC"));
  }
  CHECK(node.terminate() == 0);
  CHECK(socket.next_of("STOPPING=1") == "STOPPING=1\nSTATUS=Stops; its containers go on");
}

TEST_CASE("a reload is in effect when it returns, and one that is refused changes nothing", "[service]") {
  BERTH_NEEDS_RUNC();
  auto node = TestNode{plain_config()};
  configure(node, "{maxContainers: 9}");
  fs::create_directory(node.root() + "/conf.d");
  std::ofstream{node.root() + "/conf.d/more.yaml"} << "worker: {pools: {more: {}}}";
  auto reloaded = node.berth({"reload"});
  INFO(describe(reloaded));
  CHECK(reloaded.code == 0);
  CHECK(contains(reloaded.out, "Revision 2 is in effect."));
  CHECK(contains(reloaded.out, "+ pool more"));
  CHECK(pool_of(node, "plain")["maxContainers"] == 9);
  CHECK(node.run("more", {"--rm"}, {"/bin/true"}).code == 0);
  auto same = node.query({"reload"});
  CHECK(same["revision"] == 2);
  CHECK(same["origin"] == "reload");

  struct Row {
    std::string what;
    std::function<void()> spoil;
    std::string complaint;
  };
  auto broken_runtime = config_of("  pools:\n    plain: {maxContainers: 3}\n",
                                  patient_probe() + "  runtimes: {runc: /no/such/runc}\n");
  auto rows = std::vector<Row>{
    {"a wrong key", [&] { configure(node, "{runtme: runc}"); }, "unknown key \"runtme\""},
    {"no YAML", [&] { configure(node, "{"); }, "not valid YAML"},
    {"a runtime that does not work", [&] { std::ofstream{node.config_path()} << broken_runtime; }, "/no/such/runc"},
    {"no file", [&] { fs::remove(node.config_path()); }, "no such file"},
  };
  for (auto& row : rows) {
    INFO(row.what);
    row.spoil();
    auto refused = node.berth({"reload", "--timeout", stretched_seconds(60)});
    INFO(describe(refused));
    CHECK(refused.code == 1);
    CHECK(refused.out.empty());
    CHECK(contains(refused.err, row.complaint));
    CHECK(pool_of(node, "plain")["maxContainers"] == 9);
    CHECK(node.query({"history"}).size() == 2);
  }
  CHECK(node.berth({"reload", "--drain", "no"}).code == 2);
  configure(node, "{maxContainers: 4}");
  CHECK(node.berth({"reload", "--drain=stop", "--timeout", stretched_seconds(60), "--allow-fallback"}).code == 0);
  CHECK(node.query({"history"}).back()["origin"] == "reload");
}

TEST_CASE("the health of a node counts its actors, of all generations", "[service]") {
  BERTH_NEEDS_RUNC();
  auto node = TestNode{plain_config()};
  node.start("plain", {"--id", "old"}, shell("exec sleep 1000"));
  configure(node, "{maxContainers: 9}");
  REQUIRE(node.berth({"reload"}).code == 0);
  node.start("plain", {"--id", "new"}, shell("exec sleep 1000"));
  auto health = health_of(node);
  CHECK(health["healthy"] == true);
  CHECK(health["silent"].empty());
  INFO(health.dump());
  for (auto kind : {"node", "revision", "event", "oom", "pool"})
    CHECK(count_of(health, kind) == 1);
  CHECK(count_of(health, "launcher") == 2);
  CHECK(count_of(health, "container") == 2);
  CHECK(count_of(health, "selector") == 2);
  CHECK(count_of(health, "runtime") == 2);
}

TEST_CASE("the unit is one that systemd understands", "[service]") {
  if (run_program({"systemd-analyze", "--version"}).code != 0)
    BERTH_SKIP("there is no systemd-analyze");
  auto text = text_of(unit_path);
  for (const auto& program : {std::string{"berthd"}, std::string{"berth"}}) {
    auto installed = "=/usr/bin/" + program;
    auto at = text.find(installed);
    REQUIRE(at != std::string::npos);
    text.replace(at, installed.size(), "=" + built_program(program));
  }
  auto dir = TempDir{};
  std::ofstream{dir / "berthd.service"} << text;
  auto verified = run_program({"systemd-analyze", "verify", dir / "berthd.service"});
  INFO(describe(verified));
  CHECK(verified.code == 0);
  // Unknown keys are no more than a warning.
  CHECK(verified.out.empty());
  CHECK(verified.err.empty());
}
