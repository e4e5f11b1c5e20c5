#include "tests/e2e/nodes.hpp"

#include <algorithm>
#include <fstream>

using namespace berth;
using namespace berth::test;
using namespace std::chrono_literals;

namespace {

Argv and_flags(Argv args, const Argv& flags) {
  args.insert(args.end(), flags.begin(), flags.end());
  return args;
}

Json explain(const TestNode& node, const std::string& pool, const Argv& flags = {}) {
  return node.query(and_flags({"why", "--pool", pool}, flags));
}

std::string config() {
  return config_of("  containerRuntime: gvisor\n"
                   "  pools:\n"
                   "    plain:\n"
                   "      runtime: runc\n"
                   "      memory: {default: 64Mi, max: 128Mi}\n"
                   "    sandbox:\n"
                   "      " + gvisor_config() + "\n"
                   "    strict:\n"
                   "      " + gvisor_config() + "\n"
                   "      overrides: deny\n"
                   "      onRuntimeUnavailable: fail\n",
                   patient_probe());
}

struct Row {
  std::string id;
  std::string pool;
  Argv flags;
  std::string rule;
  std::string runtime;
};

} // namespace

TEST_CASE("why before a launch is why after it, after its end, and after a restart of the daemon", "[why]") {
  BERTH_NEEDS_GVISOR();
  auto node = TestNode{config()};
  auto rows = std::vector<Row>{{"own", "plain", {"--memory", "48M"}, "runc_configured", "runc"},
                               {"boxed", "sandbox", {}, "gvisor_configured", "gvisor"},
                               {"trainer", "sandbox", {"--gpu", "1"}, "override_allowed", "runc"},
                               {"saved", "sandbox", {"--checkpoint", "--pids", "100"}, "override_allowed", "runc"}};
  auto told = std::map<std::string, Json>{};
  for (const auto& row : rows) {
    INFO(row.id);
    auto before = explain(node, row.pool, row.flags);
    INFO(before.dump(2));
    CHECK(before["rule"] == row.rule);
    CHECK(before["runtime"] == row.runtime);
    CHECK(before["refused"] == false);
    CHECK(before["revision"] == 1);
    CHECK(before["runtimes"][0]["usable"] == true);
    CHECK(before["runtimes"][0]["bootMs"] > 0);
    CHECK(node.run(row.pool, and_flags({"--id", row.id}, row.flags), {"/bin/true"}).code == 0);
    CHECK(node.query({"why", row.id}) == before);
    told[row.id] = before;
  }
  CHECK(told["own"]["precedence"][0]["source"] == node.config_path() + ":5:16");
  CHECK(told["own"]["precedence"][1]["source"] == node.config_path() + ":2:21");
  CHECK(told["boxed"]["precedence"][1]["wins"] == true);
  auto shown = node.berth({"why", "trainer"});
  CHECK(shown.code == 0);
  CHECK(contains(shown.out, "Container trainer of pool sandbox got runc instead of gvisor: gvisor cannot give a GPU"));
  CHECK(contains(shown.out, node.config_path() + ":2:21"));
  node.kill_daemon();
  node.start_again();
  for (const auto& row : rows) {
    INFO(row.id);
    CHECK(node.query({"why", row.id}) == told[row.id]);
  }
  // The generation goes on, and so does the revision that made it.
  CHECK(explain(node, "sandbox")["generation"] == told["boxed"]["generation"]);
  CHECK(explain(node, "sandbox")["revision"] == 1);
}

TEST_CASE("a launch that would be refused is explained with exit code 3 and the error that it gets", "[why]") {
  BERTH_NEEDS_GVISOR();
  auto node = TestNode{config()};
  struct Refusal {
    std::string pool;
    Argv flags;
    std::string code;
    std::string rule;
  };
  auto rows = std::vector<Refusal>{{"strict", {"--gpu", "1"}, "override_denied", "override_denied"},
                                   {"plain", {"--memory", "1G"}, "limit_exceeded", "runc_configured"},
                                   {"plain", {"--memory", "2M"}, "bad_request", "none"},
                                   {"nowhere", {}, "unknown_pool", "none"}};
  for (const auto& row : rows) {
    INFO(row.pool << " " << row.code);
    auto why = node.berth(and_flags({"why", "--pool", row.pool, "-o", "json"}, row.flags));
    INFO(describe(why));
    CHECK(why.code == 3);
    auto json = Json::parse(why.out);
    CHECK(json["refused"] == true);
    CHECK(json["error"]["code"] == row.code);
    CHECK(json["rule"] == row.rule);
    // Word for word what the launch itself is told.
    auto launched = node.run(row.pool, row.flags, {"/bin/true"});
    CHECK(launched.code == 125);
    CHECK(contains(launched.err, json["error"]["message"]));
  }
  CHECK(node.berth({"why", "--pool", "strict"}).code == 0);
  CHECK(node.berth({"why", "nobody"}).code == 1);
  CHECK(node.berth({"drain"}).code == 0);
  auto drained = node.berth({"why", "--pool", "plain"});
  CHECK(drained.code == 3);
  CHECK(contains(drained.out, "draining"));
  CHECK(node.berth({"drain", "--cancel"}).code == 0);
}

TEST_CASE("a fallback is explained before and after a launch, and where none is allowed, why not", "[why]") {
  BERTH_NEEDS_RUNC();
  auto node = TestNode{config_of("  containerRuntime: gvisor\n  pools:\n    lenient: {}\n    firm:\n"
                                 "      onRuntimeUnavailable: fail\n",
                                 patient_probe() + "  runtimes: {runsc: /no/such/runsc}\n")};
  auto before = explain(node, "lenient");
  INFO(before.dump(2));
  CHECK(before["rule"] == "fallback_allowed");
  CHECK(before["runtime"] == "runc");
  CHECK(before["runtimes"][0]["usable"] == false);
  CHECK(contains(before["runtimes"][0]["reason"], "/no/such/runsc"));
  CHECK(node.run("lenient", {"--id", "fallen"}, {"/bin/true"}).code == 0);
  CHECK(node.query({"why", "fallen"}) == before);
  auto firm = node.berth({"why", "--pool", "firm"});
  INFO(describe(firm));
  CHECK(firm.code == 3);
  CHECK(contains(firm.out, "onRuntimeUnavailable is fail (" + node.config_path() + ":6:29)"));
  CHECK(contains(firm.out, "Rule fallback_denied"));
}

TEST_CASE("a container keeps the explanation of its generation over an apply, and later ones name the new revision", "[why]") {
  BERTH_NEEDS_RUNC();
  auto node = TestNode{plain_config()};
  node.start("plain", {"--id", "old"}, shell("trap 'exit 0' TERM; while :; do sleep 0.05; done"));
  auto before = node.query({"why", "old"});
  CHECK(before["generation"] == 1);
  auto path = node.root() + "/next.yaml";
  std::ofstream{path} << config_of("  pools:\n    plain:\n      oomGroup: true\n", patient_probe());
  CHECK(node.berth({"apply", "-f", path}).code == 0);
  CHECK(node.query({"why", "old"}) == before);
  auto next = explain(node, "plain");
  CHECK(next["generation"] == 2);
  CHECK(next["revision"] == 2);
  CHECK(node.run("plain", {"--id", "new"}, {"/bin/true"}).code == 0);
  CHECK(node.query({"why", "new"}) == next);
  auto settings = next["settings"];
  CHECK(std::any_of(settings.begin(), settings.end(), [&](const Json& x) {
    return x["key"] == "worker.pools.plain.oomGroup" && x["value"] == "true" && x["source"] == path + ":4:17";
  }));
}
