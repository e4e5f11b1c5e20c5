#include "tests/e2e/nodes.hpp"

#include <filesystem>
#include <fstream>
#include <iostream>

#include <sys/mount.h>
#include <time.h>

using namespace berth;
using namespace berth::test;
using namespace std::chrono_literals;
namespace fs = std::filesystem;

namespace {

/// A container that ends with 7 when it is told to.
Argv obedient() {
  return shell("trap 'exit 7' TERM; echo ready; while :; do sleep 0.05; done");
}

void start_obedient(const TestNode& node, const std::string& id, Argv flags = {}) {
  flags.insert(flags.end(), {"--id", id});
  node.start("plain", flags, obedient());
  // An init without a handler takes no SIGTERM.
  REQUIRE(eventually(10s, [&] { return node.berth({"logs", id}).out == "ready\n"; }));
}

std::vector<std::string> story_of(const TestNode& node, const std::string& id, const std::string& last) {
  return types_of(node.events_until(id, last));
}

using Story = std::vector<std::string>;

Json reconciliation(const TestNode& node) {
  return node.query({"doctor", "--reconcile"});
}

std::vector<int> monitors_of(const TestNode& node) {
  auto result = processes_of(node.root(), node.has_ended() ? 0 : node.pid());
  std::erase_if(result, [](int pid) { return process_name(pid) != "berth-monitor"; });
  return result;
}

std::string note_of(const Json& ledger) {
  return ledger["notes"].dump();
}

} // namespace

TEST_CASE("the numbers of events go on over a restart, and a reader goes on with its cursor", "[takeover][events]") {
  BERTH_NEEDS_RUNC();
  auto node = TestNode{plain_config()};
  start_obedient(node, "a");
  auto before = node.events();
  auto cursor = node.last_event();
  node.kill_daemon();
  node.start_again();
  CHECK(node.berth({"stop", "a"}).code == 0);
  auto after = node.events();
  REQUIRE(after.size() > before.size());
  for (auto i = size_t{0}; i < after.size(); ++i)
    REQUIRE(after[i]["seq"] == i + 1);
  for (auto i = size_t{0}; i < before.size(); ++i)
    CHECK(after[i] == before[i]);
  auto news = node.events(cursor);
  REQUIRE_FALSE(news.empty());
  CHECK(news.front()["seq"] == cursor + 1);
  auto types = types_of(news);
  CHECK(std::count(types.begin(), types.end(), "node.started") == 1);
  CHECK(std::count(types.begin(), types.end(), "node.reconciled") == 1);
  CHECK(std::count(types.begin(), types.end(), "container.exited") == 1);
}

TEST_CASE("a reader that asks for events that are not kept any more is told how many", "[takeover][events]") {
  BERTH_NEEDS_RUNC();
  auto node = TestNode{plain_config("  eventHistory: 200\n")};
  // What is not kept goes when a thousand others have come.
  in_parallel(300, 2, [&](int i) { node.run("plain", {"--rm", "--id", "c" + std::to_string(i)}, {"/bin/true"}); });
  node.kill_daemon();
  node.start_again();
  auto done = node.berth({"events", "--since", "0", "--no-follow", "-o", "json"});
  auto first = Json::parse(lines_of(done.out).at(0));
  CHECK(first["type"] == "gap");
  auto missed = first["missed"].get<uint64_t>();
  CHECK(missed > 500);
  CHECK(Json::parse(lines_of(done.out).at(1))["seq"] == missed + 1);
}

TEST_CASE("OOM kills that happened while no daemon ran are told, before the exit", "[takeover][oom]") {
  BERTH_NEEDS_RUNC();
  auto node = TestNode{plain_config()};
  auto script = shell("while [ ! -e /signal/go ]; do sleep 0.05; done; /bin/inside eat-in-child 1; echo eaten; "
                      "while [ ! -e /signal/end ]; do sleep 0.05; done; /bin/inside eat-in-child 1; exit 3");
  auto signals = node.root() + "/signals";
  fs::create_directory(signals);
  node.start("plain", {"--id", "hungry", "--memory", "48m", "--mount", signals + ":/signal:ro"}, script);
  node.kill_daemon();
  std::ofstream{signals + "/go"};
  auto log = node.root() + "/state/logs/hungry/container.log";
  REQUIRE(eventually(30s, [&] { return contains(text_of(log), "eaten"); }));
  node.start_again();
  // It runs, and the kill that nobody saw is told.
  CHECK(story_of(node, "hungry", "container.oom") == Story{"container.accepted", "container.running", "container.oom"});
  CHECK(node.inspect("hungry")["oomKills"] == 1);
  node.kill_daemon();
  std::ofstream{signals + "/end"};
  auto exit_record = node.root() + "/run/containers/hungry/exit";
  REQUIRE(eventually(30s, [&] { return fs::exists(exit_record); }));
  node.start_again();
  CHECK(story_of(node, "hungry", "container.exited")
        == Story{"container.accepted", "container.running", "container.oom", "container.oom", "container.exited"});
  auto container = node.inspect("hungry");
  CHECK(container["oomKills"] == 2);
  CHECK(container["exit"]["code"] == 3);
  CHECK(container["exit"]["oomKilled"] == false);
}

TEST_CASE("a stop that was under way goes on after a restart, and its SIGKILL comes when it was due", "[takeover]") {
  BERTH_NEEDS_RUNC();
  auto node = TestNode{plain_config()};
  node.start("plain", {"--id", "stubborn"}, shell("trap '' TERM; echo ready; while :; do sleep 0.05; done"));
  REQUIRE(eventually(10s, [&] { return node.berth({"logs", "stubborn"}).out == "ready\n"; }));
  auto stopping = node.berth_beside({"stop", "-t", "4", "stubborn"});
  REQUIRE(eventually(10s, [&] { return node.inspect("stubborn")["state"] == "stopping"; }));
  node.kill_daemon();
  CHECK(stopping->finish(10s).code == 1);
  node.start_again();
  CHECK(node.inspect("stubborn")["state"] == "stopping");
  CHECK(node.berth({"wait", "stubborn"}).out == "137\n");
  CHECK(contains(node.inspect("stubborn")["exit"]["reason"], "stopped"));
}

TEST_CASE("adopted containers count for their pool, and stay in the generation that they were started in", "[takeover]") {
  BERTH_NEEDS_RUNC();
  auto limited = [](const std::string& limit) {
    return config_of("  pools:\n    plain: {maxContainers: " + limit + "}\n", patient_probe());
  };
  auto node = TestNode{limited("2")};
  start_obedient(node, "first");
  auto other = node.root() + "/other.yaml";
  std::ofstream{other} << limited("3");
  REQUIRE(node.berth({"apply", "-f", other}).code == 0);
  start_obedient(node, "second");
  node.kill_daemon();
  node.start_again();
  // What was applied is in effect, though the configured file says something else.
  auto pool = pool_of(node, "plain");
  INFO(pool.dump(1));
  CHECK(pool["generation"] == 2);
  CHECK(pool["running"] == 2);
  CHECK(pool["maxContainers"] == 3);
  REQUIRE(pool["draining"].size() == 1);
  CHECK(pool["draining"][0]["generation"] == 1);
  CHECK(pool["draining"][0]["containers"] == 1);
  auto history = node.query({"history"});
  REQUIRE(history.size() == 2);
  CHECK(history[1]["current"] == true);
  CHECK(history[1]["origin"] == "apply");
  start_obedient(node, "third");
  CHECK(contains(node.run("plain", {"--id", "fourth"}, {"/bin/true"}).err, "limit_reached"));
  CHECK(contains(node.run("plain", {"--id", "first"}, {"/bin/true"}).err, "duplicate_id"));
  CHECK(node.berth({"rollback"}).code == 0);
  CHECK(pool_of(node, "plain")["maxContainers"] == 2);
  // An edited file has its way at the next start.
  std::ofstream{node.config_path()} << limited("5");
  node.kill_daemon();
  node.start_again();
  CHECK(pool_of(node, "plain")["maxContainers"] == 5);
  CHECK(pool_of(node, "plain")["generation"] == 4);
  CHECK(pool_of(node, "plain")["running"] == 3);
  CHECK(node.query({"history"}).back()["origin"] == "start");
  CHECK(node.berth({"stop", "--all"}).code == 0);
  CHECK(eventually(10s, [&] { return pool_of(node, "plain")["draining"].empty(); }));
}

TEST_CASE("a container of a pool that was removed from the files meanwhile goes on until it ends", "[takeover]") {
  BERTH_NEEDS_RUNC();
  auto node = TestNode{config_of("  pools:\n    plain: {}\n    other: {}\n", patient_probe())};
  start_obedient(node, "a");
  std::ofstream{node.config_path()} << config_of("  pools:\n    other: {}\n", patient_probe());
  node.kill_daemon();
  node.start_again();
  CHECK(node.inspect("a")["state"] == "running");
  CHECK(contains(node.run("plain", {}, {"/bin/true"}).err, "unknown_pool"));
  CHECK(node.berth({"stop", "a"}).code == 0);
  CHECK(node.inspect("a")["exit"]["code"] == 7);
  CHECK(node.query({"pools"}).size() == 1);
}

TEST_CASE("a container whose monitor was killed while no daemon ran is ended and never shown as running", "[takeover][v2]") {
  BERTH_NEEDS_RUNC();
  auto node = TestNode{plain_config()};
  node.run("plain", {"--rm"}, {"/bin/true"});
  auto before = node.census();
  start_obedient(node, "lost");
  auto pid = node.inspect("lost")["pid"].get<int>();
  auto monitors = monitors_of(node);
  REQUIRE(monitors.size() == 1);
  node.kill_daemon();
  ::kill(monitors[0], SIGKILL);
  REQUIRE(eventually(10s, [&] { return !is_alive(monitors[0]); }));
  CHECK(is_alive(pid));
  node.start_again();
  CHECK(story_of(node, "lost", "container.exited") == Story{"container.accepted", "container.running", "container.exited"});
  CHECK_FALSE(is_alive(pid));
  CHECK(contains(node.inspect("lost")["exit"]["reason"], "monitor"));
  CHECK(node.berth({"rm", "lost"}).code == 0);
  CHECK(node.leaks_since(before) == "");
}

TEST_CASE("orphans are removed and listed, what is not understood is left alone and listed", "[takeover][v2]") {
  BERTH_NEEDS_RUNC();
  auto node = TestNode{plain_config()};
  start_obedient(node, "a");
  auto containers = node.root() + "/run/containers/";
  auto runtime_id = std::string{"orphanorphanorphanorphan22"};
  auto groups = std::vector<std::string>{};
  for (auto& hierarchy : cgroup_hierarchies())
    for (auto& entry : fs::directory_iterator{hierarchy})
      if (entry.is_directory() && fs::exists(entry.path() / "plain" / node.inspect("a")["runtimeId"].get<std::string>()))
        groups.push_back((entry.path() / "plain" / runtime_id).string());
  REQUIRE_FALSE(groups.empty());
  auto stray = Child::spawn({"sleep", "1000"}).value();
  node.kill_daemon();
  fs::create_directory(containers + "begun");
  fs::create_directory(containers + "not a container");
  fs::create_directory(node.root() + "/state/logs/nobody");
  fs::create_directory(node.root() + "/run/runc/plain/" + runtime_id);
  for (auto& group : groups) {
    fs::create_directory(group);
    std::ofstream{group + "/cgroup.procs"} << stray.pid();
  }
  node.start_again();
  auto ledger = reconciliation(node);
  INFO(ledger.dump(1));
  CHECK(ledger["containers"]["adopted"] == 1);
  CHECK(ledger["things"]["orphan"] == 3 + groups.size());
  CHECK(ledger["things"]["foreign"] == 1);
  for (auto& entry : ledger["entries"])
    CHECK(entry["problem"] == "");
  CHECK_FALSE(fs::exists(containers + "begun"));
  CHECK_FALSE(fs::exists(node.root() + "/state/logs/nobody"));
  CHECK_FALSE(fs::exists(node.root() + "/run/runc/plain/" + runtime_id));
  for (auto& group : groups)
    CHECK_FALSE(fs::exists(group));
  CHECK_FALSE(is_alive(stray.pid()));
  CHECK(fs::exists(containers + "not a container"));
  auto text = node.berth({"doctor", "--reconcile"}).out;
  CHECK(contains(text, "foreign"));
  CHECK(contains(text, "containers: 1 adopted, 0 finished"));
  fs::remove(containers + "not a container");
}

TEST_CASE("with a damaged journal the node comes up from what the monitors say, and tells what is lost", "[takeover][journal]") {
  BERTH_NEEDS_RUNC();
  auto node = TestNode{plain_config()};
  start_obedient(node, "goes-on");
  start_obedient(node, "ends");
  auto last = node.last_event();
  auto pid = node.inspect("goes-on")["pid"];
  node.kill_daemon();
  {
    auto file = std::fstream{node.root() + "/state/journal.db", std::ios::in | std::ios::out | std::ios::binary};
    file << "this is not a database any more, is it? " << std::string(4000, 'x');
  }
  fs::remove(node.root() + "/state/journal.db-wal");
  for (auto pid_of_end : monitors_of(node))
    if (contains(text_of("/proc/" + std::to_string(pid_of_end) + "/cmdline"), "ends"))
      for (auto child : processes_of(node.root(), 0))
        if (contains(text_of("/proc/" + std::to_string(child) + "/stat"), " " + std::to_string(pid_of_end) + " "))
          ::kill(child, SIGTERM);
  node.start_again();
  auto ledger = reconciliation(node);
  INFO(ledger.dump(1));
  CHECK(contains(note_of(ledger), "is kept as " + node.root() + "/state/journal.db.damaged"));
  CHECK(contains(note_of(ledger), "is not in the journal"));
  CHECK(node.inspect("goes-on")["state"] == "running");
  CHECK(node.inspect("goes-on")["pid"] == pid);
  CHECK(node.berth({"stop", "goes-on"}).code == 0);
  CHECK(node.inspect("goes-on")["exit"]["code"] == 7);
  // Numbers of events that were told are not given again.
  auto events = node.events(last);
  REQUIRE_FALSE(events.empty());
  CHECK(events.front()["seq"].get<uint64_t>() > last);
  CHECK(fs::exists(node.root() + "/state/journal.db.damaged"));
}

TEST_CASE("on a full disk launches are refused, what runs is managed, and nothing is lost", "[takeover][journal]") {
  BERTH_NEEDS_RUNC();
  auto node = TestNode{plain_config()};
  REQUIRE(node.terminate() == 0);
  auto state = node.root() + "/state";
  REQUIRE(::mount("berth-test", state.c_str(), "tmpfs", 0, "size=4m") == 0);
  struct Unmount {
    TestNode& node;
    std::string path;
    ~Unmount() {
      node.remove_all();
      if (!node.has_ended())
        node.terminate();
      ::umount2(path.c_str(), MNT_DETACH);
      node.start_again();
    }
  } unmount{node, state};
  node.start_again();
  start_obedient(node, "before");
  auto cursor = node.last_event();
  auto ballast = state + "/ballast";
  auto fill = [&] {
    auto file = std::ofstream{ballast, std::ios::binary | std::ios::app};
    while (file << std::string(4096, 'x') << std::flush)
      continue;
  };
  fill();
  auto refused = Output{};
  // The journal may have some room of its own left.
  REQUIRE(eventually(60s, [&] {
    fill();
    refused = node.run("plain", {"--rm"}, {"/bin/true"});
    return refused.code == 125;
  }));
  INFO(describe(refused));
  CHECK(contains(refused.err, "journal_failed: "));
  CHECK(contains(refused.err, "disk is full"));
  CHECK(node.inspect("before")["state"] == "running");
  CHECK(node.berth({"stop", "before"}).code == 0);
  CHECK(node.inspect("before")["exit"]["code"] == 7);
  CHECK(node.logs({"journal cannot be written"}));
  fs::remove(ballast);
  CHECK(node.logs({"journal is written again"}, 20s));
  CHECK(node.run("plain", {"--rm"}, {"/bin/true"}).code == 0);
  CHECK(story_of(node, "before", "container.exited") == Story{"container.accepted", "container.running", "container.exited"});
  auto seen = cursor;
  for (auto& event : node.events(cursor))
    CHECK(event["seq"] == ++seen);
  node.kill_daemon();
  node.start_again();
  CHECK(node.inspect("before")["exit"]["code"] == 7);
}

TEST_CASE("a drained node ends its containers, refuses launches, also after a crash, until that is taken back", "[takeover][drain]") {
  BERTH_NEEDS_RUNC();
  auto node = TestNode{config_of("  pools:\n    plain: {maxContainers: 3, queue: {length: 1, timeout: 60s}}\n", patient_probe())};
  for (auto id : {"a", "b"})
    start_obedient(node, id);
  node.start("plain", {"--id", "short"}, shell("sleep 1; exit 5"));
  auto waiting = node.berth_beside(TestNode::run_arguments("plain", {"--id", "queued"}, {"/bin/true"}));
  REQUIRE(eventually(10s, [&] { return pool_of(node, "plain")["queued"] == 1; }));
  auto drained = node.query({"drain", "--deadline", "3s"});
  CHECK(drained["ended"] == 3);
  CHECK(drained["stopped"] == 2);
  auto refused = waiting->finish(10s);
  CHECK(contains(refused.err, "draining: "));
  CHECK(node.inspect("a")["exit"]["code"] == 7);
  CHECK(node.inspect("short")["exit"]["code"] == 5);
  CHECK(contains(node.run("plain", {}, {"/bin/true"}).err, "draining: "));
  node.kill_daemon();
  node.start_again();
  CHECK(contains(node.run("plain", {}, {"/bin/true"}).err, "draining: "));
  CHECK(node.logs({"WARN", "node is drained, launches are refused", "berth drain --cancel"}));
  CHECK(node.berth({"drain", "--cancel"}).code == 0);
  CHECK(node.run("plain", {"--rm"}, {"/bin/true"}).code == 0);
  auto types = types_of(node.events());
  for (auto type : {"node.draining", "node.drained", "node.undrained"})
    CHECK(std::count(types.begin(), types.end(), type) == 1);
}

TEST_CASE("many running containers are taken over in a moment", "[takeover][many][v2]") {
  BERTH_NEEDS_RUNC();
  auto count = count_from_env("BERTH_TEST_ADOPTIONS", 60, 10);
  auto node = TestNode{plain_config()};
  auto failed = std::atomic<int>{0};
  in_parallel(count, 4, [&](int i) {
    auto done = node.berth(TestNode::run_arguments("plain", {"-d", "--id", "m" + std::to_string(i)}, {"/bin/sleep", "100000"}), 120s);
    failed += done.code == 0 ? 0 : 1;
  });
  REQUIRE(failed == 0);
  auto before = std::map<std::string, Json>{};
  for (auto& container : node.query({"ps"}))
    before[container["id"]] = container["pid"];
  node.kill_daemon();
  auto began = std::chrono::steady_clock::now();
  node.start_again(TestNode::Start::only);
  REQUIRE(eventually(30s, [&] { return node.berth({"version", "-o", "json"}).code == 0 && fs::exists(node.socket())
                                       && node.berth({"doctor", "--reconcile", "-o", "json"}).code == 0; }));
  auto took = std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now() - began).count();
  auto ledger = reconciliation(node);
  CHECK(ledger["containers"]["adopted"] == count);
  CHECK(ledger["things"]["orphan"] == 0);
  auto all_run = [&] {
    auto now = node.query({"ps"});
    return now.size() == static_cast<size_t>(count)
           && std::all_of(now.begin(), now.end(), [&](auto& x) { return x["state"] == "running" && x["pid"] == before[x["id"]]; });
  };
  CHECK(eventually(10s, all_run));
  // A daemon that ends in the middle of its probe leaves the groups to the probe's monitor.
  CHECK(eventually(60s, [&] { return pool_of(node, "plain")["state"] == "ready"; }));
  std::cout << count << " running containers: the API answers and all are classified " << took
            << " ms after the start of the process (polled through the command), reconciliation " << ledger["tookMs"] << " ms\n";
}

TEST_CASE("berthd stops its containers when it ends, if it was told to", "[takeover][drain]") {
  BERTH_NEEDS_RUNC();
  auto node = TestNode{config_of("  terminationGracePeriod: 1s\n  pools:\n    plain: {}\n", patient_probe())};
  start_obedient(node, "a");
  node.start("plain", {"--id", "stubborn"}, shell("trap '' TERM; echo ready; while :; do sleep 0.05; done"));
  REQUIRE(eventually(10s, [&] { return node.berth({"logs", "stubborn"}).out == "ready\n"; }));
  node.kill_daemon();
  node.become("berthd", {}, {"--stop-containers"});
  node.start_again();
  start_obedient(node, "b");
  CHECK(node.terminate(60s) == 0);
  // They clean up after their containers.
  CHECK(eventually(10s, [&] { return monitors_of(node).empty(); }));
  node.become("berthd", {});
  node.start_again();
  for (auto id : {"a", "b"})
    CHECK(node.inspect(id)["exit"]["code"] == 7);
  CHECK(node.inspect("stubborn")["exit"]["code"] == 137);
  // It was no drain that lasts.
  CHECK(node.run("plain", {"--rm"}, {"/bin/true"}).code == 0);
}

// Hidden, because it sets the clock of the machine: for a VM (tests/vm/guest-suite).
TEST_CASE("a clock that is set back confuses nothing", "[.clock]") {
  BERTH_NEEDS_RUNC();
  struct Clock {
    timespec real{};
    timespec mono{};

    Clock() {
      ::clock_gettime(CLOCK_REALTIME, &real);
      ::clock_gettime(CLOCK_MONOTONIC, &mono);
    }

    void set_back(time_t seconds) const {
      auto time = real;
      time.tv_sec -= seconds;
      REQUIRE(::clock_settime(CLOCK_REALTIME, &time) == 0);
    }

    ~Clock() {
      auto now = timespec{};
      ::clock_gettime(CLOCK_MONOTONIC, &now);
      auto time = real;
      time.tv_sec += now.tv_sec - mono.tv_sec;
      ::clock_settime(CLOCK_REALTIME, &time);
    }
  } clock;
  auto node = TestNode{plain_config()};
  start_obedient(node, "a");
  auto pid = node.inspect("a")["pid"];
  auto cursor = node.last_event();
  node.kill_daemon();
  clock.set_back(24 * 3600);
  node.start_again();
  CHECK(node.inspect("a")["state"] == "running");
  CHECK(node.inspect("a")["pid"] == pid);
  CHECK(node.run("plain", {"--rm", "--id", "b"}, {"/bin/echo", "b"}).out == "b\n");
  CHECK(node.berth({"stop", "a"}).code == 0);
  CHECK(node.inspect("a")["exit"]["code"] == 7);
  CHECK(node.berth({"ps", "-a"}).code == 0);
  auto seen = cursor;
  for (auto& event : node.events(cursor))
    CHECK(event["seq"] == ++seen);
  CHECK(story_of(node, "a", "container.exited") == Story{"container.accepted", "container.running", "container.exited"});
}
