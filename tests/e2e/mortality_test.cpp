#include "tests/e2e/nodes.hpp"

#include <atomic>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <mutex>
#include <random>
#include <set>
#include <thread>

using namespace berth;
using namespace berth::test;
using namespace std::chrono_literals;
namespace fs = std::filesystem;

namespace {

/// Kills of each kind of event a container may have: at most one, and in the end one of each pair.
struct Story {
  std::map<std::string, int> counts;

  int count(const std::string& type) const {
    auto found = counts.find("container." + type);
    return found == counts.end() ? 0 : found->second;
  }

  /// What is wrong with it once everything is removed; empty if nothing is.
  std::string fault() const {
    auto result = std::string{};
    for (auto type : {"accepted", "running", "exited", "failed", "removed"})
      if (count(type) > 1)
        result += std::string{" "} + type + " was told " + std::to_string(count(type)) + " times;";
    if (count("accepted") == 1 && count("exited") + count("failed") != 1)
      result += " it was accepted, and exited or failed " + std::to_string(count("exited") + count("failed")) + " times;";
    if (count("accepted") == 1 && count("removed") != 1)
      result += " it was not removed;";
    if (count("running") != count("exited"))
      result += " it ran " + std::to_string(count("running")) + " times and exited " + std::to_string(count("exited")) + " times;";
    return result;
  }
};

std::map<std::string, Story> stories_of(const TestNode& node, uint64_t since) {
  auto result = std::map<std::string, Story>{};
  auto last = since;
  for (auto& event : node.events(since)) {
    // Without a gap, whoever died.
    CHECK(event["seq"] == ++last);
    if (auto id = event.value("container", ""); !id.empty())
      ++result[id].counts[event["type"]];
  }
  return result;
}

/// Each start of a container's program leaves a line.
size_t starts_of(const TestNode& node, const std::string& id) {
  return lines_of(text_of(node.root() + "/marks/" + id)).size();
}

Argv marking(const std::string& id, const std::string& then) {
  return shell("trap 'exit 7' TERM; echo x >> /marks/" + id + "; " + then);
}

Output launch(const TestNode& node, const std::string& id, Argv flags, const std::string& then) {
  flags.insert(flags.end(), {"--id", id, "--mount", node.root() + "/marks:/marks"});
  return node.run("plain", flags, marking(id, then), 60s);
}

const auto endless = std::string{"while :; do sleep 0.05; done"};

/// What users do with a node, one thing after the other, and what they were told.
struct Scenario {
  bool launched = false;
  bool stop_begun = false;
  bool remove_begun = false;
  bool applied = false;
  bool ran = false;

  void run(const TestNode& node, const std::string& tag, const std::string& next_config) {
    launched = launch(node, "a" + tag, {"-d"}, endless).code == 0;
    ran = launch(node, "b" + tag, {"--rm"}, "exit 3").code == 3;
    if (node.has_ended())
      return;
    stop_begun = true;
    node.berth({"stop", "a" + tag});
    applied = node.berth({"apply", "-f", next_config}).code == 0;
    launch(node, "c" + tag, {"-d"}, endless);
    node.berth({"rm", "-f", "c" + tag});
    if (node.has_ended())
      return;
    remove_begun = true;
    node.berth({"rm", "a" + tag});
  }
};

struct FaultPoint {
  std::string name;
  int pass = 0;
};

/// All points that a scenario passes, each time it does.
std::vector<FaultPoint> points_in(const std::string& path) {
  auto result = std::vector<FaultPoint>{};
  auto passes = std::map<std::string, int>{};
  for (auto& name : lines_of(text_of(path)))
    result.push_back({name, ++passes[name]});
  return result;
}

std::string config_with(const std::string& pool, int limit) {
  return config_of("  pools:\n    plain: {" + pool + "maxContainers: " + std::to_string(limit) + "}\n", patient_probe());
}

void start_armed(TestNode& node, const std::string& fault) {
  node.become("mortal_berthd", {"BERTH_FAULT=" + fault});
  node.start_again(TestNode::Start::only);
  // Until its pool serves, or until it is dead.
  eventually(60s, [&] { return node.has_ended() || contains(node.berth({"pools"}).out, "ready"); });
}

void end(TestNode& node) {
  if (node.has_ended())
    node.wait_for_exit();
  else
    node.kill_daemon();
}

/// Kills berthd at every point of the scenario, or at so many of them, and looks what the next one makes of it.
void die_everywhere(const std::string& pool, int most) {
  auto node_ptr = TestNode::with_program("mortal_berthd", config_with(pool, 10));
  auto& node = *node_ptr;
  fs::create_directory(node.root() + "/marks");
  auto configs = std::vector<std::string>{};
  for (auto limit : {11, 12}) {
    configs.push_back(node.root() + "/next-" + std::to_string(limit) + ".yaml");
    std::ofstream{configs.back()} << config_with(pool, limit);
  }
  node.run("plain", {"--rm"}, {"/bin/true"});
  REQUIRE(node.remove_all().code == 0);
  auto clean = node.census();
  node.kill_daemon();

  auto record = node.root() + "/points";
  start_armed(node, "record:" + record);
  Scenario{}.run(node, "-record", configs[0]);
  REQUIRE(node.remove_all().code == 0);
  node.kill_daemon();
  auto points = points_in(record);
  auto names = std::set<std::string>{};
  for (auto& point : points)
    names.insert(point.name);
  CHECK(names.size() > 25);
  auto chosen = std::vector<FaultPoint>{};
  auto wanted = most == 0 ? points.size() : std::min(points.size(), static_cast<size_t>(most));
  for (auto i = size_t{0}; i < wanted; ++i)
    chosen.push_back(points[i * points.size() / wanted]);

  auto died = 0;
  auto verdicts = std::map<std::string, int>{};
  auto round = 0;
  for (auto& point : chosen) {
    auto tag = "-" + std::to_string(++round);
    CAPTURE(point.name, point.pass, tag);
    node.become("mortal_berthd", {});
    node.start_again();
    auto since = node.last_event();
    auto limit_before = pool_of(node, "plain")["maxContainers"];
    node.kill_daemon();
    start_armed(node, point.name + ":" + std::to_string(point.pass));
    auto scenario = Scenario{};
    scenario.run(node, tag, configs[static_cast<size_t>(round % 2)]);
    died += node.has_ended() ? 1 : 0;
    end(node);

    node.become("mortal_berthd", {});
    node.start_again();
    auto ledger = node.query({"doctor", "--reconcile"});
    INFO(ledger.dump(1));
    for (auto& entry : ledger["entries"]) {
      ++verdicts[entry["kind"].get<std::string>() + " " + entry["verdict"].get<std::string>()];
      CHECK(entry["problem"] == "");
      CHECK(entry["verdict"] != "foreign");
    }
    // No container lost, none started twice.
    if (scenario.launched) {
      CHECK(starts_of(node, "a" + tag) == 1);
      auto listed = node.berth({"inspect", "a" + tag});
      if (!scenario.stop_begun)
        CHECK(contains(listed.out, "\"running\""));
      else if (!scenario.remove_begun)
        CHECK(listed.code == 0);
    }
    for (auto id : {"a", "b", "c"})
      CHECK(starts_of(node, id + tag) <= 1);
    if (scenario.ran)
      CHECK(starts_of(node, "b" + tag) == 1);
    if (scenario.applied)
      CHECK(pool_of(node, "plain")["maxContainers"] == 11 + round % 2);
    else
      CHECK((pool_of(node, "plain")["maxContainers"] == 11 + round % 2 || pool_of(node, "plain")["maxContainers"] == limit_before));
    // What was given up goes by itself, the rest when it is told to.
    REQUIRE(node.remove_all().code == 0);
    REQUIRE(eventually(20s, [&] { return node.query({"ps", "-a"}).empty(); }));
    CHECK(node.run("plain", {"--rm"}, {"/bin/true"}).code == 0);
    for (auto& [id, story] : stories_of(node, since)) {
      INFO(id << ":" << story.fault());
      CHECK(story.fault().empty());
    }
    CHECK(node.leaks_since(clean) == "");
    node.kill_daemon();
  }
  node.become("mortal_berthd", {});
  node.start_again();
  std::cout << "fault points: " << names.size() << " places, passed " << points.size() << " times; berthd was killed at " << died
            << " of " << chosen.size() << " chosen; the next one found\n";
  for (auto& [what, count] : verdicts)
    std::cout << "  " << count << " x " << what << "\n";
}

} // namespace

TEST_CASE("whatever step berthd dies at, the next one accounts for everything: runc", "[mortality][runc][v2]") {
  BERTH_NEEDS_RUNC();
  die_everywhere("", count_from_env("BERTH_TEST_FAULTS", 24, 3));
}

TEST_CASE("whatever step berthd dies at, the next one accounts for everything: gVisor", "[mortality][gvisor]") {
  BERTH_NEEDS_GVISOR();
  die_everywhere("runtime: gvisor, onRuntimeUnavailable: fail, overrides: deny, " + gvisor_config() + ", ",
                 count_from_env("BERTH_TEST_FAULTS_GVISOR", 8, 2));
}

TEST_CASE("berthd and monitors are killed at random under load, and every launch has one end", "[mortality][random]") {
  BERTH_NEEDS_RUNC();
  auto kills = count_from_env("BERTH_TEST_BERTHD_KILLS", 25, 4);
  auto seed = static_cast<unsigned>(count_from_env("BERTH_TEST_SEED", static_cast<int>(std::random_device{}() >> 1), 1));
  CAPTURE(seed);
  auto random = std::mt19937{seed};
  auto node = TestNode{plain_config("  eventHistory: 1000000\n")};
  fs::create_directory(node.root() + "/marks");
  node.run("plain", {"--rm"}, {"/bin/true"});
  auto clean = node.census();
  auto since = node.last_event();
  auto stop = std::atomic<bool>{false};
  auto acknowledged = std::vector<std::string>{};
  auto mutex = std::mutex{};
  auto clients = std::vector<std::thread>{};
  for (auto client = 0; client < 4; ++client)
    clients.emplace_back([&, client] {
      for (auto i = 0; !stop; ++i) {
        auto id = "k" + std::to_string(client) + "-" + std::to_string(i);
        auto done = launch(node, id, {"--rm"}, "sleep 0.1; exit 3");
        auto guard = std::lock_guard{mutex};
        if (done.code == 3)
          acknowledged.push_back(id);
      }
    });
  auto monitors_killed = 0;
  for (auto i = 0; i < kills; ++i) {
    eventually(std::chrono::milliseconds{20 + random() % 2500}, [] { return false; });
    auto monitors = std::vector<int>{};
    if (random() % 3 == 0)
      for (auto pid : processes_of(node.root(), node.pid()))
        if (process_name(pid) == "berth-monitor")
          monitors.push_back(pid);
    if (!monitors.empty() && ::kill(monitors[random() % monitors.size()], SIGKILL) == 0)
      ++monitors_killed;
    node.kill_daemon();
    node.start_again(TestNode::Start::only);
  }
  stop = true;
  for (auto& client : clients)
    client.join();
  node.kill_daemon();
  node.start_again();
  REQUIRE(eventually(60s, [&] { return node.query({"ps", "-a"}).empty(); }));
  auto stories = stories_of(node, since);
  auto ran = 0;
  auto failed = 0;
  for (auto& [id, story] : stories) {
    INFO(id << ":" << story.fault());
    CHECK(story.fault().empty());
    CHECK(starts_of(node, id) <= 1);
    ran += story.count("exited");
    failed += story.count("failed");
  }
  for (auto& id : acknowledged) {
    INFO(id);
    CHECK(stories[id].count("exited") == 1);
    CHECK(starts_of(node, id) == 1);
  }
  CHECK(node.leaks_since(clean) == "");
  std::cout << "random kills (seed " << seed << "): berthd " << kills << " times, monitors " << monitors_killed << " times; "
            << stories.size() << " launches were accepted, " << ran << " ran to an end, " << failed
            << " were given up and said so, " << acknowledged.size() << " were answered with their exit code\n";
}
