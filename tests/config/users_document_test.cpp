#include "config/describe_settings.hpp"
#include "tests/config/load.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/users_document.hpp"

using namespace berth;
using namespace berth::test;

// The examples of the document "Container Runtime Configuration", unchanged.

namespace {

constexpr auto global_default = R"(worker:
  containerRuntime: "runc"  # or "gvisor"
)";

constexpr auto rollback = R"(worker:
  pools:
    my-pool:
      runtime: "runc"  # Change from "gvisor"
      # Remove runtimeConfig section
)";

constexpr auto platform_choice = R"(runtimeConfig:
  gvisorPlatform: "kvm"  # Hardware virtualization (best security, requires KVM)
  # OR
  gvisorPlatform: "ptrace"  # Software isolation (no KVM required)
)";

constexpr auto root_directory = R"(runtimeConfig:
  gvisorRoot: "/run/gvisor"  # default
)";

struct Expected {
  const char* pool;
  RuntimeKind runtime;
  RuntimeSource source;
  const char* platform;
  bool criu;
  const char* gpu;
};

void check_pool(const Settings& settings, const Expected& expected) {
  INFO(expected.pool);
  REQUIRE(settings.pools.count(expected.pool) == 1);
  const auto& pool = settings.pools.at(expected.pool);
  CHECK(pool.runtime.value == expected.runtime);
  CHECK(pool.runtime_source == expected.source);
  CHECK(pool.gvisor_platform.value == expected.platform);
  CHECK(pool.criu_enabled.value == expected.criu);
  CHECK(pool.gpu_type.value == expected.gpu);
}

constexpr auto runc = RuntimeKind::runc;
constexpr auto gvisor = RuntimeKind::gvisor;
constexpr auto own = RuntimeSource::pool;

} // namespace

TEST_CASE("the document's pools load as they are", "[config][document]") {
  auto settings = valid(per_pool);
  CHECK(settings.pools.size() == 3);
  check_pool(settings, {"gpu-pool", runc, own, "", true, "nvidia-a100"});
  check_pool(settings, {"sandbox-pool", gvisor, own, "kvm", false, ""});
  check_pool(settings, {"standard-pool", runc, RuntimeSource::builtin, "", false, ""});
  CHECK(settings.pools.at("sandbox-pool").gvisor_root.value == "/run/gvisor");
  CHECK(settings.notices.empty());
}

TEST_CASE("the document's global default loads alone and counts for pools of another file", "[config][document]") {
  auto alone = valid(global_default);
  CHECK(alone.pools.empty());
  REQUIRE(alone.notices.size() == 1);
  CHECK(alone.notices[0].what == "has no pools, so nothing can be launched");
  auto loaded = load_settings(
      {{"berth.yaml", "worker: {pools: {a: }}"}, {"conf.d/runtime.yaml", global_default}});
  REQUIRE(loaded);
  check_pool(*loaded, {"a", runc, RuntimeSource::worker, "", false, ""});
}

TEST_CASE("the document's mixed environment loads as it is", "[config][document]") {
  auto settings = valid(mixed);
  CHECK(settings.pools.size() == 3);
  check_pool(settings, {"secure-sandbox", gvisor, own, "kvm", false, ""});
  check_pool(settings, {"standard", runc, own, "", true, ""});
  check_pool(settings, {"gpu-a100", runc, own, "", false, "nvidia-a100"});
  auto ignored = std::vector<std::string>{};
  for (const auto& key : settings.ignored)
    ignored.push_back(key.path);
  CHECK(ignored
        == std::vector<std::string>{
            "worker.pools.secure-sandbox.mode", "worker.pools.standard.criuEnabled",
            "worker.pools.standard.mode", "worker.pools.gpu-a100.gpuType",
            "worker.pools.gpu-a100.criuEnabled", "worker.pools.gpu-a100.mode"});
}

TEST_CASE("the document's all-gVisor environment loads as it is", "[config][document]") {
  auto settings = valid(all_gvisor);
  CHECK(settings.pools.size() == 2);
  check_pool(settings, {"sandbox-ptrace", gvisor, RuntimeSource::worker, "ptrace", false, ""});
  check_pool(settings, {"sandbox-kvm", gvisor, own, "kvm", false, ""});
}

TEST_CASE("the document's rollback loads as it is, and so does leaving the options in",
          "[config][document]") {
  check_pool(valid(rollback), {"my-pool", runc, own, "", false, ""});
  auto with_options = valid(std::string{rollback} + "      runtimeConfig: {gvisorPlatform: kvm}\n");
  check_pool(with_options, {"my-pool", runc, own, "kvm", false, ""});
  CHECK(with_options.notices.size() == 1);
}

TEST_CASE("the document's choice of platforms is a choice: both at once are an error",
          "[config][document]") {
  CHECK(errors_in(pool_with(platform_choice))
        == "f.yaml:7:9: pools.a.runtimeConfig: key \"gvisorPlatform\" is given twice (first in "
           "line 5)");
  auto text = std::string{platform_choice};
  auto second = text.find("  gvisorPlatform: \"ptrace\"");
  check_pool(valid(pool_with(text.substr(0, second))),
             {"a", runc, RuntimeSource::builtin, "kvm", false, ""});
  auto first = text.find("  gvisorPlatform: \"kvm\"");
  text.erase(first, text.find('\n', first) + 1 - first);
  check_pool(valid(pool_with(text)), {"a", runc, RuntimeSource::builtin, "ptrace", false, ""});
  CHECK(valid(pool_with(root_directory)).pools.at("a").gvisor_root.value == "/run/gvisor");
}

TEST_CASE("the document's way back to ptrace works in its short form", "[config][document]") {
  constexpr auto line = R"(runtimeConfig.gvisorPlatform: "ptrace")";
  auto settings = valid(pool_with(std::string{"runtime: gvisor\n"} + line));
  check_pool(settings, {"a", gvisor, own, "ptrace", false, ""});
  CHECK(to_string(settings.pools.at("a").gvisor_platform.origin) == "f.yaml:5:37");
  auto both = valid(pool_with(std::string{"runtimeConfig: {gvisorRoot: /x}\n"} + line));
  CHECK(both.pools.at("a").gvisor_root.value == "/x");
  CHECK(both.pools.at("a").gvisor_platform.value == "ptrace");
  CHECK(errors_in(pool_with(std::string{"runtimeConfig: {gvisorPlatform: kvm}\n"} + line))
        == "f.yaml:5:7: pools.a.runtimeConfig: key \"gvisorPlatform\" is given twice (first in "
           "line 4)");
  CHECK(errors_in(pool_with("runtimeConfig: 5\nruntimeConfig.gvisorRoot: /x"))
        == "f.yaml:4:22: pools.a.runtimeConfig: expected a map, found a single value");
  CHECK(
      errors_in(pool_with("runtimeConfig.x: 1\nqueue.length: 1"))
      == "f.yaml:4:7: pools.a: unknown key \"runtimeConfig.x\" (did you mean \"runtimeConfig\"?)\n"
         "f.yaml:5:7: pools.a: unknown key \"queue.length\"");
  CHECK(errors_in("worker: {pools: {a: }}\nworker.containerRuntime: gvisor\n")
        == "f.yaml:2:1: unknown key \"worker.containerRuntime\" (write one key below the other, "
           "without dots)");
}

TEST_CASE("the document's platform may be left empty", "[config][document]") {
  auto empty = GENERATE(as<std::string>{}, "", "\"\"", "~");
  auto settings =
      valid(pool_with("runtime: gvisor\nruntimeConfig: {gvisorPlatform: " + empty + "}"));
  CHECK(settings.pools.at("a").gvisor_platform.value.empty());
}
