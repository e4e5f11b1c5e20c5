#include "config/describe_settings.hpp"

#include "config/config_error.hpp"
#include "config/quantity.hpp"
#include "config/spelling.hpp"

namespace berth {
namespace {

/// Collects rows and finds out where their values came from.
class Rows {
public:
  explicit Rows(const Settings& settings) : settings_{settings} {
    // nop
  }

  void add(std::string path, std::string value) {
    auto source = std::string{"default"};
    if (auto i = settings_.provenance.find(path); i != settings_.provenance.end())
      source = (i->second.via.empty() ? "" : i->second.via + ", ") + to_string(i->second.origin);
    rows_.push_back({std::move(path), std::move(value), std::move(source)});
  }

  bool is_given(const std::string& path) const {
    return settings_.provenance.contains(path);
  }

  std::vector<SettingRow> take() && {
    return std::move(rows_);
  }

private:
  const Settings& settings_;
  std::vector<SettingRow> rows_;
};

std::string or_word(const std::string& value, const char* word) {
  return value.empty() ? word : value;
}

std::string count_or(uint64_t count, const char* word) {
  return count == 0 ? word : std::to_string(count);
}

std::string flag(bool value) {
  return value ? "true" : "false";
}

std::string list(const Argv& arguments) {
  auto result = std::string{"["};
  for (const auto& argument : arguments)
    result += (result.size() == 1 ? "" : ", ") + in_quotes(argument);
  return result + ']';
}

void add_node(const NodeSettings& node, Rows& rows) {
  rows.add("berth.logs.maxSize", format_bytes(node.logs.value.max_size));
  rows.add("berth.logs.maxFiles", std::to_string(node.logs.value.max_files));
  rows.add("berth.log.format", to_string(node.log_format.value));
  rows.add("berth.log.level", to_string(node.log_level.value));
  for (const auto& [component, level] : node.log_levels)
    rows.add("berth.log.levels." + component, to_string(level.value));
  rows.add("berth.metrics.listen", or_word(node.metrics_listen.value, "off"));
  rows.add("berth.probeTimeout", format_duration(node.probe_timeout.value));
  rows.add("berth.startTimeout", format_duration(node.start_timeout.value));
  rows.add("berth.runtimes.runc", node.runc_binary.value);
  rows.add("berth.runtimes.runsc", node.runsc_binary.value);
  rows.add("berth.eventHistory", std::to_string(node.event_history.value));
  rows.add("berth.eventMaxAge", format_duration(node.event_max_age.value));
  const auto& tracing = node.tracing;
  rows.add("berth.tracing.mode", to_string(tracing.mode.value));
  rows.add("berth.tracing.maxSpans", std::to_string(tracing.max_spans.value));
  rows.add("berth.tracing.maxAge", format_duration(tracing.max_age.value));
  rows.add("berth.tracing.maxRate", std::to_string(tracing.max_rate.value));
  rows.add("berth.tracing.otlp", or_word(tracing.otlp.value, "none"));
}

void add_limit(const std::string& path, LimitRange range, std::string (*format)(uint64_t),
               Rows& rows) {
  auto text = [&](uint64_t value) {
    return value == 0 ? "none" : format(value);
  };
  rows.add(path + ".default", text(range.standard));
  rows.add(path + ".max", text(range.ceiling));
}

void add_pool(const PoolSettings& pool, Rows& rows) {
  auto path = join_path("worker.pools", pool.name.value);
  auto at = [&](std::string_view key) {
    return join_path(path, key);
  };
  rows.add(at("runtime"), to_string(pool.runtime.value));
  auto add_gvisor = [&](std::string_view key, std::string value) {
    if (pool.runtime.value == RuntimeKind::gvisor || rows.is_given(at(key)))
      rows.add(at(key), std::move(value));
  };
  add_gvisor("runtimeConfig.gvisorPlatform",
             or_word(pool.gvisor_platform.value, "gVisor's default"));
  add_gvisor("runtimeConfig.gvisorRoot", or_word(pool.gvisor_root.value, "/run/gvisor"));
  add_gvisor("runtimeConfig.gvisorExtraArgs", list(pool.gvisor_extra_args.value));
  rows.add(at("overrides"), to_string(pool.overrides.value));
  rows.add(at("onRuntimeUnavailable"), to_string(pool.on_runtime_unavailable.value));
  rows.add(at("maxContainers"), count_or(pool.max_containers.value, "unlimited"));
  rows.add(at("maxConcurrentStarts"), count_or(pool.max_concurrent_starts.value, "2 per CPU"));
  rows.add(at("queue.length"), std::to_string(pool.queue.value.length));
  rows.add(at("queue.timeout"), format_duration(pool.queue.value.timeout));
  rows.add(at("terminationGracePeriod"), format_duration(pool.termination_grace_period.value));
  add_limit(at("memory"), pool.memory.value, format_bytes, rows);
  add_limit(at("cpu"), pool.cpu.value, format_cpu, rows);
  add_limit(
      at("pids"), pool.pids.value, [](uint64_t value) { return std::to_string(value); }, rows);
  rows.add(at("oomGroup"), flag(pool.oom_group.value));
  rows.add(at("criuEnabled"), flag(pool.criu_enabled.value));
  rows.add(at("gpuType"), or_word(pool.gpu_type.value, "none"));
}

} // namespace

std::vector<SettingRow> describe(const Settings& settings) {
  auto rows = Rows{settings};
  add_node(settings.node, rows);
  rows.add("worker.containerRuntime", to_string(settings.worker.container_runtime.value));
  rows.add("worker.terminationGracePeriod",
           format_duration(settings.worker.termination_grace_period.value));
  for (const auto& [name, pool] : settings.pools)
    add_pool(pool, rows);
  return std::move(rows).take();
}

} // namespace berth
