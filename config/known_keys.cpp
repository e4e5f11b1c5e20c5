#include "config/known_keys.hpp"

#include "config/spelling.hpp"
#include "messages/log_levels.hpp"

#include <algorithm>
#include <array>
#include <vector>

namespace berth {
namespace {

constexpr auto scheduling = std::string_view{"placement and scheduling are not done by the node"};
constexpr auto kubernetes = std::string_view{"containers are not run as Kubernetes pods"};
constexpr auto storage = std::string_view{"images and storage are not managed by the node"};
constexpr auto machines = std::string_view{"machines are not provided by the node"};

constexpr auto worker_table = std::array{
    KnownKey{"pools"},
    KnownKey{"containerRuntime"},
    KnownKey{"terminationGracePeriod"},
    KnownKey{"containerResourceLimits", "limits are set per pool: memory, cpu, pids"},
    KnownKey{"containerLogLinesPerHour", "logs are bounded by size: berth.logs"},
    KnownKey{"criu", "checkpoints need no section of their own"},
    KnownKey{"useHostResolvConf", "networks are not set up by the node"},
    KnownKey{"hostNetwork", "networks are not set up by the node"},
    KnownKey{"tmpSizeLimit", kubernetes},
    KnownKey{"cacheEnabled", storage},
    KnownKey{"jobResourcesEnforced", kubernetes},
    KnownKey{"defaultWorkerCPURequest", kubernetes},
    KnownKey{"defaultWorkerMemoryRequest", kubernetes},
    KnownKey{"imageTag", kubernetes},
    KnownKey{"imageName", kubernetes},
    KnownKey{"imageRegistry", kubernetes},
    KnownKey{"imagePullSecrets", kubernetes},
    KnownKey{"imagePVCName", kubernetes},
    KnownKey{"namespace", kubernetes},
    KnownKey{"serviceAccountName", kubernetes},
    KnownKey{"useGatewayServiceHostname", kubernetes},
    KnownKey{"cleanupWorkerInterval", scheduling},
    KnownKey{"cleanupPendingWorkerAgeLimit", scheduling},
};

constexpr auto pool_table = std::array{
    KnownKey{"runtime"},
    KnownKey{"containerRuntime"},
    KnownKey{"runtimeConfig"},
    KnownKey{"containerRuntimeConfig"},
    KnownKey{"overrides"},
    KnownKey{"onRuntimeUnavailable"},
    KnownKey{"maxContainers"},
    KnownKey{"maxConcurrentStarts"},
    KnownKey{"queue"},
    KnownKey{"terminationGracePeriod"},
    KnownKey{"memory"},
    KnownKey{"cpu"},
    KnownKey{"pids"},
    KnownKey{"oomGroup"},
    // These two are checked and kept, but nothing depends on them.
    KnownKey{"criuEnabled", "information only: a launch asks for checkpoints itself"},
    KnownKey{"gpuType", "information only: a launch asks for GPUs itself"},
    KnownKey{"gpuVirtualized", "GPUs are passed through, not virtualized"},
    KnownKey{"containerStartConcurrency", "the key of Berth is maxConcurrentStarts"},
    KnownKey{"networkPreallocation", "networks are not set up by the node"},
    KnownKey{"networkSlotPoolSize", "networks are not set up by the node"},
    KnownKey{"cpuAffinityEnforced", "containers are not pinned to CPUs"},
    KnownKey{"mode", machines},
    KnownKey{"provider", machines},
    KnownKey{"requiresPoolSelector", scheduling},
    KnownKey{"priority", scheduling},
    KnownKey{"preemptable", scheduling},
    KnownKey{"poolSizing", machines},
    KnownKey{"jobSpec", kubernetes},
    KnownKey{"tmpSizeLimit", kubernetes},
    KnownKey{"userData", machines},
    KnownKey{"configGroup", scheduling},
    KnownKey{"k3sInstallDir", machines},
    KnownKey{"storagePath", storage},
    KnownKey{"storageMode", storage},
    KnownKey{"imagesPath", storage},
    KnownKey{"durableDisksPath", storage},
    KnownKey{"hourlyCostCents", machines},
    KnownKey{"cache", storage},
};

constexpr auto runtime_config_table = std::array{
    KnownKey{"gvisorPlatform"},
    KnownKey{"gvisorRoot"},
    KnownKey{"gvisorExtraArgs"},
};

constexpr auto queue_table = std::array{KnownKey{"length"}, KnownKey{"timeout"}};
constexpr auto limit_table = std::array{KnownKey{"default"}, KnownKey{"max"}};
constexpr auto logs_table = std::array{KnownKey{"maxSize"}, KnownKey{"maxFiles"}};
constexpr auto tracing_table = std::array{KnownKey{"mode"}, KnownKey{"maxSpans"}, KnownKey{"maxAge"}, KnownKey{"maxRate"},
                                          KnownKey{"otlp"}};
constexpr auto runtimes_table = std::array{KnownKey{"runc"}, KnownKey{"runsc"}};

constexpr auto log_table = std::array{KnownKey{"format"}, KnownKey{"level"}, KnownKey{"levels"}};
constexpr auto metrics_table = std::array{KnownKey{"listen"}};

constexpr auto log_component_table = [] {
  auto result = std::array<KnownKey, log_components.size()>{};
  for (size_t i = 0; i < result.size(); ++i)
    result[i].name = log_components[i];
  return result;
}();

constexpr auto berth_table = std::array{
    KnownKey{"logs"},         KnownKey{"log"},         KnownKey{"metrics"},
    KnownKey{"probeTimeout"}, KnownKey{"startTimeout"}, KnownKey{"runtimes"},
    KnownKey{"eventHistory"}, KnownKey{"eventMaxAge"},  KnownKey{"tracing"},
};

/// A section as it is called in hints.
struct Place {
  std::string_view name;
  KeyTable table;
};

constexpr auto places = std::array{
    Place{"worker", worker_table},
    Place{"worker.pools.<name>", pool_table},
    Place{"worker.pools.<name>.runtimeConfig", runtime_config_table},
    Place{"berth", berth_table},
    Place{"berth.logs", logs_table},
    Place{"berth.tracing", tracing_table},
    Place{"berth.log", log_table},
};

bool uses(KeyTable table, std::string_view key) {
  return std::any_of(table.begin(), table.end(), [&](const KnownKey& known) {
    return known.name == key && known.ignored_because.empty();
  });
}

} // namespace

KeyTable worker_keys() {
  return worker_table;
}

KeyTable pool_keys() {
  return pool_table;
}

KeyTable runtime_config_keys() {
  return runtime_config_table;
}

KeyTable queue_keys() {
  return queue_table;
}

KeyTable limit_keys() {
  return limit_table;
}

KeyTable berth_keys() {
  return berth_table;
}

KeyTable logs_keys() {
  return logs_table;
}

KeyTable tracing_keys() {
  return tracing_table;
}

KeyTable log_keys() {
  return log_table;
}

KeyTable log_component_keys() {
  return log_component_table;
}

KeyTable metrics_keys() {
  return metrics_table;
}

KeyTable runtimes_keys() {
  return runtimes_table;
}

const KnownKey* find_key(KeyTable table, std::string_view key) {
  auto matches = [&](const KnownKey& known) {
    return known.name == key
           || (!known.ignored_because.empty() && equal_ignoring_case(known.name, key));
  };
  auto i = std::find_if(table.begin(), table.end(), matches);
  return i == table.end() ? nullptr : &*i;
}

std::string hint_for_unknown_key(KeyTable table, std::string_view key) {
  auto names = std::vector<std::string_view>{};
  for (const auto& known : table)
    names.push_back(known.name);
  if (auto meant = nearest(key, names); !meant.empty())
    return " (did you mean " + in_quotes(meant) + "?)";
  if (key == "runtime" && uses(table, "containerRuntime"))
    return " (did you mean \"containerRuntime\"?)";
  for (const auto& place : places)
    if (place.table.data() != table.data() && uses(place.table, key))
      return " (it belongs in " + std::string{place.name} + ")";
  // Short tables are the best explanation there is.
  constexpr size_t max_listed = 6;
  return names.size() <= max_listed ? " (known: " + join(names) + ")" : "";
}

} // namespace berth
