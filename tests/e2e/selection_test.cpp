#include "tests/e2e/nodes.hpp"

using namespace berth;
using namespace berth::test;
using namespace std::chrono_literals;

namespace {

/// What tells from inside which kernel it is: gVisor's says that it is an old Linux of its own.
Argv which_kernel() {
  return {"/bin/uname", "-r"};
}

std::string host_kernel() {
  return run_program({"/bin/uname", "-r"}).out;
}

std::string mixed_config() {
  auto gvisor = gvisor_config();
  return config_of("  pools:\n"
                   "    sandbox:\n"
                   "      runtime: gvisor\n"
                   "      " + gvisor + "\n"
                   "      onRuntimeUnavailable: fail\n"
                   "    strict:\n"
                   "      runtime: gvisor\n"
                   "      " + gvisor + "\n"
                   "      overrides: deny\n"
                   "      onRuntimeUnavailable: fail\n"
                   "    plain:\n"
                   "      runtime: runc\n"
                   "    inherits: {" + gvisor + "}\n"
                   "  containerRuntime: gvisor\n",
                   patient_probe());
}

} // namespace

TEST_CASE("each pool runs its containers on its own runtime, and what gVisor cannot do on runc", "[selection]") {
  BERTH_NEEDS_GVISOR();
  auto node = TestNode{mixed_config()};
  auto platform = usual_platform(installed_runsc());
  CHECK(node.logs({"INFO  initializing container runtime for worker pool", "pool=sandbox", "runtime=gvisor"}));
  CHECK(node.logs({"INFO  initializing container runtime for worker pool", "pool=plain", "runtime=runc"}));
  CHECK(node.logs({"INFO  gVisor runtime initialized successfully", "platform=" + platform, "root=" + node.root()}));

  SECTION("work without special needs stays where it was configured") {
    auto done = node.run("sandbox", {"--id", "sandboxed"}, which_kernel());
    CHECK(done.code == 0);
    CHECK(done.out != host_kernel());
    auto container = node.inspect("sandboxed");
    CHECK(container["runtime"] == "gvisor");
    CHECK(container["configuredRuntime"] == "gvisor");
    CHECK(container["platform"] == platform);
    CHECK(container["selection"]["reason"] == "configured");
    CHECK(container["selection"]["override"] == false);
    CHECK(container["selection"]["source"] == "pool");
    CHECK(container["selection"]["origin"] == node.config_path() + ":4:16");
    CHECK(node.logs({"DEBUG selected runtime for container", "container_id=sandboxed", "runtime=gvisor"}));
    CHECK(node.run("plain", {"--rm"}, which_kernel()).out == host_kernel());
  }

  SECTION("a GPU or a checkpoint takes it to runc, and says so") {
    struct Row {
      std::string id;
      Argv flags;
      std::string reason;
      std::string line;
    };
    for (auto& row : {Row{"trainer", {"--gpu", "1"}, "gpu", "DEBUG using runc for GPU workload"},
                      Row{"saver", {"--checkpoint"}, "checkpoint", "DEBUG using runc for checkpoint workload"},
                      Row{"both", {"--gpu", "1", "--checkpoint"}, "gpu", "DEBUG using runc for GPU workload"}}) {
      INFO(row.id);
      auto flags = row.flags;
      flags.insert(flags.end(), {"--id", row.id});
      auto done = node.run("sandbox", flags, which_kernel());
      INFO(describe(done));
      CHECK(done.code == 0);
      CHECK(done.out == host_kernel());
      auto container = node.inspect(row.id);
      CHECK(container["runtime"] == "runc");
      CHECK(container["configuredRuntime"] == "gvisor");
      CHECK(container["selection"]["reason"] == row.reason);
      CHECK(container["selection"]["override"] == true);
      CHECK(container["selection"]["source"] == "pool");
      CHECK(node.logs({row.line, "container_id=" + row.id}));
      CHECK(node.logs({"DEBUG selected runtime for container", "container_id=" + row.id, "runtime=runc"}));
      CHECK(contains(node.berth({"ps", "-a"}).out, "runc (" + row.reason + ")"));
    }
    auto plain = node.run("plain", {"--gpu", "1", "--id", "at-home"}, which_kernel());
    CHECK(plain.code == 0);
    CHECK(node.inspect("at-home")["selection"]["override"] == false);
  }

  SECTION("a pool that denies overrides refuses such work and takes the rest") {
    for (auto flag : {"--gpu=1", "--checkpoint"}) {
      auto done = node.run("strict", {flag, "--id", "denied"}, which_kernel());
      INFO(describe(done));
      CHECK(done.code == 125);
      CHECK(contains(done.err, "override_denied"));
      CHECK(node.berth({"inspect", "denied"}).code == 1);
    }
    CHECK(node.run("strict", {"--rm"}, which_kernel()).code == 0);
  }

  SECTION("a pool without a runtime of its own gets the worker's") {
    CHECK(node.run("inherits", {"--id", "heir"}, which_kernel()).out != host_kernel());
    auto selection = node.inspect("heir")["selection"];
    CHECK(selection["source"] == "worker");
    CHECK(contains(selection["origin"], node.config_path() + ":"));
    CHECK(pool_of(node, "inherits")["source"] == "worker");
  }
}

TEST_CASE("without any setting the runtime is runc", "[selection]") {
  BERTH_NEEDS_RUNC();
  auto node = TestNode{plain_config()};
  auto pool = pool_of(node, "plain");
  CHECK(pool["configuredRuntime"] == "runc");
  CHECK(pool["effectiveRuntime"] == "runc");
  CHECK(pool["source"] == "default");
  CHECK(pool["state"] == "ready");
  CHECK(node.run("plain", {"--id", "usual"}, which_kernel()).out == host_kernel());
  CHECK(node.inspect("usual")["selection"]["source"] == "default");
}

TEST_CASE("a pool's own runtime counts more than the worker's", "[selection]") {
  BERTH_NEEDS_GVISOR();
  auto node = TestNode{config_of("  containerRuntime: runc\n  pools:\n    own:\n      runtime: gvisor\n      "
                                   + gvisor_config() + "\n    heir: {}\n",
                                 patient_probe())};
  CHECK(pool_of(node, "own")["configuredRuntime"] == "gvisor");
  CHECK(pool_of(node, "own")["source"] == "pool");
  CHECK(pool_of(node, "heir")["configuredRuntime"] == "runc");
  CHECK(pool_of(node, "heir")["source"] == "worker");
}
