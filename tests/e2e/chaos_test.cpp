#include "tests/e2e/load.hpp"

#include "runtimes/linux/pidfd.hpp"

#include <csignal>
#include <iostream>

using namespace berth;
using namespace berth::test;
using namespace std::chrono_literals;

namespace {

/// A client that looks and touches while actors die: whatever it asks is answered, with what it asked for or with `restarting`.
struct Busybody {
  std::atomic<bool> stop = false;
  int done = 0;
  int put_off = 0;
  std::vector<std::string> wrong;
  std::thread thread;

  explicit Busybody(const TestNode& node, const std::string& pool) : thread([&node, pool, this] { work(node, pool); }) {
    // nop
  }

  ~Busybody() {
    finish();
  }

  void finish() {
    stop = true;
    if (thread.joinable())
      thread.join();
  }

private:
  /// The last answer; asks again where an actor was being started again.
  Output ask(const TestNode& node, const Argv& args) {
    for (;;) {
      auto answer = node.berth(args, 60s);
      ++done;
      if (answer.code == 0 || !contains(answer.err, "restarting: "))
        return answer;
      ++put_off;
    }
  }

  void expect(const Output& answer, bool good, const std::string& what) {
    if (!good)
      wrong.push_back(what + ": " + describe(answer));
  }

  void work(const TestNode& node, const std::string& pool) {
    for (auto i = 0; !stop; ++i) {
      auto id = "b-" + std::to_string(i);
      auto run = TestNode::run_arguments(pool, {"-d", "--id", id},
                                         shell("trap 'exit 7' TERM; echo ready; while :; do sleep 0.05; done"));
      auto started = ask(node, run);
      expect(started, started.code == 0, "run");
      if (started.code != 0)
        continue;
      // An init without a handler takes no SIGTERM.
      if (!eventually(std::chrono::seconds{20}, [&] { return ask(node, {"logs", id}).out == "ready\n"; }))
        wrong.push_back("logs of " + id);
      auto inspected = ask(node, {"inspect", id});
      expect(inspected, inspected.code == 0 && contains(inspected.out, "\"running\""), "inspect");
      auto listed = ask(node, {"ps", "-q"});
      expect(listed, listed.code == 0 && contains(listed.out, id + "\n"), "ps");
      auto pools = ask(node, {"pools"});
      expect(pools, pools.code == 0 && contains(pools.out, pool), "pools");
      auto stopped = ask(node, {"stop", id});
      expect(stopped, stopped.code == 0, "stop");
      auto waited = ask(node, {"wait", id});
      expect(waited, waited.out == "7\n", "wait");
      auto removed = ask(node, {"rm", id});
      expect(removed, removed.code == 0 || contains(removed.err, "unknown_container"), "rm");
    }
  }
};

/// A client whose containers take more memory than they may.
struct Glutton {
  std::atomic<bool> stop = false;
  std::vector<std::string> eaten;
  std::vector<std::string> wrong;
  std::thread thread;

  explicit Glutton(const TestNode& node) : thread([&node, this] {
    for (auto i = 0; !stop; ++i) {
      auto id = "o-" + std::to_string(i);
      auto done = node.run("plain", {"--rm", "--id", id, "--memory", "32m"}, {"/bin/inside", "eat"}, 120s);
      if (done.code == 137)
        eaten.push_back(id);
      else if (!contains(done.err, "restarting: "))
        wrong.push_back(id + ": " + describe(done));
    }
  }) {
    // nop
  }

  ~Glutton() {
    finish();
  }

  void finish() {
    stop = true;
    if (thread.joinable())
      thread.join();
  }

  /// Each kill was told once, before the exit, which says so.
  void check(const std::vector<Json>& events) const {
    for (auto& what : wrong)
      FAIL_CHECK(what);
    for (auto& id : eaten) {
      auto kills = uint64_t{0};
      auto exits = 0;
      for (auto& event : events) {
        if (event.value("container", "") != id)
          continue;
        if (event["type"] == "container.oom") {
          kills += event["data"]["newKills"].get<uint64_t>();
          CHECK(exits == 0);
        }
        if (event["type"] == "container.exited") {
          ++exits;
          INFO(event.dump());
          CHECK(event["data"]["oomKilled"] == true);
        }
      }
      INFO(id);
      CHECK(kills == 1);
      CHECK(exits == 1);
    }
  }
};

/// Kills actors at random beside a load, and looks at what came of it.
void fight(const std::string& runtime, const std::string& what, int kills, const std::string& config) {
  ::setenv("BERTH_CHAOS_KILLS", std::to_string(kills).c_str(), 1);
  auto running = TestNode::with_program("chaotic_berthd", config);
  ::unsetenv("BERTH_CHAOS_KILLS");
  auto& node = *running;
  auto keeper = node.start("plain", {"--id", "keeper"}, shell("trap 'exit 42' USR1; while :; do sleep 0.1; done"));
  auto before = node.inspect(keeper);
  auto start_time = process_start_time(before["pid"].get<int>());
  {
    auto load = Load{node, "plain"};
    auto busybody = Busybody{node, "plain"};
    auto glutton = Glutton{node};
    REQUIRE(::kill(node.pid(), SIGUSR1) == 0);
    CHECK(node.logs({"the enemy is done"}, stretched(std::chrono::seconds{60 + kills})));
    load.finish();
    busybody.finish();
    glutton.finish();
    for (auto& wrong : load.wrong)
      FAIL_CHECK(wrong);
    for (auto& wrong : busybody.wrong)
      FAIL_CHECK(wrong);
    check_events(node, runtime, load.launched);
    auto events = node.events();
    if (runtime == "runc")
      glutton.check(events);
    auto deaths = std::map<std::string, int>{};
    for (auto& event : events)
      if (event["type"] == "actor.restarted")
        ++deaths[event["data"]["actor"]];
    auto told = std::string{};
    for (auto& [kind, count] : deaths)
      told += (told.empty() ? "" : ", ") + kind + " " + std::to_string(count);
    std::cout << "\n" << kills << " actors killed at random under load, " << what << ": restarted " << told << "; "
              << load.launched << " launches ran to their end, " << load.refused << " were refused; " << busybody.done
              << " other commands, " << busybody.put_off << " put off; " << glutton.eaten.size() << " OOM kills\n"
              << std::flush;
    for (auto kind : {"pool", "selector", "runtime", "container", "oom"})
      CHECK(deaths[kind] > 0);
    CHECK(pool_of(node, "plain")["restarts"].get<int>() > 0);
  }
  auto after = node.inspect(keeper);
  CHECK(after["pid"] == before["pid"]);
  CHECK(process_start_time(after["pid"].get<int>()) == start_time);
  CHECK(node.berth({"kill", "-s", "USR1", keeper}).code == 0);
  CHECK(node.berth({"wait", keeper}).out == "42\n");
}

} // namespace

TEST_CASE("actors that are killed at random under load come back, and nothing is lost", "[chaos]") {
  BERTH_NEEDS_RUNC();
  auto kills = count_from_env("BERTH_TEST_ACTOR_KILLS", 500, 50);
  SECTION("on the fake runtime") {
    fight("runc", "fake runtime", kills,
          config_of("  pools:\n    plain: {maxContainers: 12, queue: {length: 100, timeout: 60}}\n",
                    patient_probe() + "  eventHistory: 1000000\n  runtimes: {runc: " + built_program("fake_runtime") + "}\n"));
  }
  SECTION("on gVisor") {
    BERTH_NEEDS_GVISOR();
    fight("gvisor", "gVisor", kills / 10,
          config_of("  pools:\n    plain:\n      runtime: gvisor\n      " + gvisor_config() + "\n",
                    patient_probe() + "  eventHistory: 1000000\n"));
  }
  SECTION("on runc") {
    fight("runc", "runc", kills / 5,
          config_of("  pools:\n    plain: {}\n", patient_probe() + "  eventHistory: 1000000\n"));
  }
}
