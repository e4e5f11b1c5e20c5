#include "tests/config/load.hpp"
#include "tests/support/catch.hpp"

using namespace berth;
using namespace berth::test;

namespace {

struct Row {
  std::string text;
  const char* errors;
};

} // namespace

TEST_CASE("a key that is not known is an error at its place, with what was probably meant",
          "[config]") {
  auto row = GENERATE(values<Row>({
      {pool_with("runtme: gvisor"),
       R"(f.yaml:4:7: pools.a: unknown key "runtme" (did you mean "runtime"?))"},
      {pool_with("Runtime: gvisor"),
       R"(f.yaml:4:7: pools.a: unknown key "Runtime" (did you mean "runtime"?))"},
      {pool_with("memroy: 1Gi"),
       R"(f.yaml:4:7: pools.a: unknown key "memroy" (did you mean "memory"?))"},
      {pool_with("poolSzing: {}"),
       R"(f.yaml:4:7: pools.a: unknown key "poolSzing" (did you mean "poolSizing"?))"},
      {pool_with("gvisorPlatform: kvm"),
       R"(f.yaml:4:7: pools.a: unknown key "gvisorPlatform" (it belongs in worker.pools.<name>.runtimeConfig))"},
      {pool_with("probeTimeout: 1s"),
       R"(f.yaml:4:7: pools.a: unknown key "probeTimeout" (it belongs in berth))"},
      {pool_with("gpuCount: 2"), R"(f.yaml:4:7: pools.a: unknown key "gpuCount")"},
      {pool_with("\"a\\nb\": 2"), R"(f.yaml:4:7: pools.a: unknown key "a\nb")"},
      {pool_with("runtimeConfig:\n  platform: kvm"),
       "f.yaml:5:9: pools.a.runtimeConfig: unknown key \"platform\" (known: gvisorPlatform, "
       "gvisorRoot, gvisorExtraArgs)"},
      {pool_with("queue: {size: 3}"),
       R"(f.yaml:4:15: pools.a.queue: unknown key "size" (known: length, timeout))"},
      {pool_with("memory: {min: 1Mi}"),
       R"(f.yaml:4:16: pools.a.memory: unknown key "min" (known: default, max))"},
      {"worker:\n  runtime: gvisor\n  pools: {a: }",
       R"(f.yaml:2:3: worker: unknown key "runtime" (did you mean "containerRuntime"?))"},
      {"worker:\n  maxContainers: 3\n  pools: {a: }",
       R"(f.yaml:2:3: worker: unknown key "maxContainers" (it belongs in worker.pools.<name>))"},
      {"worker: {pools: {a: }}\nberth: {logss: {}}",
       R"(f.yaml:2:9: berth: unknown key "logss" (did you mean "logs"?))"},
      {"worker: {pools: {a: }}\nberth: {logs: {maxsize: 1Gi}}",
       R"(f.yaml:2:16: berth.logs: unknown key "maxsize" (did you mean "maxSize"?))"},
      {"worker: {pools: {a: }}\nberth: {runtimes: {gvisor: runsc}}",
       R"(f.yaml:2:20: berth.runtimes: unknown key "gvisor" (known: runc, runsc))"},
  }));
  INFO(row.text);
  CHECK(errors_in(row.text) == row.errors);
}

TEST_CASE("a key that is given twice is an error, wherever it is", "[config]") {
  auto row = GENERATE(values<Row>({
      {pool_with("runtime: runc\ncpu: 1\nruntime: gvisor"),
       R"(f.yaml:6:7: pools.a: key "runtime" is given twice (first in line 4))"},
      {"worker:\n  pools:\n    a: {}\n    b: {}\n    a: {}",
       R"(f.yaml:5:5: worker.pools: key "a" is given twice (first in line 3))"},
      {"worker: {pools: {a: }}\nworker: {pools: {b: }}",
       R"(f.yaml:2:1: key "worker" is given twice (first in line 1))"},
      {"worker: {pools: {a: }}\nother: {x: 1, x: 2}",
       R"(f.yaml:2:15: other: key "x" is given twice (first in line 2))"},
      {"worker: {pools: {a: {priority: 1, \"priority\": 2}}}",
       R"(f.yaml:1:35: pools.a: key "priority" is given twice (first in line 1))"},
  }));
  INFO(row.text);
  CHECK(errors_in(row.text) == row.errors);
}

TEST_CASE("both names of a setting at once are an error that names both lines", "[config]") {
  auto row = GENERATE(values<Row>({
      {pool_with("runtime: runc\ncpu: 1\ncontainerRuntime: runc"),
       R"(f.yaml:6:7: pools.a: "runtime" (line 4) and "containerRuntime" (line 6) mean the same, keep one of them)"},
      {pool_with("containerRuntime: runc\nruntime: gvisor"),
       R"(f.yaml:5:7: pools.a: "containerRuntime" (line 4) and "runtime" (line 5) mean the same, keep one of them)"},
      {pool_with("containerRuntimeConfig: {}\nruntimeConfig: {}"),
       "f.yaml:5:7: pools.a: \"containerRuntimeConfig\" (line 4) and \"runtimeConfig\" (line 5) "
       "mean the same, "
       "keep one of them"},
  }));
  INFO(row.text);
  CHECK(errors_in(row.text) == row.errors);
}

TEST_CASE("values outside their vocabulary are errors that list it", "[config]") {
  auto row = GENERATE(values<Row>({
      {pool_with("runtime: runsc"),
       R"(f.yaml:4:16: pools.a.runtime: unknown runtime "runsc" (did you mean "gvisor"? known: runc, gvisor))"},
      {pool_with("runtime: gVisor"),
       R"(f.yaml:4:16: pools.a.runtime: unknown runtime "gVisor" (did you mean "gvisor"? known: runc, gvisor))"},
      {pool_with("runtime: nvidia"),
       R"(f.yaml:4:16: pools.a.runtime: unknown runtime "nvidia" (known: runc, gvisor))"},
      {pool_with("containerRuntime: kata"),
       R"(f.yaml:4:25: pools.a.containerRuntime: unknown runtime "kata" (known: runc, gvisor))"},
      {"worker: {containerRuntime: crun, pools: {a: }}",
       R"(f.yaml:1:28: worker.containerRuntime: unknown runtime "crun" (did you mean "runc"? known: runc, gvisor))"},
      {pool_with("runtimeConfig: {gvisorPlatform: kvn}"),
       "f.yaml:4:39: pools.a.runtimeConfig.gvisorPlatform: unknown platform \"kvn\" (did you mean "
       "\"kvm\"? known: kvm, "
       "ptrace, systrap)"},
      {pool_with("containerRuntimeConfig: {gvisorPlatform: hyperv}"),
       "f.yaml:4:48: pools.a.containerRuntimeConfig.gvisorPlatform: unknown platform \"hyperv\" "
       "(known: kvm, ptrace, "
       "systrap)"},
      {pool_with("overrides: maybe"),
       R"(f.yaml:4:18: pools.a.overrides: unknown policy "maybe" (known: allow, deny))"},
      {pool_with("overrides: yes"),
       R"(f.yaml:4:18: pools.a.overrides: unknown policy "yes" (known: allow, deny))"},
      {pool_with("onRuntimeUnavailable: Fail"),
       "f.yaml:4:29: pools.a.onRuntimeUnavailable: unknown policy \"Fail\" (did you mean \"fail\"? "
       "known: fallback, fail)"},
  }));
  INFO(row.text);
  CHECK(errors_in(row.text) == row.errors);
}

TEST_CASE("values of the wrong type are errors that name both types", "[config]") {
  auto row = GENERATE(values<Row>({
      {pool_with("runtime: [runc]"),
       "f.yaml:4:16: pools.a.runtime: expected a single value, found a list"},
      {pool_with("runtime: {runc: }"),
       "f.yaml:4:16: pools.a.runtime: expected a single value, found a map"},
      {pool_with("runtimeConfig: kvm"),
       "f.yaml:4:22: pools.a.runtimeConfig: expected a map, found a single value"},
      {pool_with("runtimeConfig: [kvm]"),
       "f.yaml:4:22: pools.a.runtimeConfig: expected a map, found a list"},
      {pool_with("runtimeConfig: {gvisorExtraArgs: --x}"),
       "f.yaml:4:40: pools.a.runtimeConfig.gvisorExtraArgs: expected a list, found a single value"},
      {pool_with("runtimeConfig: {gvisorExtraArgs: [[--x]]}"),
       "f.yaml:4:41: pools.a.runtimeConfig.gvisorExtraArgs[0]: expected a single value, found a "
       "list"},
      {pool_with("runtimeConfig: {gvisorExtraArgs: [--x, ~]}"),
       "f.yaml:4:40: pools.a.runtimeConfig.gvisorExtraArgs[1]: expected a flag, found nothing"},
      {"worker:\n  pools:\n    a:\n      runtimeConfig:\n        gvisorExtraArgs:\n          -\n          - --x\n",
       "f.yaml:6:11: pools.a.runtimeConfig.gvisorExtraArgs[0]: expected a flag, found nothing"},
      {"worker:\n  pools:\n    a:\n      <<:\n      runtime: runc\n",
       "f.yaml:4:7: pools.a: << takes a map or a list of maps, such as *name"},
      {pool_with("maxContainers: \"5\""), "f.yaml:4:22: pools.a.maxContainers: expected a number, "
                                          "found the text \"5\" (remove the quotes)"},
      {pool_with("maxContainers: many"), "f.yaml:4:22: pools.a.maxContainers: \"many\" is not a "
                                         "whole number (write decimal digits only)"},
      {pool_with("maxContainers: ''"), "f.yaml:4:22: pools.a.maxContainers: \"\" is not a whole "
                                       "number (write decimal digits only)"},
      {pool_with("maxContainers: -1"), "f.yaml:4:22: pools.a.maxContainers: \"-1\" is not a whole "
                                       "number (write decimal digits only)"},
      {pool_with("maxContainers: 1.5"), "f.yaml:4:22: pools.a.maxContainers: \"1.5\" is not a "
                                        "whole number (write decimal digits only)"},
      {pool_with("criuEnabled: 1"),
       "f.yaml:4:20: pools.a.criuEnabled: \"1\" is neither true nor false"},
      {pool_with("criuEnabled: \"true\""), "f.yaml:4:20: pools.a.criuEnabled: expected true or "
                                           "false, found the text \"true\" (remove the quotes)"},
      {pool_with("criuEnabled: [true]"),
       "f.yaml:4:20: pools.a.criuEnabled: expected a single value, found a list"},
      {pool_with("memory: [1Gi, 2Gi]"), "f.yaml:4:15: pools.a.memory: expected a single value or a "
                                        "map of default and max, found a list"},
      {pool_with("queue: 5"), "f.yaml:4:14: pools.a.queue: expected a map, found a single value"},
      {pool_with("runtime: !Ref x"),
       "f.yaml:4:16: pools.a.runtime: the tag \"!Ref\" has no meaning here"},
      {"worker: 5", "f.yaml:1:9: worker: expected a map, found a single value"},
      {"worker: {pools: [a, b]}", "f.yaml:1:17: worker.pools: expected a map, found a list"},
      {"worker: {pools: {a: gvisor}}",
       "f.yaml:1:21: pools.a: expected a map, found a single value"},
      {"worker: {pools: {a: }}\nberth: [logs]", "f.yaml:2:8: berth: expected a map, found a list"},
      {"worker: {pools: {a: }}\nberth: {logs: 16Mi}",
       "f.yaml:2:15: berth.logs: expected a map, found a single value"},
      {"- worker", "f.yaml:1:1: expected a map, found a list"},
      {"worker", "f.yaml:1:1: expected a map, found a single value"},
  }));
  INFO(row.text);
  CHECK(errors_in(row.text) == row.errors);
}

TEST_CASE("amounts out of their bounds are errors that give the bounds", "[config]") {
  auto row = GENERATE(values<Row>({
      {pool_with("maxContainers: 100001"),
       "f.yaml:4:22: pools.a.maxContainers: 100001 is out of range (from 0 to 100000)"},
      {pool_with("maxContainers: 4294967297"),
       "f.yaml:4:22: pools.a.maxContainers: 4294967297 is out of range (from 0 to 100000)"},
      {pool_with("maxContainers: 18446744073709551616"),
       "f.yaml:4:22: pools.a.maxContainers: \"18446744073709551616\" is too large (at most "
       "18446744073709551615)"},
      {pool_with("maxConcurrentStarts: 10001"),
       "f.yaml:4:28: pools.a.maxConcurrentStarts: 10001 is out of range (from 0 to 10000)"},
      {pool_with("queue: {length: 100001}"),
       "f.yaml:4:23: pools.a.queue.length: 100001 is out of range (from 0 to 100000)"},
      {pool_with("queue: {timeout: 0}"),
       "f.yaml:4:24: pools.a.queue.timeout: 0s is out of range (from 1ms to 24h)"},
      {pool_with("queue: {timeout: 25h}"),
       "f.yaml:4:24: pools.a.queue.timeout: 25h is out of range (from 1ms to 24h)"},
      {pool_with("terminationGracePeriod: 1500ms"),
       "f.yaml:4:31: pools.a.terminationGracePeriod: 1500ms is not a whole number of seconds"},
      {pool_with("terminationGracePeriod: 86401"),
       "f.yaml:4:31: pools.a.terminationGracePeriod: 24h1s is out of range (from 0s to 24h)"},
      {pool_with("memory: 64"), "f.yaml:4:15: pools.a.memory: \"64\" is out of range for a memory "
                                "limit (from 1Mi to 1024Ti, or 0 for none)"},
      {pool_with("memory: 64X"), "f.yaml:4:15: pools.a.memory: \"64X\" is not an amount of bytes "
                                 "(write bytes or a number with K, M, G or T, such "
                                 "as 512M; powers of 1024)"},
      {pool_with("cpu: 9m"), "f.yaml:4:12: pools.a.cpu: \"9m\" is out of range for a CPU limit "
                             "(from 10m to 4096, or 0 for none)"},
      {pool_with("pids: 4194305"), "f.yaml:4:13: pools.a.pids: \"4194305\" is out of range for a "
                                   "limit of processes (from 1 to 4194304, or 0 for none)"},
      {pool_with("memory: {default: 2Gi, max: 1Gi}"),
       "f.yaml:4:25: pools.a.memory.default: \"2Gi\" is more than the max \"1Gi\""},
      {pool_with("cpu: {max: 1, default: 1001m}"),
       "f.yaml:4:30: pools.a.cpu.default: \"1001m\" is more than the max \"1\""},
      {pool_with("memory: {default: 0, max: 1Gi}"),
       "f.yaml:4:25: pools.a.memory.default: \"0\" means no limit, which is more than the max "
       "\"1Gi\""},
      {"worker: {pools: {a: }}\nberth: {probeTimeout: 99ms}",
       "f.yaml:2:23: berth.probeTimeout: 99ms is out of range (from 100ms to 10m)"},
      {"worker: {pools: {a: }}\nberth: {startTimeout: 2h}",
       "f.yaml:2:23: berth.startTimeout: 2h is out of range (from 1s to 1h)"},
      {"worker: {pools: {a: }}\nberth: {eventHistory: 0}",
       "f.yaml:2:23: berth.eventHistory: 0 is out of range (from 1 to 1000000)"},
      {"worker: {pools: {a: }}\nberth: {logs: {maxSize: 4095}}",
       "f.yaml:2:25: berth.logs.maxSize: 4095 is out of range (from 4Ki to 1Ti)"},
      {"worker: {pools: {a: }}\nberth: {logs: {maxFiles: 0}}",
       "f.yaml:2:26: berth.logs.maxFiles: 0 is out of range (from 1 to 1000)"},
  }));
  INFO(row.text);
  CHECK(errors_in(row.text) == row.errors);
}

TEST_CASE("options of gVisor that cannot work are refused", "[config]") {
  auto config = [](const std::string& what) {
    return pool_with("runtimeConfig: {" + what + "}");
  };
  auto row = GENERATE_COPY(values<Row>({
      {config("gvisorRoot: run/gvisor"),
       R"(f.yaml:4:35: pools.a.runtimeConfig.gvisorRoot: "run/gvisor" is not an absolute path)"},
      {config("gvisorRoot: /run/../gvisor"),
       R"(f.yaml:4:35: pools.a.runtimeConfig.gvisorRoot: "/run/../gvisor" must not contain "..")"},
      {config("gvisorRoot: //"),
       R"(f.yaml:4:35: pools.a.runtimeConfig.gvisorRoot: must be a directory of its own, not "//")"},
      {config("gvisorRoot: \"/run/\\0x\""),
       R"(f.yaml:4:35: pools.a.runtimeConfig.gvisorRoot: "/run/\x00x" contains a control character)"},
      {config("gvisorExtraArgs: [debug]"),
       "f.yaml:4:41: pools.a.runtimeConfig.gvisorExtraArgs[0]: \"debug\" does not start with \"-\" "
       "(write a flag and its "
       "value as one item: \"--name=value\")"},
      {config("gvisorExtraArgs: [--]"),
       "f.yaml:4:41: pools.a.runtimeConfig.gvisorExtraArgs[0]: \"--\" is not a flag"},
      {config("gvisorExtraArgs: [---root=/x]"),
       "f.yaml:4:41: pools.a.runtimeConfig.gvisorExtraArgs[0]: \"---root=/x\" is not a flag"},
      {config("gvisorExtraArgs: [--root=/x]"),
       "f.yaml:4:41: pools.a.runtimeConfig.gvisorExtraArgs[0]: \"--root=/x\" cannot be given: use "
       "runtimeConfig.gvisorRoot"},
      {config("gvisorExtraArgs: [-platform=kvm]"),
       "f.yaml:4:41: pools.a.runtimeConfig.gvisorExtraArgs[0]: \"-platform=kvm\" cannot be given: "
       "use "
       "runtimeConfig.gvisorPlatform"},
      {config("gvisorExtraArgs: [--log-format=text]"),
       "f.yaml:4:41: pools.a.runtimeConfig.gvisorExtraArgs[0]: \"--log-format=text\" cannot be "
       "given: Berth reads the "
       "runtime's errors from there"},
      {config("gvisorExtraArgs: [--ignore-cgroups]"),
       "f.yaml:4:41: pools.a.runtimeConfig.gvisorExtraArgs[0]: \"--ignore-cgroups\" cannot be "
       "given: Berth puts every "
       "container into a cgroup of its own to limit and watch it"},
      {config("gvisorExtraArgs: [\"--debug-log=/a\\nb\"]"),
       R"(f.yaml:4:41: pools.a.runtimeConfig.gvisorExtraArgs[0]: "--debug-log=/a\nb" contains a control character)"},
  }));
  INFO(row.text);
  CHECK(errors_in(row.text) == row.errors);
}

TEST_CASE("flags that contain the name of a reserved one are not reserved", "[config]") {
  auto settings = valid(
      pool_with("runtime: gvisor\n"
                "runtimeConfig:\n"
                "  gvisorExtraArgs: [--overlay2=root:self, --debug-log=/tmp/x, --log-packets, "
                "-network=none, '--file-access=exclusive']"));
  CHECK(settings.pools.at("a").gvisor_extra_args.value
        == Argv{"--overlay2=root:self", "--debug-log=/tmp/x", "--log-packets", "-network=none",
                "--file-access=exclusive"});
}

TEST_CASE("the programs of the runtimes are names or absolute paths", "[config]") {
  auto with = [](const std::string& runc) {
    return "worker: {pools: {a: }}\nberth: {runtimes: {runc: " + runc + "}}";
  };
  CHECK(valid(with("runc-1.3")).node.runc_binary.value == "runc-1.3");
  CHECK(valid(with("/opt/runc")).node.runc_binary.value == "/opt/runc");
  CHECK(valid(with("''")).node.runc_binary.value == "runc");
  CHECK(
      errors_in(with("bin/runc"))
      == R"(f.yaml:2:26: berth.runtimes.runc: "bin/runc" is neither a plain name nor an absolute path)");
  CHECK(errors_in(with("-x"))
        == R"(f.yaml:2:26: berth.runtimes.runc: "-x" is not the name of a program)");
}

TEST_CASE("pools need names that are safe in paths", "[config]") {
  constexpr auto why =
      " is not a pool name (letters, digits, _ . and -, a letter or digit first, at most 64)";
  auto key =
      GENERATE(as<std::string>{}, "my pool", "../etc", "-a", ".a", "a/b", "", "\xc3\xa4", "a:b");
  INFO(key);
  CHECK(errors_in("worker: {pools: {\"" + key + "\": }}")
        == "f.yaml:1:18: worker.pools: \"" + key + '"' + why);
  auto longest = std::string(64, 'x');
  CHECK(valid("worker: {pools: {" + longest + ": }}").pools.count(longest) == 1);
  CHECK(errors_in("worker: {pools: {" + longest + "x: }}")
        == "f.yaml:1:18: worker.pools: \"" + longest + "x\"" + why);
}

TEST_CASE("pools are not named like the kernel's files in a cgroup", "[config]") {
  auto key = GENERATE(as<std::string>{}, "tasks", "notify_on_release", "release_agent", "cgroup.procs",
                      "memory.max", "cpu.weight", "net_cls.classid");
  INFO(key);
  CHECK(errors_in("worker: {pools: {" + key + ": }}")
        == "f.yaml:1:18: worker.pools: \"" + key
               + "\" cannot be the name of a pool: the kernel has files of such names where the "
                 "pool's cgroup would be");
  auto harmless = GENERATE(as<std::string>{}, "cpu", "memory", "task", "web.memory", "cgroups.a");
  CHECK(valid("worker: {pools: {" + harmless + ": }}").pools.count(harmless) == 1);
}

TEST_CASE("what is in a pool is checked whatever its name", "[config]") {
  CHECK(errors_in("worker:\n  pools:\n    my pool: {runtme: runc}\n")
        == "f.yaml:3:5: worker.pools: \"my pool\" is not a pool name (letters, digits, _ . and -, a "
           "letter or digit first, at most 64)\n"
           "f.yaml:3:15: pools.my pool: unknown key \"runtme\" (did you mean \"runtime\"?)");
}

TEST_CASE("a configuration without pools says where they belong", "[config]") {
  auto row = GENERATE(values<Row>({
      {"", "f.yaml: no pools configured under worker.pools"},
      {"# nothing here\n", "f.yaml: no pools configured under worker.pools"},
      {"---\n...\n", "f.yaml: no pools configured under worker.pools"},
      {"worker:\n", "f.yaml:1:1: no pools configured under worker.pools"},
      {"worker:\n  pools:\n", "f.yaml:2:3: no pools configured under worker.pools"},
      {"worker:\n  pools: {}\n", "f.yaml:2:3: no pools configured under worker.pools"},
      {"pools: {a: }",
       "f.yaml:1:1: no pools configured under worker.pools (\"pools\" belongs below \"worker\")"},
      {"x: 1\nwroker: {pools: {a: }}", "f.yaml: no pools configured under worker.pools (did you "
                                       "mean \"worker\" by \"wroker\" in line 2?)"},
      {"Worker: {pools: {a: }}", "f.yaml: no pools configured under worker.pools (did you mean "
                                 "\"worker\" by \"Worker\" in line 1?)"},
  }));
  INFO(row.text);
  CHECK(errors_in(row.text) == row.errors);
}

TEST_CASE("all errors are reported at once, in the order of the file", "[config]") {
  CHECK(
      errors_in("berth:\n"
                "  logs: {maxFiles: none}\n"
                "worker:\n"
                "  containerRuntime: docker\n"
                "  pools:\n"
                "    sandbox:\n"
                "      runtme: gvisor\n"
                "      runtimeConfig: {gvisorPlatform: vmx, gvisorRoot: x}\n"
                "      memory: lots\n"
                "      memory: lots\n"
                "    other pool:\n"
                "    third: [1]\n")
      == "f.yaml:2:20: berth.logs.maxFiles: \"none\" is not a whole number (write decimal digits "
         "only)\n"
         "f.yaml:4:21: worker.containerRuntime: unknown runtime \"docker\" (known: runc, gvisor)\n"
         "f.yaml:7:7: pools.sandbox: unknown key \"runtme\" (did you mean \"runtime\"?)\n"
         "f.yaml:8:39: pools.sandbox.runtimeConfig.gvisorPlatform: unknown platform \"vmx\" "
         "(known: kvm, "
         "ptrace, systrap)\n"
         "f.yaml:8:56: pools.sandbox.runtimeConfig.gvisorRoot: \"x\" is not an absolute path\n"
         "f.yaml:9:15: pools.sandbox.memory: \"lots\" is not an amount of bytes (write bytes or a "
         "number with K, M, G "
         "or T, such as 512M; powers of 1024)\n"
         "f.yaml:10:7: pools.sandbox: key \"memory\" is given twice (first in line 9)\n"
         "f.yaml:11:5: worker.pools: \"other pool\" is not a pool name (letters, digits, _ . and "
         "-, a letter or digit "
         "first, at most 64)\n"
         "f.yaml:12:12: pools.third: expected a map, found a list");
}

TEST_CASE("errors are given to programs as one error", "[config]") {
  auto loaded = load_settings({{"f.yaml", pool_with("runtime: x\ncpu: y")}});
  REQUIRE_FALSE(loaded);
  CHECK(loaded.error().size() == 2);
  auto error = to_error(loaded.error());
  CHECK(error.code == ec::invalid_config);
  CHECK(error.reason == render(loaded.error()));
}
