#include "config/read_sections.hpp"

#include "config/quantity.hpp"
#include "config/spelling.hpp"

#include <algorithm>
#include <filesystem>

namespace berth {
namespace {

constexpr auto max_containers = Bounds{0, 100'000};
constexpr auto max_starts = Bounds{0, 10'000};
constexpr auto queue_length = Bounds{0, 100'000};
/// Milliseconds: up to a day.
constexpr auto queue_timeout = Bounds{1, 86'400'000};
constexpr auto grace_period = Bounds{0, 86'400'000};
constexpr size_t max_gpu_type = 128;
constexpr size_t max_root = 1024;
constexpr size_t max_extra_args = 64;
constexpr size_t max_extra_arg = 4096;

/// Flags of runsc that the operator must not give.
struct ReservedFlag {
  std::string_view name;
  std::string_view why;
};

constexpr auto own_cgroups =
    std::string_view{"Berth puts every container into a cgroup of its own to limit and watch it"};
constexpr auto own_verb = std::string_view{"it belongs to a command that Berth gives itself"};
constexpr auto no_container =
    std::string_view{"it would keep the runtime from running any container"};
constexpr auto reserved_flags = std::array{
    ReservedFlag{"root", "use runtimeConfig.gvisorRoot"},
    ReservedFlag{"platform", "use runtimeConfig.gvisorPlatform"},
    ReservedFlag{"log", "Berth reads the runtime's errors from there"},
    ReservedFlag{"log-fd", "Berth reads the runtime's errors from there"},
    ReservedFlag{"log-format", "Berth reads the runtime's errors from there"},
    ReservedFlag{"oci-seccomp",
                 "runsc answers every call that a filter refuses with EPERM, whatever the filter says, "
                 "and then programs of newer C libraries cannot make threads"},
    ReservedFlag{"bundle", own_verb},
    ReservedFlag{"pid-file", own_verb},
    ReservedFlag{"console-socket", own_verb},
    ReservedFlag{"user-log", own_verb},
    ReservedFlag{"detach", own_verb},
    ReservedFlag{"ignore-cgroups", own_cgroups},
    ReservedFlag{"systemd-cgroup", own_cgroups},
    ReservedFlag{"rootless", own_cgroups},
    ReservedFlag{"help", no_container},
    ReservedFlag{"h", no_container},
    ReservedFlag{"version", no_container},
};

/// Why `argument` cannot be passed on to runsc; empty if it can.
std::string fault_of(const std::string& argument) {
  if (argument.size() > max_extra_arg)
    return "is longer than " + std::to_string(max_extra_arg) + " bytes";
  if (std::any_of(argument.begin(), argument.end(),
                  [](char c) { return static_cast<unsigned char>(c) < 0x20; }))
    return "contains a control character";
  if (!argument.starts_with('-'))
    return "does not start with \"-\" (write a flag and its value as one item: \"--name=value\")";
  // One hyphen or two mean the same to runsc.
  auto name = std::string_view{argument}.substr(argument.starts_with("--") ? 2 : 1);
  name = name.substr(0, name.find('='));
  if (name.empty() || name.front() == '-')
    return "is not a flag";
  auto reserved = std::find_if(reserved_flags.begin(), reserved_flags.end(),
                               [&](const ReservedFlag& flag) { return flag.name == name; });
  return reserved == reserved_flags.end() ? "" : "cannot be given: " + std::string{reserved->why};
}

void read_extra_args(Section& section, Sourced<Argv>& result, LoadState& state) {
  constexpr auto key = std::string_view{"gvisorExtraArgs"};
  auto node = section.get(key);
  if (node == nullptr
      || !check_kind(*node, YamlNode::Kind::list, section.shown_path_of(key), state.errors))
    return;
  if (node->items.size() > max_extra_args) {
    section.reject(key, "more than " + std::to_string(max_extra_args) + " arguments");
    return;
  }
  auto arguments = Argv{};
  for (size_t i = 0; i < node->items.size(); ++i) {
    const auto& item = node->items[i];
    auto path = section.shown_path_of(key) + '[' + std::to_string(i) + ']';
    if (item.kind == YamlNode::Kind::null) // yaml-cpp says that it is where the next thing is
      state.errors.add(node->origin, path, "expected a flag, found nothing");
    else if (!check_kind(item, YamlNode::Kind::scalar, path, state.errors))
      continue;
    else if (auto fault = fault_of(item.text); !fault.empty())
      state.errors.add(item.origin, path, in_quotes(item.text) + ' ' + fault);
    else
      arguments.push_back(item.text);
  }
  result = {std::move(arguments), section.accept(key)};
}

void read_gvisor_root(Section& section, Sourced<std::string>& result) {
  constexpr auto key = std::string_view{"gvisorRoot"};
  auto root = Sourced<std::string>{};
  section.read(key, root, max_root);
  if (root.value.empty())
    return;
  auto path = std::filesystem::path{root.value};
  if (!path.is_absolute()) {
    section.reject(key, in_quotes(root.value) + " is not an absolute path");
    return;
  }
  if (std::find(path.begin(), path.end(), "..") != path.end()) {
    section.reject(key, in_quotes(root.value) + " must not contain \"..\"");
    return;
  }
  auto normal = path.lexically_normal().string();
  while (normal.size() > 1 && normal.back() == '/')
    normal.pop_back();
  // Berth has its own directories below these two, by the name that its part of the root would have.
  if (normal == "/" || normal == "/run" || normal == "/var/run" || normal == "/var/lib")
    section.reject(key, "must be a directory of its own, not " + in_quotes(root.value));
  else
    result = {std::move(normal), std::move(root.origin)};
}

void read_runtime_config(Section& pool, PoolSettings& settings, LoadState& state) {
  constexpr auto platforms = std::array<std::string_view, 3>{"kvm", "ptrace", "systrap"};
  auto section = pool.sub_section("runtimeConfig", runtime_config_keys());
  if (auto platform = section.word("gvisorPlatform", "platform", platforms))
    settings.gvisor_platform = {std::string{platforms[*platform]},
                                section.accept("gvisorPlatform")};
  read_gvisor_root(section, settings.gvisor_root);
  read_extra_args(section, settings.gvisor_extra_args, state);
}

void read_queue(Section& pool, Sourced<QueueSettings>& result) {
  auto section = pool.sub_section("queue", queue_keys());
  auto length = Sourced<uint32_t>{};
  auto timeout = Sourced<std::chrono::milliseconds>{result.value.timeout, {}};
  section.read("length", length, queue_length);
  section.read("timeout", timeout, queue_timeout);
  auto origin = length.origin.file.empty() ? timeout.origin : length.origin;
  result = {{length.value, timeout.value}, std::move(origin)};
}

/// `memory`, `cpu` or `pids`: one value for both parts, or a map of them. A default that is not
/// given is the maximum, so that a container that asks for nothing does not get more than one that
/// asks.
void read_limit(Section& pool, std::string_view key, Sourced<LimitRange>& result,
                Result<uint64_t> (*parse)(std::string_view), LoadState& state) {
  auto node = pool.get(key);
  auto path = pool.path_of(key);
  if (node == nullptr)
    return;
  if (node->kind == YamlNode::Kind::list) {
    pool.reject(key, "expected a single value or a map of default and max, found a list");
    return;
  }
  if (node->kind == YamlNode::Kind::scalar) {
    if (auto value = pool.parsed(key, parse)) {
      auto origin = pool.accept(key);
      state.settings.provenance[join_path(path, "default")] = {origin, {}};
      state.settings.provenance[join_path(path, "max")] = {origin, {}};
      result = {{*value, *value}, origin};
    }
    return;
  }
  auto section = pool.sub_section(key, limit_keys());
  auto standard = section.parsed("default", parse);
  auto ceiling = section.parsed("max", parse);
  auto range = LimitRange{standard.value_or(ceiling.value_or(0)), ceiling.value_or(0)};
  // Without a ceiling any default will do; with one, no limit at all is above it too.
  if (standard && range.ceiling != 0 && (range.standard == 0 || range.standard > range.ceiling)) {
    auto given = [&](std::string_view name) {
      return in_quotes(section.get(name)->text);
    };
    section.reject("default", given("default")
                                  + (range.standard == 0 ? " means no limit, which" : "")
                                  + " is more than the max " + given("max"));
    return;
  }
  if (ceiling) {
    auto origin = section.accept("max");
    if (!standard)
      state.settings.provenance[join_path(path, "default")] = {origin, join_path(path, "max")};
    result.origin = std::move(origin);
  }
  if (standard)
    result.origin = section.accept("default");
  result.value = range;
}

} // namespace

void read_runtime(Section& section, std::string_view key, Sourced<RuntimeKind>& result) {
  constexpr auto words = std::array<std::string_view, 2>{"runc", "gvisor"};
  section.read(key, result, "runtime", words, std::array{RuntimeKind::runc, RuntimeKind::gvisor});
}

void read_grace_period(Section& section, Sourced<std::chrono::seconds>& result) {
  section.read("terminationGracePeriod", result, grace_period);
}

void read_pool(const YamlEntry& entry, LoadState& state) {
  auto& provenance = state.settings.provenance;
  auto path = join_path("worker.pools", entry.key);
  auto section = Section{&entry.value, path, pool_keys(), state};
  auto pool = PoolSettings{};
  pool.name = PoolName{entry.key};
  read_runtime(section, "runtime", pool.runtime);
  const auto& worker = state.settings.worker;
  if (!pool.runtime.origin.file.empty()) {
    pool.runtime_source = RuntimeSource::pool;
  } else if (!worker.container_runtime.origin.file.empty()) {
    pool.runtime = worker.container_runtime;
    pool.runtime_source = RuntimeSource::worker;
    provenance[join_path(path, "runtime")] = {pool.runtime.origin, "worker.containerRuntime"};
  }
  read_runtime_config(section, pool, state);
  section.read("overrides", pool.overrides, "policy",
               std::array<std::string_view, 2>{"allow", "deny"},
               std::array{OverridePolicy::allow, OverridePolicy::deny});
  section.read("onRuntimeUnavailable", pool.on_runtime_unavailable, "policy",
               std::array<std::string_view, 2>{"fallback", "fail"},
               std::array{UnavailablePolicy::fallback, UnavailablePolicy::fail});
  section.read("maxContainers", pool.max_containers, max_containers);
  section.read("maxConcurrentStarts", pool.max_concurrent_starts, max_starts);
  read_queue(section, pool.queue);
  read_grace_period(section, pool.termination_grace_period);
  if (pool.termination_grace_period.origin.file.empty()
      && !worker.termination_grace_period.origin.file.empty()) {
    pool.termination_grace_period = worker.termination_grace_period;
    provenance[join_path(path, "terminationGracePeriod")] = {worker.termination_grace_period.origin,
                                                             "worker.terminationGracePeriod"};
  }
  read_limit(section, "memory", pool.memory, parse_memory, state);
  read_limit(section, "cpu", pool.cpu, parse_cpu, state);
  read_limit(section, "pids", pool.pids, parse_pids, state);
  section.read("oomGroup", pool.oom_group);
  section.read("criuEnabled", pool.criu_enabled);
  section.read("gpuType", pool.gpu_type, max_gpu_type);
  pool.worker_runtime = worker.container_runtime;
  auto prefix = path + '.';
  for (auto i = provenance.lower_bound(prefix); i != provenance.end() && i->first.starts_with(prefix); ++i)
    pool.provenance.emplace(i->first.substr(prefix.size()), i->second);
  add_notices(pool, state.settings);
  state.settings.pools.emplace(entry.key, std::move(pool));
}

} // namespace berth
