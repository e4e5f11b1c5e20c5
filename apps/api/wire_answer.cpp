#include "apps/api/wire.hpp"
#include "runtimes/linux/cgroup.hpp"

#include <nlohmann/json.hpp>

namespace berth {

namespace {

// Keys stay in the order in which they are written here.
using Json = nlohmann::ordered_json;

std::string text_of(const Json& json) {
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

/// Null for "not yet".
Json json_of(Timestamp time) {
  return time.ns == 0 ? Json{} : Json(to_string(time));
}

template <class Value>
Json json_of(const std::optional<Value>& value) {
  return value ? Json(*value) : Json{};
}

/// An object also if the map is empty.
Json json_of(const std::map<std::string, std::string>& map) {
  auto result = Json::object();
  for (const auto& [key, value] : map)
    result[key] = value;
  return result;
}

Json json_of(const Selection& selection) {
  return {{"runtime", to_string(selection.runtime)},
          {"reason", to_string(selection.reason)},
          {"override", selection.overridden()},
          {"source", to_string(selection.source)},
          {"origin", selection.origin},
          {"detail", selection.detail}};
}

Json json_of(const ExitInfo& exit) {
  return {{"code", exit.code},
          {"signal", exit.signal},
          {"oomKilled", exit.oom_killed},
          {"at", json_of(exit.at)},
          {"reason", exit.reason}};
}

Json json_of(const std::vector<Mount>& mounts) {
  auto result = Json::array();
  for (const auto& mount : mounts)
    result.push_back({{"source", mount.source},
                      {"destination", mount.destination},
                      {"readOnly", mount.read_only}});
  return result;
}

Json json_of(const ContainerInfo& container) {
  const auto& spec = container.spec;
  const auto& profile = container.profile;
  return {{"id", spec.id.value},
          {"pool", spec.pool.value},
          {"state", to_string(container.state)},
          {"pid", container.pid},
          {"runtime", to_string(container.selection.runtime)},
          {"configuredRuntime", to_string(container.selection.configured)},
          {"selection", json_of(container.selection)},
          {"generation", container.generation},
          {"exit", has_ended(container) ? json_of(container.exit) : Json{}},
          {"oomKills", container.oom_kills},
          {"traceId", container.trace_id},
          {"args", spec.args},
          {"env", spec.env},
          {"workdir", spec.workdir},
          {"user", spec.user},
          {"hostname", spec.hostname},
          {"labels", json_of(spec.labels)},
          {"rootfs", spec.rootfs},
          {"mounts", json_of(spec.mounts)},
          {"limits",
           {{"memory", spec.limits.memory_bytes},
            {"cpuMillis", spec.limits.cpu_millis},
            {"pids", spec.limits.pids}}},
          {"gpus", spec.gpus},
          {"checkpoint", spec.checkpoint},
          {"remove", spec.auto_remove},
          {"sysctls", json_of(spec.sysctls)},
          {"devices", spec.devices},
          {"acceptedAt", json_of(container.accepted_at)},
          {"createdAt", json_of(container.created_at)},
          {"startedAt", json_of(container.started_at)},
          {"runtimeId", container.runtime_id},
          {"runtimeVersion", profile.version},
          {"platform", profile.platform},
          {"runtimeBinary", profile.binary},
          {"runtimeRoot", profile.root},
          {"runtimeFlags", profile.flags},
          {"cgroup", container.cgroup},
          {"logPath", container.log_path},
          {"directory", container.directory},
          {"warnings", container.warnings}};
}

Json json_of(const std::vector<DrainingGeneration>& generations) {
  auto result = Json::array();
  for (const auto& x : generations)
    result.push_back({{"generation", x.generation}, {"runtime", to_string(x.runtime)}, {"containers", x.containers}});
  return result;
}

Json json_of(const PoolInfo& pool) {
  return {{"name", pool.name.value},
          {"state", to_string(pool.state)},
          {"generation", pool.generation},
          {"configuredRuntime", to_string(pool.configured)},
          {"effectiveRuntime", to_string(pool.effective)},
          {"source", to_string(pool.source)},
          {"origin", pool.origin},
          {"version", pool.version},
          {"platform", pool.platform},
          {"root", pool.root},
          {"reason", pool.reason},
          {"running", pool.running},
          {"starting", pool.starting},
          {"queued", pool.queued},
          {"maxContainers", pool.max_containers},
          {"queueLength", pool.queue_length},
          {"overrides", pool.overrides_allowed ? "allow" : "deny"},
          {"onRuntimeUnavailable", pool.fallback_allowed ? "fallback" : "fail"},
          {"restarts", pool.restarts},
          {"draining", json_of(pool.draining)}};
}

template <class Value>
std::string list_of(const std::vector<Value>& values) {
  auto result = Json::array();
  for (const auto& value : values)
    result.push_back(json_of(value));
  return text_of(result);
}

} // namespace

std::string to_wire(const ServerVersion& version) {
  return text_of({{"version", version.version},
                  {"api", "v1"},
                  {"node", version.node},
                  {"startedAt", json_of(version.started_at)},
                  {"pid", version.pid}});
}

std::string to_wire(const Health& health) {
  auto actors = Json::array();
  for (const auto& answered : health.actors)
    actors.push_back({{"kind", to_string(answered.kind)},
                      {"count", answered.count},
                      {"slowestUs", std::chrono::duration_cast<std::chrono::microseconds>(answered.slowest).count()}});
  return text_of({{"healthy", health.silent.empty()}, {"actors", std::move(actors)}, {"silent", health.silent}});
}

std::string to_wire(const Error& error) {
  return text_of({{"error",
                   {{"code", to_string(error.code)},
                    {"message", render(error)},
                    {"subject", error.subject},
                    {"reason", error.reason},
                    {"next", error.next},
                    {"exitCode", exit_code_of(error)}}}});
}

std::string to_wire(const PoolInfo& pool) {
  return text_of(json_of(pool));
}

std::string to_wire(const PoolInfos& pools) {
  return list_of(pools);
}

std::string to_wire(const ContainerInfo& container) {
  return text_of(json_of(container));
}

std::string to_wire(const ContainerInfos& containers) {
  return list_of(containers);
}

std::string to_wire(const ContainerInfo& container, const ContainerStats& stats, Timestamp time) {
  return text_of(
      {{"id", container.spec.id.value},
       {"pool", container.spec.pool.value},
       {"runtime", to_string(container.selection.runtime)},
       {"memory",
        {{"current", stats.memory_current},
         {"peak", json_of(stats.memory_peak)},
         {"limit", stats.memory_limit}}},
       {"cpu",
        {{"usageNs", json_of(stats.cpu_usage_ns)},
         {"throttledNs", json_of(stats.cpu_throttled_ns)},
         {"limitMillis", container.spec.limits.cpu_millis}}},
       {"pids", {{"current", json_of(stats.pids)}, {"limit", container.spec.limits.pids}}},
       {"oomKills", stats.oom_kills},
       {"time", json_of(time)}});
}

bool has_ended(const ContainerInfo& container) {
  // Also while it is removed, which is another state.
  return container.exit.at.ns != 0;
}

int exit_code_of(const Error& error) {
  if (error.code == ec::command_not_executable)
    return 126;
  return error.code == ec::command_not_found ? 127 : 125;
}

int http_status_of(const Error& error) {
  switch (error.code) {
    case ec::bad_request:
    case ec::bad_id:
    case ec::invalid_config: return 400;
    case ec::unknown_pool:
    case ec::unknown_container:
    case ec::unknown_actor:
    case ec::rootfs_missing: return 404;
    case ec::duplicate_id:
    case ec::cancelled:
    case ec::wrong_state: return 409;
    case ec::limit_exceeded:
    case ec::command_not_found:
    case ec::command_not_executable:
    case ec::override_denied:
    case ec::unsupported: return 422;
    case ec::limit_reached: return 429;
    case ec::journal_failed: return 507;
    case ec::interrupted:
    case ec::draining:
    case ec::pool_unavailable:
    case ec::shutting_down:
    case ec::restarting:
    case ec::queue_timeout: return 503;
    case ec::deadline_exceeded: return 504;
    case ec::runtime_failed:
    case ec::platform_failed:
    case ec::system_error:
    case ec::internal: return 500;
  }
  return 500;
}

} // namespace berth
