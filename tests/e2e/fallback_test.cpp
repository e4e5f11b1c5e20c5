#include "tests/e2e/nodes.hpp"

#include <filesystem>
#include <fstream>

using namespace berth;
using namespace berth::test;
using namespace std::chrono_literals;
namespace fs = std::filesystem;

namespace {

using Clock = std::chrono::steady_clock;

/// Two pools of gVisor, of which one may fall back to runc, and a node with this runsc.
std::string config_with(const std::string& runsc, const std::string& platform = {}) {
  auto options = platform.empty() ? std::string{} : "      runtimeConfig: {gvisorPlatform: " + platform + "}\n";
  return config_of("  containerRuntime: gvisor\n  pools:\n    lenient:\n" + options + "      onRuntimeUnavailable: fallback\n"
                     + "    firm:\n" + options + "      onRuntimeUnavailable: fail\n    plain:\n      runtime: runc\n",
                   "  probeTimeout: " + stretched_seconds(5) + "\n  runtimes: {runsc: " + runsc + "}\n");
}

std::string make_script(const TempDir& dir, const std::string& name, const std::string& text) {
  auto path = dir / name;
  std::ofstream{path} << text;
  fs::permissions(path, fs::perms{0755});
  return path;
}

/// gVisor does not work here: one pool says so and uses runc, the other one refuses.
void check_fallback(const TestNode& node) {
  auto lenient = pool_of(node, "lenient");
  INFO(lenient.dump(2));
  CHECK(lenient["state"] == "degraded");
  CHECK(lenient["configuredRuntime"] == "gvisor");
  CHECK(lenient["effectiveRuntime"] == "runc");
  CHECK(lenient["reason"] != "");
  CHECK(node.logs({"failed to create gvisor runtime, falling back to runc", "pool=lenient"}));
  auto firm = pool_of(node, "firm");
  CHECK(firm["state"] == "unavailable");
  CHECK(firm["reason"] != "");
  CHECK_FALSE(node.logs({"falling back to runc", "pool=firm"}, 0ms));
  CHECK(pool_of(node, "plain")["state"] == "ready");
  auto types = types_of(node.events());
  CHECK(std::count(types.begin(), types.end(), "pool.degraded") == 1);
  CHECK(std::count(types.begin(), types.end(), "pool.unavailable") == 1);
  CHECK(std::count(types.begin(), types.end(), "runtime.failed") == 2);

  auto done = node.run("lenient", {"--id", "fallen"}, {"/bin/uname", "-r"});
  INFO(describe(done));
  CHECK(done.code == 0);
  CHECK(done.out == run_program({"/bin/uname", "-r"}).out);
  auto container = node.inspect("fallen");
  CHECK(container["runtime"] == "runc");
  CHECK(container["configuredRuntime"] == "gvisor");
  CHECK(container["selection"]["reason"] == "fallback");
  CHECK(container["selection"]["override"] == false);
  CHECK(container["selection"]["detail"] != "");
  auto refused = node.run("firm", {"--id", "refused"}, {"/bin/true"});
  INFO(describe(refused));
  CHECK(refused.code == 125);
  CHECK(contains(refused.err, "pool_unavailable"));
  // Falling back is not a way around the policy for overrides.
  CHECK(node.run("firm", {"--gpu", "1"}, {"/bin/true"}).code == 125);
}

} // namespace

TEST_CASE("a runsc that is missing or no runsc at all makes its pools fall back or refuse", "[fallback]") {
  BERTH_NEEDS_RUNC();
  auto dir = TempDir{};
  struct Row {
    std::string what;
    std::string path;
  };
  auto rows = std::vector<Row>{
    {"does not exist", dir / "no-such-runsc"},
    {"is a directory", dir.path()},
    {"is not executable", test_rootfs() + "/etc/not-a-program"},
    {"prints rubbish", make_script(dir, "rubbish", "#!/bin/sh\nhead -c 300000 /dev/urandom\n")},
    {"is another program", "/bin/busybox"},
    {"fails", make_script(dir, "fails", "#!/bin/sh\necho cannot work here >&2\nexit 3\n")},
    {"hangs", make_script(dir, "hangs", "#!/bin/sh\nsleep 1000\n")},
    {"hangs and ignores SIGTERM", make_script(dir, "stubborn", "#!/bin/sh\ntrap '' TERM\nwhile :; do sleep 1000; done\n")},
    {"knows its version only",
     make_script(dir, "shallow", "#!/bin/sh\necho runsc version release-20230101.0\necho spec: 1.1.0\n")},
  };
  for (auto& row : rows) {
    INFO("a runsc that " << row.what);
    auto begin = Clock::now();
    auto node = TestNode{config_with(row.path)};
    // Both pools are probed, one after the other at worst.
    CHECK(Clock::now() - begin < stretched(20s));
    check_fallback(node);
    CHECK(node.berth({"rm", "fallen"}).code == 0);
    CHECK(eventually(5s, [&] { return processes_of(node.root(), node.pid()).empty(); }));
  }
}

TEST_CASE("a KVM platform that does not work is found out within the deadline, whatever its device file says", "[fallback]") {
  BERTH_NEEDS_GVISOR();
  auto begin = Clock::now();
  auto node = TestNode{config_with(installed_runsc(), "kvm")};
  CHECK(Clock::now() - begin < stretched(25s));
  if (pool_of(node, "lenient")["state"] == "ready") {
    // A machine on which it works: then it has to work.
    CHECK(node.run("lenient", {"--rm"}, {"/bin/uname", "-r"}).out != run_program({"/bin/uname", "-r"}).out);
    return;
  }
  check_fallback(node);
  CHECK(node.logs({"ERROR platform initialization failed", "platform=kvm", "pool=lenient"}));
  CHECK(node.berth({"rm", "fallen"}).code == 0);
  // Neither a sandbox that hangs nor its files are left.
  CHECK(eventually(10s, [&] { return processes_of(node.root(), node.pid()).empty(); }));
  auto census = node.census();
  CHECK(std::none_of(census.files.begin(), census.files.end(),
                     [](auto& path) {
                       return (contains(path, ".lock") && !contains(path, "berthd.lock")) || contains(path, "runsc-");
                     }));
}

TEST_CASE("a runc that is missing makes its pools unavailable and leaves the others alone", "[fallback]") {
  BERTH_NEEDS_GVISOR();
  auto node = TestNode{config_of("  pools:\n    plain: {}\n    sandbox:\n      runtime: gvisor\n      " + gvisor_config() + "\n",
                                 patient_probe() + "  runtimes: {runc: /no/such/runc}\n")};
  auto plain = pool_of(node, "plain");
  CHECK(plain["state"] == "unavailable");
  CHECK(contains(plain["reason"], "/no/such/runc"));
  CHECK(contains(node.run("plain", {}, {"/bin/true"}).err, "pool_unavailable"));
  CHECK(pool_of(node, "sandbox")["state"] == "ready");
  CHECK(node.run("sandbox", {"--rm"}, {"/bin/true"}).code == 0);
  // There is nothing to override to.
  auto gpu = node.run("sandbox", {"--gpu", "1"}, {"/bin/true"});
  INFO(describe(gpu));
  CHECK(gpu.code == 125);
}
