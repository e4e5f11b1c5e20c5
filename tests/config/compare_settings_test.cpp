#include "config/compare_settings.hpp"

#include "tests/config/load.hpp"
#include "tests/support/catch.hpp"

using namespace berth;
using namespace berth::test;

namespace {

/// "~web: runtime runc>gvisor, +new, -old" for what differs.
std::string text_of(const SettingsDifference& difference) {
  auto result = std::string{};
  for (const auto& pool : difference.pools) {
    result += (result.empty() ? "" : ", ")
              + std::string{pool.kind == PoolChangeKind::added ? "+" : pool.kind == PoolChangeKind::removed ? "-" : "~"}
              + pool.name.value;
    if (pool.kind != PoolChangeKind::changed)
      continue;
    auto first = true;
    for (const auto& setting : pool.settings) {
      result += (first ? ": " : " ") + setting.key + "=" + setting.before + ">" + setting.after;
      first = false;
    }
  }
  for (const auto& setting : difference.node)
    result += (result.empty() ? "" : ", ") + setting.key + "=" + setting.before + ">" + setting.after;
  return result;
}

} // namespace

TEST_CASE("configurations are compared by their values", "[compare]") {
  struct Row {
    const char* what;
    const char* before;
    const char* after;
    const char* wanted;
  };
  auto row = GENERATE(
    Row{"nothing", "worker: {pools: {a: }}", "worker: {pools: {a: }}", ""},
    Row{"the same in other words", "worker: {pools: {a: {memory: 1Gi}}}",
        "worker:\n  pools:\n    a: {memory: {max: 1024Mi, default: 1073741824}}", ""},
    Row{"a default that is written out", "worker: {pools: {a: }}", "worker: {pools: {a: {runtime: runc}}}", ""},
    Row{"a value", "worker: {pools: {a: {maxContainers: 1}}}", "worker: {pools: {a: {maxContainers: 2}}}",
        "~a: maxContainers=1>2"},
    Row{"two pools", "worker: {pools: {a: , b: }}", "worker: {pools: {a: {pids: 5}, b: {oomGroup: true}}}",
        "~a: pids.default=none>5 pids.max=none>5, ~b: oomGroup=false>true"},
    Row{"a new pool", "worker: {pools: {a: }}", "worker: {pools: {a: , b: }}", "+b"},
    Row{"a removed pool", "worker: {pools: {a: , b: }}", "worker: {pools: {a: }}", "-b"},
    Row{"a renamed pool", "worker: {pools: {a: }}", "worker: {pools: {b: }}", "-a, +b"},
    Row{"the default of all pools reaches those that name none",
        "worker: {pools: {a: , b: {terminationGracePeriod: 5}}}",
        "worker: {terminationGracePeriod: 9, pools: {a: , b: {terminationGracePeriod: 5}}}",
        "~a: terminationGracePeriod=30s>9s"},
    Row{"names with dots", "worker: {pools: {a: , a.b: {maxContainers: 1}}}",
        "worker: {pools: {a: , a.b: {maxContainers: 2}}}", "~a.b: maxContainers=1>2"},
    Row{"names that look like keys of another pool", "worker: {pools: {a: {queue: {length: 1}}, a.queue: }}",
        "worker: {pools: {a: {queue: {length: 2}}, a.queue: }}", "~a: queue.length=1>2"},
    Row{"a program of a runtime concerns all pools", "worker: {pools: {a: }}\nberth: {}",
        "worker: {pools: {a: }}\nberth: {runtimes: {runc: /x/runc}}", "~a, berth.runtimes.runc=runc>/x/runc"},
    Row{"the node alone", "worker: {pools: {a: }}", "worker: {pools: {a: }}\nberth: {eventHistory: 7}",
        "berth.eventHistory=65536>7"});
  INFO(row.what);
  auto before = valid(row.before);
  auto after = valid(row.after);
  CHECK(text_of(compare(before, after)) == row.wanted);
  CHECK(compare(before, after).empty() == std::string{row.wanted}.empty());
  CHECK(compare(after, after).empty());
}

TEST_CASE("a difference tells where the new value comes from, and what waits for the next start", "[compare]") {
  auto difference = compare(valid("worker: {pools: {a: }}"),
                            valid("worker:\n  pools:\n    a: {maxContainers: 3}\nberth: {logs: {maxFiles: 9}, startTimeout: 9s}"));
  REQUIRE(difference.pools.size() == 1);
  CHECK(difference.pools[0].settings
        == std::vector<SettingDifference>{{"maxContainers", "unlimited", "3", "f.yaml:3:24"}});
  CHECK(difference.needs_restart == std::vector<std::string>{"berth.logs.maxFiles"});
}
