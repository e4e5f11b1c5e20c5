#include "tests/e2e/nodes.hpp"

#include "runtimes/node_paths.hpp"
#include "tests/support/users_document.hpp"

#include <filesystem>

using namespace berth;
using namespace berth::test;

TEST_CASE("the examples of the users' document start as they are, and every pool runs containers", "[document]") {
  BERTH_NEEDS_GVISOR();
  struct Row {
    const char* text;
    std::vector<std::string> pools;
  };
  for (auto& row : {Row{per_pool, {"gpu-pool", "sandbox-pool", "standard-pool"}},
                    Row{mixed, {"gpu-a100", "secure-sandbox", "standard"}},
                    Row{all_gvisor, {"sandbox-kvm", "sandbox-ptrace"}}}) {
    INFO(row.text);
    // KVM is found out to hang on some machines; that need not take the usual 10 s here.
    auto node = TestNode{row.text, {{"10-test.yaml", "berth: {probeTimeout: " + stretched_seconds(8) + "}\n"}}};
    auto names = std::vector<std::string>{};
    for (auto& pool : node.query({"pools"})) {
      names.push_back(pool["name"]);
      auto is_kvm = contains(pool["name"], "kvm") || pool["name"] == "sandbox-pool" || pool["name"] == "secure-sandbox";
      auto state = pool["state"].get<std::string>();
      INFO(pool.dump());
      CHECK((state == "ready" || (is_kvm && state == "degraded")));
    }
    CHECK(names == row.pools);
    for (auto& pool : row.pools) {
      auto done = node.run(pool, {"--rm"}, shell("echo works"));
      INFO(describe(done));
      CHECK(done.out == "works\n");
      CHECK(node.logs({"initializing container runtime for worker pool", "pool=" + pool}));
    }
    CHECK(node.stop() == "");
    // The root of gVisor's state is the host's, as the file says, but nothing of ours stays in it.
    CHECK_FALSE(std::filesystem::exists("/run/gvisor" + node_paths(node.root()).cgroup_base));
  }
}
