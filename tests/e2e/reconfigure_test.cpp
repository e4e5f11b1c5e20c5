#include "tests/e2e/load.hpp"

#include "runtimes/linux/pidfd.hpp"

#include <csignal>
#include <filesystem>
#include <fstream>
#include <iostream>

using namespace berth;
using namespace berth::test;
using namespace std::chrono_literals;

namespace {

std::string write_config(const TestNode& node, const std::string& name, const std::string& text) {
  auto path = node.root() + "/" + name;
  std::ofstream{path} << text;
  return path;
}

/// The numbers of many receipts.
struct Numbers {
  std::vector<double> prepare;
  std::vector<double> commit;

  void add(const Json& receipt) {
    prepare.push_back(receipt["phases"]["prepareMs"]);
    commit.push_back(receipt["phases"]["commitMs"]);
  }

  static std::string text(std::vector<double> values) {
    std::sort(values.begin(), values.end());
    char result[96];
    std::snprintf(result, sizeof(result), "median %.1f ms, max %.1f ms", values[values.size() / 2], values.back());
    return result;
  }
};

} // namespace

TEST_CASE("a pool is swapped from runc to gVisor and back under load, and nothing is lost", "[reconfigure]") {
  BERTH_NEEDS_GVISOR();
  auto swaps = count_from_env("BERTH_TEST_REAL_SWAPS", 12, 2);
  auto on_runc = config_of("  pools:\n    plain: {}\n", patient_probe());
  auto on_gvisor = config_of("  pools:\n    plain:\n      runtime: gvisor\n      " + gvisor_config() + "\n", patient_probe());
  auto node = TestNode{on_runc + "  eventHistory: 1000000\n"};
  auto files = std::vector<std::string>{write_config(node, "gvisor.yaml", on_gvisor + "  eventHistory: 1000000\n"),
                                        write_config(node, "runc.yaml", on_runc + "  eventHistory: 1000000\n")};
  auto keeper = node.start("plain", {"--id", "keeper"}, shell("trap 'exit 42' USR1; " + std::string{"while :; do sleep 0.1; done"}));
  auto before = node.inspect(keeper);
  auto start_time = process_start_time(before["pid"].get<int>());
  auto numbers = Numbers{};
  auto load = Load{node, "plain"};
  for (auto i = 0; i < swaps; ++i) {
    auto done = node.berth({"apply", "-f", files[static_cast<size_t>(i) % 2], "--timeout", stretched_seconds(120), "-o", "json"},
                           200s);
    INFO(describe(done));
    REQUIRE(done.code == 0);
    auto receipt = Json::parse(done.out);
    CHECK(receipt["revision"] == i + 2);
    CHECK(receipt["pools"][0]["newRuntime"] == (i % 2 == 0 ? "gvisor" : "runc"));
    for (auto& pinned : receipt["pinned"])
      CHECK(pinned["untouched"] == true);
    numbers.add(receipt);
  }
  load.finish();
  for (auto& wrong : load.wrong)
    FAIL_CHECK(wrong);
  check_events(node, "runc", load.launched);
  // Whoever lived through all of it is the same process, and is still signalled in its own way.
  auto after = node.inspect(keeper);
  CHECK(after["pid"] == before["pid"]);
  CHECK(process_start_time(after["pid"].get<int>()) == start_time);
  CHECK(after["generation"] == 1);
  CHECK(node.berth({"kill", "-s", "USR1", keeper}).code == 0);
  CHECK(node.berth({"wait", keeper}).out == "42\n");
  std::cout << "\n" << swaps << " swaps of real runtimes under load: " << load.launched << " launches; prepare "
            << Numbers::text(numbers.prepare) << "; commit " << Numbers::text(numbers.commit) << "\n" << std::flush;
}

TEST_CASE("a pool is swapped many times under load, every tenth time in vain, and nothing is lost", "[reconfigure]") {
  BERTH_NEEDS_RUNC();
  auto swaps = count_from_env("BERTH_TEST_SWAPS", 200, 20);
  auto fake = built_program("fake_runtime");
  auto config = [&](int max, const std::string& runc) {
    return config_of("  pools:\n    plain: {maxContainers: " + std::to_string(max) + "}\n",
                     patient_probe() + "  eventHistory: 1000000\n  runtimes: {runc: " + runc + "}\n");
  };
  auto node = TestNode{config(100, fake)};
  auto bad = write_config(node, "bad.yaml", config(300, "/no/such/runc"));
  auto numbers = Numbers{};
  auto refused = 0;
  auto load = Load{node, "plain"};
  for (auto i = 0; i < swaps; ++i) {
    auto fails = i % 10 == 9;
    auto file = fails ? bad : write_config(node, "good.yaml", config(101 + i, fake));
    auto done = node.berth({"apply", "-f", file, "-o", "json"}, 200s);
    INFO(describe(done));
    CHECK(done.code == (fails ? 1 : 0));
    if (fails) {
      ++refused;
      CHECK(contains(done.err, "/no/such/runc"));
    } else {
      numbers.add(Json::parse(done.out));
    }
  }
  load.finish();
  for (auto& wrong : load.wrong)
    FAIL_CHECK(wrong);
  check_events(node, "runc", load.launched);
  auto pool = pool_of(node, "plain");
  CHECK(pool["generation"] == 1 + swaps - refused);
  CHECK(pool["draining"].empty());
  std::cout << "\n" << swaps << " swaps on the fake runtime under load, " << refused << " of them in vain: " << load.launched
            << " launches; prepare " << Numbers::text(numbers.prepare) << "; commit " << Numbers::text(numbers.commit) << "\n"
            << std::flush;
}

TEST_CASE("the commands of a change have the forms that scripts rely on", "[reconfigure]") {
  BERTH_NEEDS_RUNC();
  auto node = TestNode{plain_config()};
  auto same = node.config_path();
  auto other = write_config(node, "other.yaml", config_of("  pools:\n    plain: {maxContainers: 7}\n    more: {}\n", patient_probe()));
  auto wrong = write_config(node, "wrong.yaml", "worker: {pools: {plain: {runtme: runc}}}");
  CHECK(node.berth({"plan", "-f", same}).code == 0);
  auto planned = node.berth({"plan", "-f", other});
  INFO(describe(planned));
  CHECK(planned.code == 2);
  CHECK(contains(planned.out, "+ pool more"));
  CHECK(contains(planned.out, "maxContainers: unlimited -> 7 (" + other));
  auto bad = node.berth({"plan", "-f", wrong});
  CHECK(bad.code == 1);
  CHECK(contains(bad.err, wrong + ":1:26: pools.plain: unknown key \"runtme\""));
  auto broken = write_config(node, "broken.yaml", config_of("  pools:\n    plain: {}\n", patient_probe() + "  runtimes: {runc: /no/such/runc}\n"));
  auto refused = node.berth({"plan", "-f", broken});
  INFO(describe(refused));
  CHECK(refused.code == 2);
  CHECK(contains(refused.out, "An apply would be REFUSED:\n    pool plain: it could not serve with the new settings"));
  CHECK(contains(node.berth({"plan", "-f", broken, "--no-try-out"}).out, "Whether the runtimes work was not tried out.\n"));
  CHECK(node.berth({"apply", "-f", wrong}).code == 1);
  CHECK(node.berth({"apply", "-f", "/no/such/file"}).code == 1);
  CHECK(pool_of(node, "plain")["generation"] == 1);
  auto applied = node.berth({"apply", "-f", other});
  INFO(describe(applied));
  CHECK(applied.code == 0);
  CHECK(contains(applied.out, "Revision 2 is in effect."));
  CHECK(node.run("more", {"--rm"}, {"/bin/true"}).code == 0);
  CHECK(node.berth({"apply", "-f", other}).code == 0);
  auto history = node.query({"history"});
  REQUIRE(history.size() == 2);
  CHECK(history[1]["current"] == true);
  CHECK(history[1]["origin"] == "apply");
  CHECK(node.berth({"rollback"}).code == 0);
  CHECK(pool_of(node, "plain")["maxContainers"] == 0);
  CHECK(node.run("more", {"--rm"}, {"/bin/true"}).code == 125);
  CHECK(node.berth({"rollback", "77"}).code == 1);
}

TEST_CASE("SIGHUP applies the configured files, or changes nothing and says why", "[reconfigure]") {
  BERTH_NEEDS_RUNC();
  auto node = TestNode{plain_config()};
  auto hup = [&] { REQUIRE(::kill(node.pid(), SIGHUP) == 0); };
  std::ofstream{node.config_path()} << config_of("  pools:\n    plain: {maxContainers: 9}\n", patient_probe());
  hup();
  CHECK(node.logs({"INFO", "revision is in effect", "revision=2", "origin=SIGHUP"}));
  CHECK(node.logs({"INFO", "receipt of a pool", "revision=2", "pool=plain", "generation=1->2", "runtime=runc->runc", "state=ready"}));
  CHECK(pool_of(node, "plain")["maxContainers"] == 9);
  std::ofstream{node.config_path()} << "worker: {pools: {plain: {runtime: docker}}}";
  hup();
  CHECK(node.logs({"ERROR", "configuration was not applied, nothing has changed", "origin=SIGHUP", "docker"}));
  CHECK(pool_of(node, "plain")["maxContainers"] == 9);
  CHECK(node.run("plain", {"--rm"}, {"/bin/true"}).code == 0);
}

TEST_CASE("a configuration of a size that nobody writes is planned and applied, and one byte more is refused at once",
          "[reconfigure]") {
  BERTH_NEEDS_RUNC();
  constexpr auto most = size_t{4 * 1024 * 1024};
  auto main = plain_config();
  auto left = most - main.size();
  auto drop_ins = std::map<std::string, std::string>{};
  for (auto name : {"a.yaml", "b.yaml", "c.yaml", "d.yaml"}) {
    // Each of these bytes is two in JSON.
    drop_ins[name] = "#" + std::string(std::min(left, size_t{1024 * 1024}) - 1, '"');
    left -= drop_ins[name].size();
  }
  auto node = TestNode{main, drop_ins};
  auto same = node.berth({"plan", "-f", node.config_path()});
  INFO(describe(same));
  CHECK(same.code == 0);
  write_config(node, "conf.d/a.yaml", "worker: {pools: {plain: {maxContainers: 7}}}\n#" + std::string(900'000, '"'));
  CHECK(node.berth({"plan", "-f", node.config_path()}).code == 2);
  auto applied = node.berth({"apply", "-f", node.config_path()});
  INFO(describe(applied));
  CHECK(applied.code == 0);
  CHECK(pool_of(node, "plain")["maxContainers"] == 7);
  write_config(node, "conf.d/a.yaml", drop_ins["a.yaml"]);
  write_config(node, "conf.d/d.yaml", drop_ins["d.yaml"] + "x");
  for (auto verb : {"plan", "apply"}) {
    auto refused = node.berth({verb, "-f", node.config_path()}, 10s);
    INFO(describe(refused));
    CHECK(refused.code == 1);
    CHECK(contains(refused.err, node.config_path() + ": larger than 4194304 bytes together with its drop-ins"));
  }
  REQUIRE(::kill(node.pid(), SIGHUP) == 0);
  CHECK(node.logs({"ERROR", "configuration was not applied, nothing has changed", "larger than 4194304 bytes"}));
  CHECK(pool_of(node, "plain")["maxContainers"] == 7);
  CHECK(node.terminate() == 0);
  node.start_again(TestNode::Start::only);
  CHECK(node.wait_for_exit() == 78);
  CHECK(contains(node.log(), node.config_path() + ": larger than 4194304 bytes together with its drop-ins"));
}

TEST_CASE("an apply that is being prepared when the daemon is told to end fails at once, and nothing of it is left",
          "[reconfigure]") {
  BERTH_NEEDS_RUNC();
  struct Row {
    std::string what;
    /// What the new runtime is slow with, and how.
    std::string verb;
    std::string delay;
  };
  auto row = GENERATE(values<Row>({{"it does not answer", "--version", "exec sleep 1000"},
                                   {"its container does not come", "create", "exec sleep 1000"},
                                   {"its container is slow to go", "delete", "sleep 3"}}));
  INFO(row.what);
  auto config = [](const std::string& max, const std::string& runtime) {
    return config_of("  pools:\n    plain: {maxContainers: " + max + "}\n",
                     patient_probe() + "  runtimes: {runc: " + runtime + "}\n");
  };
  auto node = TestNode{config("3", built_program("fake_runtime"))};
  auto reached = node.root() + "/reached";
  auto hanging = write_config(node, "hanging", "#!/bin/sh\ncase \" $* \" in *\" " + row.verb + " \"*) : >" + reached
                                                 + "; " + row.delay + ";; esac\nexec " + built_program("fake_runtime") + " \"$@\"\n");
  std::filesystem::permissions(hanging, std::filesystem::perms{0755});
  auto applying = node.berth_beside({"apply", "-f", write_config(node, "next.yaml", config("4", hanging))});
  REQUIRE(eventually(20s, [&] { return std::filesystem::exists(reached); }));
  auto began = std::chrono::steady_clock::now();
  CHECK(node.terminate() == 0);
  auto applied = applying->finish(10s);
  INFO(describe(applied));
  CHECK(std::chrono::steady_clock::now() - began < stretched(5s));
  CHECK(applied.code == 1);
  CHECK(applied.out.empty());
  CHECK(contains(applied.err, "shutting_down: "));
  CHECK(contains(applied.err, "berthd stops"));
  CHECK(lines_of(applied.err).size() == 1);
  CHECK(eventually(20s, [&] { return processes_of(node.root(), 0).empty(); }));
  node.start_again();
  CHECK(node.query({"history"}).size() == 1);
  CHECK(pool_of(node, "plain")["maxContainers"] == 3);
  auto served = node.run("plain", {"--rm"}, {"/bin/echo", "served"});
  INFO(describe(served));
  CHECK(served.out == "served\n");
}
