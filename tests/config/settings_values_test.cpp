#include "tests/config/load.hpp"
#include "tests/support/catch.hpp"

using namespace berth;
using namespace berth::test;
using namespace std::chrono_literals;

TEST_CASE("the runtime of a pool is its own, else that of worker, else runc", "[config]") {
  struct Row {
    const char* worker;
    const char* pool;
    RuntimeKind runtime;
    RuntimeSource source;
    Origin origin;
  };
  auto row = GENERATE(values<Row>({
      {"", "", RuntimeKind::runc, RuntimeSource::builtin, {}},
      {"", "runtime: runc", RuntimeKind::runc, RuntimeSource::pool, {"f.yaml", 5, 16}},
      {"", "runtime: gvisor", RuntimeKind::gvisor, RuntimeSource::pool, {"f.yaml", 5, 16}},
      {"", "containerRuntime: gvisor", RuntimeKind::gvisor, RuntimeSource::pool, {"f.yaml", 5, 25}},
      {"containerRuntime: runc", "", RuntimeKind::runc, RuntimeSource::worker, {"f.yaml", 2, 21}},
      {"containerRuntime: gvisor",
       "",
       RuntimeKind::gvisor,
       RuntimeSource::worker,
       {"f.yaml", 2, 21}},
      {"containerRuntime: gvisor",
       "runtime: runc",
       RuntimeKind::runc,
       RuntimeSource::pool,
       {"f.yaml", 5, 16}},
      {"containerRuntime: runc",
       "runtime: gvisor",
       RuntimeKind::gvisor,
       RuntimeSource::pool,
       {"f.yaml", 5, 16}},
      {"containerRuntime: gvisor",
       "runtime: gvisor",
       RuntimeKind::gvisor,
       RuntimeSource::pool,
       {"f.yaml", 5, 16}},
      {"containerRuntime: gvisor",
       "runtime:",
       RuntimeKind::gvisor,
       RuntimeSource::worker,
       {"f.yaml", 2, 21}},
      {"containerRuntime: gvisor",
       "runtime: ''",
       RuntimeKind::gvisor,
       RuntimeSource::worker,
       {"f.yaml", 2, 21}},
      {"containerRuntime: ''", "", RuntimeKind::runc, RuntimeSource::builtin, {}},
      {"containerRuntime:", "", RuntimeKind::runc, RuntimeSource::builtin, {}},
  }));
  INFO("worker: " << row.worker << ", pool: " << row.pool);
  auto settings = valid("worker:\n  " + std::string{row.worker} + "\n  pools:\n    a:\n      "
                        + row.pool + '\n');
  const auto& pool = settings.pools.at("a");
  CHECK(pool.name == PoolName{"a"});
  CHECK(pool.runtime.value == row.runtime);
  CHECK(pool.runtime_source == row.source);
  CHECK(pool.runtime.origin == row.origin);
}

TEST_CASE("an empty pool has the defaults", "[config]") {
  auto text = GENERATE(as<std::string>{}, "worker: {pools: {a: }}", "worker: {pools: {a: {}}}",
                       "worker:\n  pools:\n    a:\n      # only a comment\n",
                       "worker:\n  pools:\n    a: {runtimeConfig: , queue: {}, memory: , gpuType: "
                       "'', runtime: ~}\nberth:\n");
  INFO(text);
  auto settings = valid(text);
  const auto& pool = settings.pools.at("a");
  CHECK(pool.runtime.value == RuntimeKind::runc);
  CHECK(pool.gvisor_platform.value.empty());
  CHECK(pool.gvisor_root.value.empty());
  CHECK(pool.gvisor_extra_args.value.empty());
  CHECK(pool.overrides.value == OverridePolicy::allow);
  CHECK(pool.on_runtime_unavailable.value == UnavailablePolicy::fallback);
  CHECK(pool.max_containers.value == 0);
  CHECK(pool.max_concurrent_starts.value == 0);
  CHECK(pool.queue.value.length == 0);
  CHECK(pool.queue.value.timeout == 30s);
  CHECK(pool.termination_grace_period.value == 30s);
  CHECK(pool.memory.value == LimitRange{});
  CHECK(pool.cpu.value == LimitRange{});
  CHECK(pool.pids.value == LimitRange{});
  CHECK_FALSE(pool.oom_group.value);
  CHECK_FALSE(pool.criu_enabled.value);
  CHECK(pool.gpu_type.value.empty());
  CHECK(settings.node.logs.value.max_size == 16 * 1024 * 1024);
  CHECK(settings.node.logs.value.max_files == 4);
  CHECK(settings.node.probe_timeout.value == 10s);
  CHECK(settings.node.start_timeout.value == 60s);
  CHECK(settings.node.runc_binary.value == "runc");
  CHECK(settings.node.runsc_binary.value == "runsc");
  CHECK(settings.node.event_history.value == 65'536);
  CHECK(settings.node.event_max_age.value == 168h);
  CHECK(settings.provenance.empty());
  CHECK(settings.notices.empty());
}

TEST_CASE("every key of a pool arrives where it belongs", "[config]") {
  auto settings = valid(pool_with("runtime: gvisor\n"
                                  "runtimeConfig:\n"
                                  "  gvisorPlatform: systrap\n"
                                  "  gvisorRoot: //run//gvisor/./x/\n"
                                  "  gvisorExtraArgs: [--debug, '--network=none']\n"
                                  "criuEnabled: yes\n"
                                  "gpuType: nvidia-a100\n"
                                  "overrides: deny\n"
                                  "onRuntimeUnavailable: fail\n"
                                  "maxContainers: 100000\n"
                                  "maxConcurrentStarts: 7\n"
                                  "queue: {length: 5, timeout: 1m30s}\n"
                                  "terminationGracePeriod: 0\n"
                                  "memory: {default: 64M, max: 1Gi}\n"
                                  "cpu: 0.5\n"
                                  "pids: {max: 100}\n"
                                  "oomGroup: True"));
  const auto& pool = settings.pools.at("a");
  CHECK(pool.gvisor_platform.value == "systrap");
  CHECK(pool.gvisor_root.value == "/run/gvisor/x");
  CHECK(pool.gvisor_extra_args.value == Argv{"--debug", "--network=none"});
  CHECK(pool.criu_enabled.value);
  CHECK(pool.gpu_type.value == "nvidia-a100");
  CHECK(pool.overrides.value == OverridePolicy::deny);
  CHECK(pool.on_runtime_unavailable.value == UnavailablePolicy::fail);
  CHECK(pool.max_containers.value == 100'000);
  CHECK(pool.max_concurrent_starts.value == 7);
  CHECK(pool.queue.value.length == 5);
  CHECK(pool.queue.value.timeout == 90s);
  CHECK(pool.termination_grace_period.value == 0s);
  CHECK(pool.memory.value == LimitRange{64u << 20, 1u << 30});
  CHECK(pool.cpu.value == LimitRange{500, 500});
  CHECK(pool.pids.value == LimitRange{100, 100});
  CHECK(pool.oom_group.value);
}

TEST_CASE("every key of the node arrives where it belongs", "[config]") {
  auto settings = valid("worker: {pools: {a: }}\n"
                        "berth:\n"
                        "  logs: {maxSize: 1Mi, maxFiles: 2}\n"
                        "  probeTimeout: 3s\n"
                        "  startTimeout: 5\n"
                        "  runtimes: {runc: /opt/runc, runsc: runsc-24}\n"
                        "  eventHistory: 1000\n"
                        "  eventMaxAge: 90m\n");
  CHECK(settings.node.logs.value.max_size == 1024 * 1024);
  CHECK(settings.node.logs.value.max_files == 2);
  CHECK(settings.node.probe_timeout.value == 3s);
  CHECK(settings.node.start_timeout.value == 5s);
  CHECK(settings.node.runc_binary.value == "/opt/runc");
  CHECK(settings.node.runsc_binary.value == "runsc-24");
  CHECK(settings.node.event_history.value == 1000);
  CHECK(settings.node.event_max_age.value == 90min);
}

TEST_CASE("a limit is one value for both parts, or a default and a maximum", "[config]") {
  struct Row {
    const char* text;
    LimitRange range;
  };
  auto row = GENERATE(values<Row>({
      {"5", {5, 5}},
      {"\"5\"", {5, 5}},
      {"0", {0, 0}},
      {"{}", {0, 0}},
      {"{default: 5}", {5, 0}},
      {"{max: 5}", {5, 5}},
      {"{default: 3, max: 5}", {3, 5}},
      {"{default: 5, max: 5}", {5, 5}},
      {"{default: 5, max: 0}", {5, 0}},
      {"{default: , max: 5}", {5, 5}},
  }));
  INFO(row.text);
  CHECK(valid(pool_with("pids: " + std::string{row.text})).pools.at("a").pids.value == row.range);
}

TEST_CASE("the grace period of worker counts for the pools that have none", "[config]") {
  auto settings = valid("worker:\n"
                        "  terminationGracePeriod: 2m\n"
                        "  pools:\n"
                        "    a:\n"
                        "    b: {terminationGracePeriod: 5}\n");
  CHECK(settings.pools.at("a").termination_grace_period.value == 120s);
  CHECK(settings.pools.at("a").termination_grace_period.origin == Origin{"f.yaml", 2, 27});
  CHECK(settings.pools.at("b").termination_grace_period.value == 5s);
  CHECK(settings.pools.at("b").termination_grace_period.origin == Origin{"f.yaml", 5, 33});
}

TEST_CASE("true and false have the spellings of YAML", "[config]") {
  auto yes = GENERATE(as<std::string>{}, "true", "True", "TRUE", "yes", "Yes", "on", "ON");
  CHECK(valid(pool_with("oomGroup: " + yes)).pools.at("a").oom_group.value);
  auto no = GENERATE(as<std::string>{}, "false", "no", "Off");
  CHECK_FALSE(valid(pool_with("oomGroup: " + no)).pools.at("a").oom_group.value);
  auto neither = GENERATE(as<std::string>{}, "y", "truee", "0", "enabled");
  CHECK_FALSE(load_settings({{"f.yaml", pool_with("oomGroup: " + neither)}}));
}

TEST_CASE("keys of the reference system are accepted and named as ignored", "[config]") {
  auto settings = valid("worker:\n"
                        "  cacheEnabled: true\n"
                        "  criu: {mode: nvidia, nvidia: {}}\n"
                        "  DefaultWorkerCpuRequest: 2000\n"
                        "  pools:\n"
                        "    a:\n"
                        "      poolSizing: {defaultWorkerCPU: 1000m, anything: [at, {all: 1}]}\n"
                        "      mode: local\n"
                        "      jobSpec: !Custom {nodeSelector: {}}\n"
                        "      gpuType: T4\n"
                        "      containerStartConcurrency: not even a number\n"
                        "storage: {mode: juicefs}\n"
                        "bert: 1\n");
  auto lines = std::string{};
  for (const auto& key : settings.ignored)
    lines += to_string(key.origin) + ' ' + key.path + ": " + key.why + '\n';
  CHECK(
      lines
      == "f.yaml:12:1 storage: only the sections worker and berth are read\n"
         "f.yaml:13:1 bert: only the sections worker and berth are read (did you mean \"berth\"?)\n"
         "f.yaml:2:3 worker.cacheEnabled: images and storage are not managed by the node\n"
         "f.yaml:3:3 worker.criu: checkpoints need no section of their own\n"
         "f.yaml:4:3 worker.DefaultWorkerCpuRequest: containers are not run as Kubernetes pods\n"
         "f.yaml:7:7 worker.pools.a.poolSizing: machines are not provided by the node\n"
         "f.yaml:8:7 worker.pools.a.mode: machines are not provided by the node\n"
         "f.yaml:9:7 worker.pools.a.jobSpec: containers are not run as Kubernetes pods\n"
         "f.yaml:10:7 worker.pools.a.gpuType: information only: a launch asks for GPUs "
         "itself\n"
         "f.yaml:11:7 worker.pools.a.containerStartConcurrency: the key of Berth is "
         "maxConcurrentStarts\n");
}

TEST_CASE("every key of the reference system is known", "[config]") {
  auto worker = GENERATE(
      as<std::string>{}, "containerResourceLimits", "containerLogLinesPerHour", "criu",
      "useHostResolvConf", "hostNetwork", "tmpSizeLimit", "cacheEnabled", "jobResourcesEnforced",
      "defaultWorkerCPURequest", "defaultWorkerMemoryRequest", "imageTag", "imageName",
      "imageRegistry", "imagePullSecrets", "imagePVCName", "namespace", "serviceAccountName",
      "useGatewayServiceHostname", "cleanupWorkerInterval", "cleanupPendingWorkerAgeLimit");
  CHECK(valid("worker: {pools: {a: }, " + worker + ": {x: [1]}}").ignored.size() == 1);
}

TEST_CASE("every key of a pool of the reference system is known", "[config]") {
  auto pool =
      GENERATE(as<std::string>{}, "gpuVirtualized", "containerStartConcurrency",
               "networkPreallocation", "networkSlotPoolSize", "cpuAffinityEnforced", "mode",
               "provider", "requiresPoolSelector", "priority", "preemptable", "poolSizing",
               "jobSpec", "tmpSizeLimit", "userData", "configGroup", "k3sInstallDir", "storagePath",
               "storageMode", "imagesPath", "durableDisksPath", "hourlyCostCents", "cache");
  CHECK(valid(pool_with(pool + ": {x: [1]}")).ignored.size() == 1);
}

TEST_CASE("settings that work against each other are noticed", "[config]") {
  struct Row {
    const char* pool;
    const char* notice;
  };
  auto row = GENERATE(values<Row>({
      {"runtime: gvisor\ncriuEnabled: true",
       "f.yaml:5:20 worker.pools.a.criuEnabled: gVisor containers are not checkpointed: those that "
       "ask for it run on runc"},
      {"runtime: gvisor\ngpuType: T4", "f.yaml:5:16 worker.pools.a.gpuType: gVisor containers have "
                                       "no GPUs: those that ask for one run on runc"},
      {"runtime: gvisor\ngpuType: T4\noverrides: deny",
       "f.yaml:5:16 worker.pools.a.gpuType: gVisor containers have no GPUs: those that ask for one "
       "are refused, because "
       "this pool denies overrides"},
      {"runtimeConfig: {gvisorPlatform: kvm}",
       "f.yaml:4:39 worker.pools.a.runtimeConfig.gvisorPlatform: has no effect while the pool's "
       "runtime is runc"},
      {"runtimeConfig: {gvisorRoot: /x}", "f.yaml:4:35 worker.pools.a.runtimeConfig.gvisorRoot: "
                                          "has no effect while the pool's runtime is runc"},
      {"runtimeConfig: {gvisorExtraArgs: [-x]}",
       "f.yaml:4:40 worker.pools.a.runtimeConfig.gvisorExtraArgs: has no effect while the pool's "
       "runtime is runc"},
      {"queue: {length: 3}", "f.yaml:4:23 worker.pools.a.queue: has no effect without "
                             "maxContainers: a pool that is never full lets nothing "
                             "wait"},
      {"maxContainers: 3\nqueue: {timeout: 3s}",
       "f.yaml:5:24 worker.pools.a.queue: has no effect without a length above 0"},
      {"runtime: runc\ngpuType: T4\ncriuEnabled: true\noverrides: deny", ""},
      {"runtime: gvisor\ncriuEnabled: false\nmaxContainers: 1\nqueue: {length: 1}", ""},
  }));
  INFO(row.pool);
  auto lines = std::string{};
  for (const auto& notice : valid(pool_with(row.pool)).notices)
    lines += to_string(notice.origin) + ' ' + notice.path + ": " + notice.what;
  CHECK(lines == row.notice);
}
