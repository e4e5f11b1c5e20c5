#include "config/describe_settings.hpp"

#include "tests/config/load.hpp"
#include "tests/support/catch.hpp"

using namespace berth;
using namespace berth::test;

namespace {

std::string table(const std::vector<SettingRow>& rows) {
  auto result = std::string{};
  for (const auto& row : rows)
    result += row.path + " = " + row.value + " <- " + row.source + '\n';
  return result;
}

} // namespace

TEST_CASE("the effective configuration names the source of each value", "[config]") {
  auto settings =
      valid("worker:\n"
            "  containerRuntime: gvisor\n"
            "  terminationGracePeriod: 90\n"
            "  pools:\n"
            "    plain: {runtime: runc, memory: 1Gi, cpu: {max: 2}, pids: {default: 10, max: 20}}\n"
            "    box: {containerRuntimeConfig: {gvisorPlatform: kvm, gvisorExtraArgs: [--x, "
            "--y=\"z\"]}}\n");
  CHECK(table(describe(settings))
        == "berth.logs.maxSize = 16Mi <- default\n"
           "berth.logs.maxFiles = 4 <- default\n"
           "berth.log.format = text <- default\n"
           "berth.log.level = debug <- default\n"
           "berth.metrics.listen = off <- default\n"
           "berth.probeTimeout = 10s <- default\n"
           "berth.startTimeout = 1m <- default\n"
           "berth.runtimes.runc = runc <- default\n"
           "berth.runtimes.runsc = runsc <- default\n"
           "berth.eventHistory = 65536 <- default\n"
           "berth.eventMaxAge = 168h <- default\n"
           "berth.tracing.mode = requested <- default\n"
           "berth.tracing.maxSpans = 32768 <- default\n"
           "berth.tracing.maxAge = 1h <- default\n"
           "berth.tracing.maxRate = 20000 <- default\n"
           "berth.tracing.otlp = none <- default\n"
           "worker.containerRuntime = gvisor <- f.yaml:2:21\n"
           "worker.terminationGracePeriod = 1m30s <- f.yaml:3:27\n"
           "worker.pools.box.runtime = gvisor <- worker.containerRuntime, f.yaml:2:21\n"
           "worker.pools.box.runtimeConfig.gvisorPlatform = kvm <- f.yaml:6:52\n"
           "worker.pools.box.runtimeConfig.gvisorRoot = /run/gvisor <- default\n"
           "worker.pools.box.runtimeConfig.gvisorExtraArgs = [\"--x\", \"--y=\\\"z\\\"\"] <- "
           "f.yaml:6:74\n"
           "worker.pools.box.overrides = allow <- default\n"
           "worker.pools.box.onRuntimeUnavailable = fallback <- default\n"
           "worker.pools.box.maxContainers = unlimited <- default\n"
           "worker.pools.box.maxConcurrentStarts = 2 per CPU <- default\n"
           "worker.pools.box.queue.length = 0 <- default\n"
           "worker.pools.box.queue.timeout = 30s <- default\n"
           "worker.pools.box.terminationGracePeriod = 1m30s <- worker.terminationGracePeriod, "
           "f.yaml:3:27\n"
           "worker.pools.box.memory.default = none <- default\n"
           "worker.pools.box.memory.max = none <- default\n"
           "worker.pools.box.cpu.default = none <- default\n"
           "worker.pools.box.cpu.max = none <- default\n"
           "worker.pools.box.pids.default = none <- default\n"
           "worker.pools.box.pids.max = none <- default\n"
           "worker.pools.box.oomGroup = false <- default\n"
           "worker.pools.box.criuEnabled = false <- default\n"
           "worker.pools.box.gpuType = none <- default\n"
           "worker.pools.plain.runtime = runc <- f.yaml:5:22\n"
           "worker.pools.plain.overrides = allow <- default\n"
           "worker.pools.plain.onRuntimeUnavailable = fallback <- default\n"
           "worker.pools.plain.maxContainers = unlimited <- default\n"
           "worker.pools.plain.maxConcurrentStarts = 2 per CPU <- default\n"
           "worker.pools.plain.queue.length = 0 <- default\n"
           "worker.pools.plain.queue.timeout = 30s <- default\n"
           "worker.pools.plain.terminationGracePeriod = 1m30s <- worker.terminationGracePeriod, "
           "f.yaml:3:27\n"
           "worker.pools.plain.memory.default = 1Gi <- f.yaml:5:36\n"
           "worker.pools.plain.memory.max = 1Gi <- f.yaml:5:36\n"
           "worker.pools.plain.cpu.default = 2 <- worker.pools.plain.cpu.max, f.yaml:5:52\n"
           "worker.pools.plain.cpu.max = 2 <- f.yaml:5:52\n"
           "worker.pools.plain.pids.default = 10 <- f.yaml:5:72\n"
           "worker.pools.plain.pids.max = 20 <- f.yaml:5:81\n"
           "worker.pools.plain.oomGroup = false <- default\n"
           "worker.pools.plain.criuEnabled = false <- default\n"
           "worker.pools.plain.gpuType = none <- default\n");
}

TEST_CASE("options of gVisor are shown for a pool on runc only if it has them", "[config]") {
  auto text = table(describe(valid(pool_with("runtimeConfig: {gvisorRoot: /x}"))));
  CHECK(text.find("gvisorRoot = /x <- f.yaml:4:35") != std::string::npos);
  CHECK(text.find("gvisorPlatform") == std::string::npos);
}
