#include "runtimes/container_record.hpp"

#include "runtimes/json_fields.hpp"

namespace berth {

namespace json_fields {

template <>
struct Choices<RuntimeKind> {
  static constexpr auto all = std::array{RuntimeKind::runc, RuntimeKind::gvisor};
};

template <>
struct Choices<SelectionReason> {
  static constexpr auto all =
    std::array{SelectionReason::configured, SelectionReason::gpu, SelectionReason::checkpoint, SelectionReason::fallback};
};

template <>
struct Choices<RuntimeSource> {
  static constexpr auto all = std::array{RuntimeSource::pool, RuntimeSource::worker, RuntimeSource::builtin};
};

template <>
struct Choices<ContainerState> {
  static constexpr auto all = std::array{ContainerState::creating, ContainerState::created, ContainerState::running,
                                         ContainerState::stopping, ContainerState::exited,  ContainerState::removing};
};

template <>
struct Choices<Phase> {
  static constexpr auto all = std::array{Phase::accepted, Phase::creating, Phase::created, Phase::starting, Phase::running,
                                         Phase::stopping, Phase::ended,    Phase::exited,  Phase::failed};
};

template <>
struct Choices<SelectionRule> {
  static constexpr auto all =
    std::array{SelectionRule::none,            SelectionRule::runc_configured,  SelectionRule::gvisor_configured,
               SelectionRule::override_allowed, SelectionRule::override_denied, SelectionRule::fallback_allowed,
               SelectionRule::fallback_denied,  SelectionRule::no_usable_runtime};
};

template <>
struct Choices<Outcome> {
  static constexpr auto all = std::array{Outcome::chosen, Outcome::refused, Outcome::not_needed};
};

template <class F>
void each_field(F& f, Is<Limits> auto& x) {
  f("memoryBytes", x.memory_bytes);
  f("cpuMillis", x.cpu_millis);
  f("pids", x.pids);
}

template <class F>
void each_field(F& f, Is<Mount> auto& x) {
  f("source", x.source);
  f("destination", x.destination);
  f("readOnly", x.read_only);
}

template <class F>
void each_field(F& f, Is<LaunchSpec> auto& x) {
  f("pool", x.pool.value);
  f("id", x.id.value);
  f("rootfs", x.rootfs);
  f("args", x.args);
  f("env", x.env);
  f("workdir", x.workdir);
  f("user", x.user);
  f("hostname", x.hostname);
  f("labels", x.labels);
  f("mounts", x.mounts);
  f("limits", x.limits);
  f("gpus", x.gpus);
  f("checkpoint", x.checkpoint);
  f("autoRemove", x.auto_remove);
  f("sysctls", x.sysctls);
  f("devices", x.devices);
}

template <class F>
void each_field(F& f, Is<RuntimeProfile> auto& x) {
  f("kind", x.kind);
  f("binary", x.binary);
  f("version", x.version);
  f("root", x.root);
  f("platform", x.platform);
  f("flags", x.flags);
  f("startByFifo", x.start_by_fifo);
  f("initTakesSignals", x.init_takes_signals);
  f("hasHostProcesses", x.has_host_processes);
}

template <class F>
void each_field(F& f, Is<Selection> auto& x) {
  f("runtime", x.runtime);
  f("configured", x.configured);
  f("reason", x.reason);
  f("source", x.source);
  f("origin", x.origin);
  f("detail", x.detail);
}

template <class F>
void each_field(F& f, Is<UsedValue> auto& x) {
  f("key", x.key);
  f("value", x.value);
  f("source", x.source);
}

template <class F>
void each_field(F& f, Is<Alternative> auto& x) {
  f("way", x.way);
  f("runtime", x.runtime);
  f("outcome", x.outcome);
  f("why", x.why);
}

template <class F>
void each_field(F& f, Is<RuntimeFact> auto& x) {
  f("kind", x.kind);
  f("probed", x.probed);
  f("usable", x.usable);
  f("reason", x.reason);
  f("version", x.version);
  f("platform", x.platform);
  f("binary", x.binary);
  f("bootMs", x.boot_ms);
}

/// All that the container's own description does not say. Nothing of a container is refused.
template <class F>
void each_field(F& f, Is<Explanation> auto& x) {
  f("asked", x.asked);
  f("revision", x.revision);
  f("rule", x.rule);
  f("precedence", x.precedence);
  f("alternatives", x.alternatives);
  f("runtimes", x.runtimes);
  f("settings", x.settings);
}

template <class F>
void each_field(F& f, Is<ExitInfo> auto& x) {
  f("code", x.code);
  f("signal", x.signal);
  f("oomKilled", x.oom_killed);
  f("at", x.at);
  f("reason", x.reason);
}

/// Containers of an earlier berthd have none.
template <class F>
void each_explanation(F& f, const ContainerInfo& x) {
  if (x.why.value)
    f("why", *x.why.value);
}

template <class F>
void each_explanation(F& f, ContainerInfo& x) {
  auto why = std::optional<Explanation>{};
  f.optional("why", why);
  if (!why)
    return;
  why->pool = x.spec.pool;
  why->gpus = x.spec.gpus;
  why->checkpoint = x.spec.checkpoint;
  why->generation = x.generation;
  why->runtime = x.selection.runtime;
  why->configured = x.selection.configured;
  why->reason = x.selection.reason;
  why->winner = x.selection.source;
  x.why.value = std::make_shared<const Explanation>(std::move(*why));
}

template <class F>
void each_field(F& f, Is<ContainerInfo> auto& x) {
  f("spec", x.spec);
  f("runtimeId", x.runtime_id);
  f("selection", x.selection);
  f("profile", x.profile);
  f("generation", x.generation);
  f("acceptedAt", x.accepted_at);
  f("directory", x.directory);
  f("logPath", x.log_path);
  f("cgroup", x.cgroup);
  f("memoryCgroup", x.memory_cgroup);
  f("warnings", x.warnings);
  each_explanation(f, x);
  f.optional("state", x.state);
  f.optional("pid", x.pid);
  f.optional("pidStartTime", x.pid_start_time);
  f.optional("createdAt", x.created_at);
  f.optional("startedAt", x.started_at);
  f.optional("exit", x.exit);
  f.optional("oomKills", x.oom_kills);
  f.optional("traceId", x.trace_id);
}

/// All but who reads its output, and the info, which has a key of its own in the record.
template <class F>
void each_field(F& f, Is<ContainerMemory> auto& x) {
  f.optional("ticket", x.ticket);
  f.optional("phase", x.phase);
  f.optional("graceMs", x.grace);
  f.optional("oomGroup", x.oom_group);
  f.optional("acceptedTold", x.accepted_told);
  f.optional("startAsked", x.start_asked);
  f.optional("runningTold", x.running_told);
  f.optional("outputReleased", x.output_released);
  f.optional("stopAsked", x.stop_asked);
  f.optional("removeAsked", x.remove_asked);
  f.optional("killSent", x.kill_sent);
  f.optional("killDue", x.kill_due);
  f.optional("groupKilled", x.group_killed);
  f.optional("oomTookIt", x.oom_took_it);
  f.optional("deleted", x.deleted);
  f.optional("rebooted", x.rebooted);
  f.optional("failure", x.failure);
}

template <class F>
void each_field(F& f, Is<ContainerRecord> auto& x) {
  f("bootId", x.boot_id);
  f("container", x.memory.info);
  f.optional("life", x.memory);
}

} // namespace json_fields

std::string render_record(const ContainerMemory& memory, const std::string& boot_id) {
  const auto record = ContainerRecord{memory, boot_id};
  auto fields = json_fields::Writer{};
  each_field(fields, record);
  fields.json["version"] = record_version;
  // Launches with texts that are not UTF-8 are refused long before this.
  return fields.json.dump(-1, ' ', false, json_fields::Json::error_handler_t::replace) + "\n";
}

Result<ContainerRecord> parse_record(std::string_view text) {
  auto bad = [](std::string why) {
    return failure(ec::bad_request, std::string{"container record "} + record_name, std::move(why),
                   "remove the container's directory once none of its processes is left");
  };
  auto json = json_fields::Json::parse(text, nullptr, false);
  if (!json.is_object())
    return bad("not a JSON object");
  auto version = json.find("version");
  if (version == json.end() || !version->is_number_unsigned())
    return bad("it has no version");
  if (*version == 0u || *version > record_version)
    return bad("version " + version->dump() + " is not known to this berthd, only versions up to "
               + std::to_string(record_version));
  auto result = ContainerRecord{};
  auto fault = std::string{};
  auto fields = json_fields::Reader{json, {}, fault};
  each_field(fields, result);
  if (!fault.empty())
    return bad(std::move(fault));
  return result;
}

} // namespace berth
