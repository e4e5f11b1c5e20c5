#include "apps/berth/request.hpp"

#include <nlohmann/json.hpp>

namespace berth::cli {

namespace {

using Json = nlohmann::ordered_json;

void put(Json& json, const char* key, const std::string& value) {
  if (!value.empty())
    json[key] = value;
}

void put(Json& json, const char* key, const std::vector<std::string>& values) {
  if (!values.empty())
    json[key] = values;
}

void put(Json& json, const char* key, const std::vector<KeyValue>& pairs) {
  for (auto& [name, value] : pairs)
    json[key][name] = value;
}

void put(Json& json, const NeedsOptions& needs) {
  put(json, "memory", needs.memory);
  put(json, "cpu", needs.cpu);
  if (needs.pids)
    json["pids"] = *needs.pids;
  if (needs.gpus > 0)
    json["gpus"] = needs.gpus;
  if (needs.checkpoint)
    json["checkpoint"] = true;
}

std::string to_text(const Json& json) {
  // Command and environment are UTF-8, checked before; a path that is not names nothing that the daemon could use.
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

} // namespace

std::string launch_request(const RunOptions& options) {
  auto json = Json::object();
  json["pool"] = options.pool;
  json["rootfs"] = options.rootfs;
  json["args"] = options.args;
  put(json, "id", options.id);
  put(json, "env", options.env);
  put(json, "workdir", options.workdir);
  put(json, "user", options.user);
  put(json, "hostname", options.hostname);
  put(json, "labels", options.labels);
  for (auto& mount : options.mounts)
    json["mounts"].push_back(
      {{"source", mount.source}, {"destination", mount.destination}, {"readOnly", mount.read_only}});
  put(json, static_cast<const NeedsOptions&>(options));
  if (options.remove)
    json["remove"] = true;
  put(json, "sysctls", options.sysctls);
  put(json, "devices", options.devices);
  if (options.pass_trace)
    json["passTrace"] = true;
  return to_text(json);
}

std::string why_request(const WhyOptions& options) {
  auto json = Json::object();
  json["pool"] = options.pool;
  put(json, static_cast<const NeedsOptions&>(options));
  return to_text(json);
}

std::string exec_request(const ExecOptions& options) {
  auto json = Json::object();
  json["args"] = options.args;
  put(json, "env", options.env);
  put(json, "workdir", options.workdir);
  put(json, "user", options.user);
  return to_text(json);
}

} // namespace berth::cli
