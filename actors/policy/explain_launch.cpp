#include "actors/policy/explain_launch.hpp"

#include "actors/policy/pool_limits.hpp"
#include "config/config_error.hpp"
#include "config/quantity.hpp"

namespace berth {

namespace {

/// Collects the values of a pool with the places they came from.
class Values {
public:
  explicit Values(const PoolSettings& pool) : pool_(pool), path_(join_path("worker.pools", pool.name.value)) {
    // nop
  }

  std::string key(const char* name) const {
    return join_path(path_, name);
  }

  void add(const char* name, std::string value) {
    add(name, std::move(value), source_of(name));
  }

  void add(const char* name, std::string value, std::string source) {
    values_.push_back({key(name), std::move(value), std::move(source)});
  }

  std::string source_of(const std::string& name) const {
    auto found = pool_.provenance.find(name);
    if (found == pool_.provenance.end())
      return "default";
    return (found->second.via.empty() ? "" : found->second.via + ", ") + to_string(found->second.origin);
  }

  std::vector<UsedValue> take() && {
    return std::move(values_);
  }

private:
  const PoolSettings& pool_;
  std::string path_;
  std::vector<UsedValue> values_;
};

/// What a container gets of one resource, and the most it may ask for, if there is such a limit.
void add_limit(Values& values, const char* name, uint64_t asked, uint64_t granted, const LimitRange& range,
               std::string (*format)(uint64_t)) {
  auto text = [&](uint64_t value) { return value == 0 ? std::string{"none"} : format(value); };
  if (asked != 0)
    values.add(name, text(asked), "launch");
  else
    values.add(name, text(granted), values.source_of(std::string{name} + ".default"));
  if (range.ceiling != 0) {
    auto max = std::string{name} + ".max";
    values.add(max.c_str(), text(range.ceiling));
  }
}

std::string count(uint64_t value) {
  return std::to_string(value);
}

std::vector<UsedValue> settings_of(const PoolSettings& pool, const Limits& asked) {
  // Where more is asked for than there is, there is nothing to be granted.
  auto granted = apply_pool_limits(asked, pool).value_or(asked);
  auto values = Values{pool};
  if (pool.runtime.value == RuntimeKind::gvisor) {
    values.add("overrides", to_string(pool.overrides.value));
    values.add("onRuntimeUnavailable", to_string(pool.on_runtime_unavailable.value));
    const auto& platform = pool.gvisor_platform.value;
    values.add("runtimeConfig.gvisorPlatform", platform.empty() ? "gVisor's default" : platform);
  }
  add_limit(values, "memory", asked.memory_bytes, granted.memory_bytes, pool.memory.value, format_bytes);
  add_limit(values, "cpu", asked.cpu_millis, granted.cpu_millis, pool.cpu.value, format_cpu);
  add_limit(values, "pids", asked.pids, granted.pids, pool.pids.value, count);
  values.add("terminationGracePeriod", format_duration(pool.termination_grace_period.value));
  values.add("oomGroup", pool.oom_group.value ? "true" : "false");
  return std::move(values).take();
}

std::vector<UsedValue> precedence_of(const PoolSettings& pool) {
  auto of_pool = pool.runtime_source == RuntimeSource::pool;
  auto of_worker = !pool.worker_runtime.origin.file.empty();
  auto written = [](bool is_written, const Sourced<RuntimeKind>& runtime) {
    return std::pair{is_written ? to_string(runtime.value) : "", is_written ? to_string(runtime.origin) : std::string{}};
  };
  auto [pool_value, pool_source] = written(of_pool, pool.runtime);
  auto [worker_value, worker_source] = written(of_worker, pool.worker_runtime);
  return {{Values{pool}.key("runtime"), pool_value, pool_source},
          {"worker.containerRuntime", worker_value, worker_source},
          {"built in", "runc", "default"}};
}

SelectionRule rule_of(const Selection& selection) {
  switch (selection.reason) {
    case SelectionReason::gpu:
    case SelectionReason::checkpoint: return SelectionRule::override_allowed;
    case SelectionReason::fallback: return SelectionRule::fallback_allowed;
    case SelectionReason::configured: break;
  }
  return selection.configured == RuntimeKind::runc ? SelectionRule::runc_configured : SelectionRule::gvisor_configured;
}

Explanation begin(const ExplainLaunch& launch) {
  auto result = Explanation{};
  result.pool = launch.pool;
  result.gpus = launch.gpus;
  result.checkpoint = launch.checkpoint;
  result.asked = launch.limits;
  return result;
}

} // namespace

Explanation explain_launch(const GenerationFacts& facts, const ExplainLaunch& launch, const SelectionTrail& trail,
                           const std::optional<Error>& refusal) {
  auto result = begin(launch);
  result.generation = facts.generation;
  result.revision = facts.revision;
  result.rule = trail.rule;
  result.runtime = trail.selection.runtime;
  result.configured = facts.settings->runtime.value;
  result.reason = trail.selection.reason;
  result.precedence = precedence_of(*facts.settings);
  result.winner = facts.settings->runtime_source;
  result.alternatives = trail.alternatives;
  result.runtimes = facts.runtimes;
  result.settings = settings_of(*facts.settings, launch.limits);
  result.refused = refusal || trail.refused;
  if (result.refused)
    result.error = refusal ? *refusal : trail.error;
  return result;
}

Explanation explain_refusal(const ExplainLaunch& launch, const Error& error) {
  auto result = begin(launch);
  result.refused = true;
  result.error = error;
  return result;
}

Explanation explanation_of(const ContainerInfo& container) {
  if (container.why.value)
    return *container.why.value;
  const auto& spec = container.spec;
  const auto& selection = container.selection;
  auto result = begin({spec.pool, spec.gpus, spec.checkpoint, spec.limits});
  result.generation = container.generation;
  result.rule = rule_of(selection);
  result.runtime = selection.runtime;
  result.configured = selection.configured;
  result.reason = selection.reason;
  result.winner = selection.source;
  auto key = selection.source == RuntimeSource::pool     ? join_path(join_path("worker.pools", spec.pool.value), "runtime")
             : selection.source == RuntimeSource::worker ? std::string{"worker.containerRuntime"}
                                                         : std::string{"built in"};
  result.precedence = {{std::move(key), to_string(selection.configured), selection.origin.empty() ? "default" : selection.origin}};
  const auto& profile = container.profile;
  result.runtimes = {{profile.kind, true, true, {}, profile.version, profile.platform, profile.binary, 0}};
  if (!selection.detail.empty())
    result.alternatives.push_back({"configured", selection.configured, Outcome::refused, selection.detail});
  return result;
}

} // namespace berth
