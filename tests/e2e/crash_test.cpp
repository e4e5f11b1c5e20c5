#include "tests/e2e/nodes.hpp"

#include "runtimes/monitor_protocol.hpp"

#include <filesystem>
#include <fstream>

using namespace berth;
using namespace berth::test;
using namespace std::chrono_literals;
namespace fs = std::filesystem;

namespace {

/// A container that counts for as long as it lives.
Argv counter() {
  return shell("trap 'exit 42' USR1; i=0; while :; do echo tick $i; i=$((i+1)); sleep 0.02; done");
}

struct Survivor {
  std::string id;
  int pid = 0;
  std::string directory;
  std::string log_path;
};

Survivor start_counter(const TestNode& node, const std::string& pool, const std::string& id) {
  node.start(pool, {"--id", id}, counter());
  auto container = node.inspect(id);
  return {id, container["pid"], container["directory"], container["logPath"]};
}

/// The number of ticks in a log in which none may be missing.
size_t count_ticks(const std::string& log_path) {
  auto count = size_t{0};
  for (auto& line : lines_of(text_of(log_path))) {
    auto wanted = " stdout F tick " + std::to_string(count);
    if (!line.ends_with(wanted))
      FAIL("in " << log_path << ": \"" << line << "\" where \"" << wanted << "\" was due");
    ++count;
  }
  return count;
}

bool goes_on_logging(const Survivor& survivor) {
  auto before = count_ticks(survivor.log_path);
  return eventually(10s, [&] { return count_ticks(survivor.log_path) > before + 3; });
}

/// What the monitor wrote down about the end.
MonitorExited recorded_exit(const Survivor& survivor) {
  auto path = survivor.directory + "/" + monitor_exit_name;
  INFO(path);
  REQUIRE(eventually(10s, [&] { return fs::exists(path); }));
  auto record = parse_exit_record(text_of(path));
  REQUIRE(record);
  return *record;
}

std::string mixed_config() {
  return config_of("  pools:\n    plain: {}\n    sandbox:\n      runtime: gvisor\n      " + gvisor_config()
                     + "\n      onRuntimeUnavailable: fail\n",
                   patient_probe());
}

} // namespace

TEST_CASE("containers survive kill -9 of the daemon, and their ends are recorded", "[crash][lifecycle]") {
  BERTH_NEEDS_GVISOR();
  auto node = TestNode{mixed_config()};
  auto survivors = std::vector<Survivor>{};
  for (auto id : {"plain-1", "plain-2", "plain-3"})
    survivors.push_back(start_counter(node, "plain", id));
  for (auto id : {"sandbox-1", "sandbox-2"})
    survivors.push_back(start_counter(node, "sandbox", id));
  auto attached = node.berth_beside(TestNode::run_arguments("plain", {"--id", "attached", "--rm"}, counter()));
  REQUIRE(eventually(20s, [&] { return contains(attached->out(), "tick 5"); }));
  node.kill_daemon();

  // Whoever was attached is told that the container goes on.
  auto client = attached->finish(10s);
  INFO(describe(client));
  CHECK(client.code == 125);
  CHECK(contains(client.err, "goes on"));
  CHECK(node.berth({"ps"}).code == 1);

  for (auto& survivor : survivors) {
    INFO(survivor.id);
    CHECK(is_alive(survivor.pid));
    CHECK(goes_on_logging(survivor));
    CHECK_FALSE(fs::exists(survivor.directory + "/" + monitor_exit_name));
  }

  // Ends of all kinds are recorded without a daemon.
  ::kill(survivors[0].pid, SIGUSR1);
  ::kill(survivors[1].pid, SIGKILL);
  ::kill(survivors[3].pid, SIGKILL);
  CHECK(to_exit_status(recorded_exit(survivors[0]).wait_status) == ExitStatus{Exited{42}});
  CHECK(to_exit_status(recorded_exit(survivors[1]).wait_status) == ExitStatus{Signaled{SIGKILL}});
  CHECK(to_exit_status(recorded_exit(survivors[3]).wait_status) == ExitStatus{Signaled{SIGKILL}});
  for (auto i : {0, 1, 3}) {
    auto ticks = count_ticks(survivors[static_cast<size_t>(i)].log_path);
    CHECK(ticks > 3);
  }

  // The next daemon takes over what goes on, and tells of what has ended.
  node.start_again();
  auto ledger = node.query({"doctor", "--reconcile"});
  INFO(ledger.dump(1));
  CHECK(ledger["containers"]["adopted"] == 3);
  CHECK(ledger["containers"]["finished"] == 3);
  CHECK(ledger["things"]["orphan"] == 0);
  CHECK(ledger["things"]["foreign"] == 0);
  auto codes = std::map<std::string, int>{{"plain-1", 42}, {"plain-2", 137}, {"sandbox-1", 137}};
  for (auto& [id, code] : codes) {
    INFO(id);
    CHECK(types_of(node.events_until(id, "container.exited"))
          == std::vector<std::string>{"container.accepted", "container.running", "container.exited"});
    auto container = node.inspect(id);
    CHECK(container["state"] == "exited");
    CHECK(container["exit"]["code"] == code);
    CHECK(node.berth({"logs", id}).code == 0);
    CHECK(node.berth({"rm", id}).code == 0);
  }
  for (auto i : {2, 4}) {
    auto& survivor = survivors[static_cast<size_t>(i)];
    INFO(survivor.id);
    auto container = node.inspect(survivor.id);
    CHECK(container["state"] == "running");
    CHECK(container["pid"] == survivor.pid);
    CHECK(goes_on_logging(survivor));
    // Logs without a gap or a line twice, over the restart.
    auto log = node.berth({"logs", survivor.id}).out;
    auto line = size_t{0};
    for (auto& text : lines_of(log))
      REQUIRE(text == "tick " + std::to_string(line++));
    CHECK(line > 5);
    auto done = node.berth({"exec", survivor.id, "--", "/bin/echo", "still here"});
    CHECK(done.out == "still here\n");
    CHECK(node.berth({"kill", "-s", "USR1", survivor.id}).code == 0);
    CHECK(node.berth({"wait", survivor.id}).out == "42\n");
    auto types = types_of(node.events_until(survivor.id, "container.exited"));
    CHECK(types == std::vector<std::string>{"container.accepted", "container.running", "container.exited"});
  }
  // The client that was attached is gone; its container is stopped as any other, and removed as it was asked to be.
  CHECK(node.berth({"stop", "-t", "1", "attached"}).code == 0);
  CHECK(types_of(node.events_until("attached", "container.removed")).back() == "container.removed");
  CHECK(node.run("plain", {"--rm"}, {"/bin/true"}).code == 0);
}

TEST_CASE("SIGTERM ends the daemon at once and leaves its containers running", "[crash][lifecycle]") {
  BERTH_NEEDS_RUNC();
  auto node = TestNode{plain_config()};
  auto survivor = start_counter(node, "plain", "goes-on");
  auto follower = node.berth_beside({"events", "-o", "json"});
  auto waiter = node.berth_beside({"wait", "goes-on"});
  auto idle = RawConnection{node.socket()};
  REQUIRE(eventually(5s, [&] { return is_alive(waiter->pid()) && is_alive(follower->pid()); }));
  auto begin = std::chrono::steady_clock::now();
  CHECK(node.terminate() == 0);
  CHECK(std::chrono::steady_clock::now() - begin < stretched(3s));
  CHECK(waiter->finish(10s).code == 1);
  CHECK(follower->finish(10s).code == 1);
  CHECK(is_alive(survivor.pid));
  CHECK(goes_on_logging(survivor));
  CHECK_FALSE(fs::exists(node.socket()));
  CHECK(contains(node.log(), "its containers go on"));
}

TEST_CASE("a second daemon on the same root is refused and does no harm", "[crash]") {
  BERTH_NEEDS_RUNC();
  auto node = TestNode{plain_config()};
  auto survivor = start_counter(node, "plain", "unharmed");
  auto second = run_program({built_program("berthd"), "--config", node.config_path(), "--root", node.root()}, 10s);
  INFO(describe(second));
  CHECK(second.code == 1);
  CHECK(contains(second.err, node.root() + "/state/berthd.lock"));
  CHECK(contains(second.err, "pid " + std::to_string(node.pid())));
  CHECK(node.inspect("unharmed")["state"] == "running");
  CHECK(is_alive(survivor.pid));
  CHECK(node.run("plain", {"--rm"}, {"/bin/true"}).code == 0);
}

TEST_CASE("two daemons with roots of their own do not see each other", "[crash]") {
  BERTH_NEEDS_RUNC();
  auto first = TestNode{plain_config()};
  auto second = TestNode{plain_config()};
  first.start("plain", {"--id", "same-name"}, {"/bin/sleep", "1000"});
  second.start("plain", {"--id", "same-name"}, {"/bin/sleep", "1000"});
  CHECK(first.inspect("same-name")["pid"] != second.inspect("same-name")["pid"]);
  CHECK(second.berth({"rm", "-f", "same-name"}).code == 0);
  CHECK(second.stop() == "");
  CHECK(first.inspect("same-name")["state"] == "running");
}

TEST_CASE("SIGHUP does not end the daemon", "[crash]") {
  BERTH_NEEDS_RUNC();
  auto node = TestNode{plain_config()};
  ::kill(node.pid(), SIGHUP);
  CHECK(node.logs({"SIGHUP"}));
  CHECK(node.run("plain", {"--rm"}, {"/bin/true"}).code == 0);
}

TEST_CASE("when a monitor is killed its container is ended and nothing is left", "[crash]") {
  BERTH_NEEDS_RUNC();
  auto node = TestNode{plain_config()};
  node.run("plain", {"--rm"}, {"/bin/true"});
  auto before = node.census();
  auto survivor = start_counter(node, "plain", "orphan");
  auto monitors = processes_of(node.root(), node.pid());
  std::erase_if(monitors, [](int pid) { return process_name(pid) != "berth-monitor"; });
  REQUIRE(monitors.size() == 1);
  ::kill(monitors[0], SIGKILL);
  CHECK(eventually(10s, [&] { return node.inspect("orphan")["state"] == "exited"; }));
  CHECK_FALSE(is_alive(survivor.pid));
  CHECK(contains(node.inspect("orphan")["exit"]["reason"], "monitor"));
  CHECK(node.berth({"rm", "orphan"}).code == 0);
  CHECK(node.leaks_since(before) == "");
}
