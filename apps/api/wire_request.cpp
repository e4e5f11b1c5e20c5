#include "apps/api/wire.hpp"

#include "config/quantity.hpp"
#include "config/spelling.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <array>
#include <limits>
#include <set>

namespace berth {

namespace {

using Json = nlohmann::json;

/// No request needs more; a hostile one must not cost more.
constexpr int deepest_nesting = 8;
/// Messages of the JSON parser quote what they were given.
constexpr size_t longest_message = 200;

/// Thrown only inside of this file, out of the parser's callback and the readers below.
struct BadJson {
  Error error;
};

[[noreturn]] void reject(const std::string& path, std::string reason, std::string next = {}) {
  throw BadJson{{ec::bad_request, path.empty() ? "request body" : "key " + in_quotes(path),
                 std::move(reason), std::move(next)}};
}

const char* describe(const Json& json) {
  switch (json.type()) {
    case Json::value_t::null: return "null";
    case Json::value_t::object: return "an object";
    case Json::value_t::array: return "an array";
    case Json::value_t::string: return "a string";
    case Json::value_t::boolean: return "true or false";
    case Json::value_t::number_integer:
    case Json::value_t::number_unsigned:
    case Json::value_t::number_float: return "a number";
    case Json::value_t::binary:
    case Json::value_t::discarded: break;
  }
  return "something else";
}

[[noreturn]] void reject_type(const std::string& path, const Json& json, const char* wanted) {
  reject(path, std::string{"is "} + describe(json) + ", must be " + wanted);
}

/// Parses a text that must be one object. A key that is given twice is refused: which one counts is
/// anybody's guess.
Json parse_object(std::string_view body) {
  if (body.empty())
    reject("", "is empty", "send a JSON object");
  auto keys = std::vector<std::set<std::string>>{};
  auto look = [&](int depth, Json::parse_event_t event, Json& parsed) {
    if (depth > deepest_nesting)
      reject("", "is nested deeper than " + std::to_string(deepest_nesting) + " levels");
    if (event == Json::parse_event_t::object_start)
      keys.emplace_back();
    else if (event == Json::parse_event_t::object_end)
      keys.pop_back();
    else if (event == Json::parse_event_t::key
             && !keys.back().insert(parsed.get_ref<const std::string&>()).second)
      reject(parsed.get_ref<const std::string&>(), "is given more than once", "give it once");
    return true;
  };
  auto result = Json{};
  try {
    result = Json::parse(body, look);
  } catch (const Json::exception& broken) {
    // "[json.exception.parse_error.101] parse error at line 1, column 2: ..."
    auto message = std::string_view{broken.what()};
    if (auto end = message.find("] "); end != std::string_view::npos)
      message.remove_prefix(end + 2);
    auto shown = in_quotes(message.substr(0, longest_message));
    reject("", "is not JSON: " + shown.substr(1, shown.size() - 2));
  }
  if (!result.is_object())
    reject_type("", result, "an object");
  return result;
}

// Readers of one value each. They throw on anything but what they are named after.

std::string read_text(const std::string& path, const Json& json) {
  if (!json.is_string())
    reject_type(path, json, "a string");
  return json.get<std::string>();
}

bool read_flag(const std::string& path, const Json& json) {
  if (!json.is_boolean())
    reject_type(path, json, "true or false");
  return json.get<bool>();
}

uint64_t read_count(const std::string& path, const Json& json, uint64_t most) {
  if (!json.is_number_unsigned())
    reject_type(path, json, "a whole number from 0");
  auto result = json.get<uint64_t>();
  if (result > most)
    reject(path, "is larger than " + std::to_string(most));
  return result;
}

/// A number, or the text of a number with a unit.
uint64_t read_quantity(const std::string& path, const Json& json,
                       Result<uint64_t> (*parse)(std::string_view)) {
  if (!json.is_string() && !json.is_number())
    reject_type(path, json, "a number or a string");
  auto result = parse(json.is_string() ? json.get_ref<const std::string&>() : json.dump());
  if (!result)
    reject(path, result.error().subject + " is " + result.error().reason, result.error().next);
  return *result;
}

std::vector<std::string> read_texts(const std::string& path, const Json& json) {
  if (!json.is_array())
    reject_type(path, json, "an array of strings");
  auto result = std::vector<std::string>{};
  for (const auto& item : json)
    result.push_back(read_text(path + "[" + std::to_string(result.size()) + "]", item));
  return result;
}

std::map<std::string, std::string> read_text_map(const std::string& path, const Json& json) {
  if (!json.is_object())
    reject_type(path, json, "an object with strings");
  auto result = std::map<std::string, std::string>{};
  for (const auto& [key, value] : json.items())
    result[key] = read_text(path + "." + key, value);
  return result;
}

/// Reads the keys of one object and notices those that nobody has asked for.
class ObjectReader {
public:
  ObjectReader(std::string path, const Json& json, std::span<const std::string_view> known)
      : path_(std::move(path)), json_(json) {
    if (!json.is_object())
      reject_type(path_, json, "an object");
    for (const auto& [key, value] : json.items())
      if (std::find(known.begin(), known.end(), key) == known.end()) {
        auto guess = nearest(key, known);
        reject(path_of(key), "unknown",
               guess.empty() ? "the keys are: " + join(known)
                             : "did you mean " + in_quotes(guess) + "?");
      }
  }

  /// Does nothing if the key is missing: its default stays.
  template <class Value, class Read, class... Extra>
  void optional(const char* key, Value& value, Read read, Extra... extra) const {
    if (auto i = json_.find(key); i != json_.end())
      value = static_cast<Value>(read(path_of(key), *i, extra...));
  }

  template <class Value, class Read>
  void required(const char* key, Value& value, Read read) const {
    if (!json_.contains(key))
      reject(path_of(key), "is missing");
    optional(key, value, read);
  }

private:
  std::string path_of(std::string_view key) const {
    return path_.empty() ? std::string{key} : path_ + "." + std::string{key};
  }

  std::string path_;
  const Json& json_;
};

std::vector<Mount> read_mounts(const std::string& path, const Json& json) {
  constexpr auto keys = std::to_array<std::string_view>({"source", "destination", "readOnly"});
  if (!json.is_array())
    reject_type(path, json, "an array of objects");
  auto result = std::vector<Mount>{};
  for (const auto& item : json) {
    auto reader = ObjectReader{path + "[" + std::to_string(result.size()) + "]", item, keys};
    auto& mount = result.emplace_back();
    reader.required("source", mount.source, read_text);
    reader.required("destination", mount.destination, read_text);
    reader.optional("readOnly", mount.read_only, read_flag);
  }
  return result;
}

/// What decides about runtime and limits of a launch.
void read_needs(const ObjectReader& reader, uint32_t& gpus, bool& checkpoint, Limits& limits) {
  reader.optional("memory", limits.memory_bytes, read_quantity, parse_memory);
  reader.optional("cpu", limits.cpu_millis, read_quantity, parse_cpu);
  reader.optional("pids", limits.pids, read_quantity, parse_pids);
  reader.optional("gpus", gpus, read_count, uint64_t{std::numeric_limits<uint32_t>::max()});
  reader.optional("checkpoint", checkpoint, read_flag);
}

LaunchSpec read_launch(const Json& json) {
  constexpr auto keys = std::to_array<std::string_view>(
      {"pool", "rootfs", "args", "id", "env", "workdir", "user", "hostname", "labels", "mounts",
       "memory", "cpu", "pids", "gpus", "checkpoint", "remove", "sysctls", "devices", "passTrace"});
  auto reader = ObjectReader{"", json, keys};
  auto spec = LaunchSpec{};
  reader.required("pool", spec.pool.value, read_text);
  reader.required("rootfs", spec.rootfs, read_text);
  reader.required("args", spec.args, read_texts);
  reader.optional("id", spec.id.value, read_text);
  reader.optional("env", spec.env, read_texts);
  reader.optional("workdir", spec.workdir, read_text);
  reader.optional("user", spec.user, read_text);
  reader.optional("hostname", spec.hostname, read_text);
  reader.optional("labels", spec.labels, read_text_map);
  reader.optional("mounts", spec.mounts, read_mounts);
  read_needs(reader, spec.gpus, spec.checkpoint, spec.limits);
  reader.optional("remove", spec.auto_remove, read_flag);
  reader.optional("sysctls", spec.sysctls, read_text_map);
  reader.optional("devices", spec.devices, read_texts);
  reader.optional("passTrace", spec.pass_trace, read_flag);
  // The node picks an id if none is given; an empty one was meant to say something.
  if (json.contains("id") && spec.id.value.empty())
    throw BadJson{
        {ec::bad_id, "container id \"\"", "it is empty", "leave it out, and the node picks one"}};
  return spec;
}

ExplainLaunch read_why(const Json& json) {
  constexpr auto keys = std::to_array<std::string_view>({"pool", "memory", "cpu", "pids", "gpus", "checkpoint"});
  auto reader = ObjectReader{"", json, keys};
  auto result = ExplainLaunch{};
  reader.required("pool", result.pool.value, read_text);
  read_needs(reader, result.gpus, result.checkpoint, result.limits);
  return result;
}

ExecOrder read_exec(const Json& json) {
  constexpr auto keys = std::to_array<std::string_view>({"args", "env", "workdir", "user"});
  auto reader = ObjectReader{"", json, keys};
  auto result = ExecOrder{};
  reader.required("args", result.args, read_texts);
  reader.optional("env", result.env, read_texts);
  reader.optional("workdir", result.workdir, read_text);
  reader.optional("user", result.user, read_text);
  return result;
}

std::vector<ConfigFile> read_files(const std::string& path, const Json& json) {
  constexpr auto keys = std::to_array<std::string_view>({"name", "text"});
  if (!json.is_array())
    reject_type(path, json, "an array of objects");
  auto result = std::vector<ConfigFile>{};
  for (const auto& item : json) {
    auto reader = ObjectReader{path + "[" + std::to_string(result.size()) + "]", item, keys};
    auto& file = result.emplace_back();
    reader.required("name", file.name, read_text);
    reader.required("text", file.text, read_text);
  }
  if (result.empty())
    reject(path, "is empty", "give the configuration's main file first, then its drop-ins");
  return result;
}

DrainMode read_drain(const std::string& path, const Json& json) {
  auto text = read_text(path, json);
  if (text != "wait" && text != "stop")
    reject(path, "is " + in_quotes(text), "it is wait or stop");
  return text == "stop" ? DrainMode::stop : DrainMode::wait;
}

std::chrono::milliseconds read_timeout(const std::string& path, const Json& json) {
  constexpr auto longest = uint64_t{24 * 3600 * 1000};
  auto result = read_count(path, json, longest);
  if (result == 0)
    reject(path, "is 0", "give the preparation some time");
  return std::chrono::milliseconds{result};
}

void read_options(const ObjectReader& reader, ChangeOptions& options) {
  reader.optional("timeoutMs", options.timeout, read_timeout);
  reader.optional("drain", options.drain, read_drain);
  reader.optional("allowFallback", options.allow_fallback, read_flag);
}

PlanConfig read_plan(const Json& json) {
  constexpr auto keys = std::to_array<std::string_view>({"files", "tryOut", "timeoutMs", "allowFallback"});
  auto reader = ObjectReader{"", json, keys};
  auto result = PlanConfig{};
  reader.required("files", result.files, read_files);
  reader.optional("tryOut", result.try_out, read_flag);
  reader.optional("timeoutMs", result.timeout, read_timeout);
  reader.optional("allowFallback", result.allow_fallback, read_flag);
  return result;
}

ApplyConfig read_apply(const Json& json) {
  constexpr auto keys = std::to_array<std::string_view>({"files", "timeoutMs", "drain", "allowFallback"});
  auto reader = ObjectReader{"", json, keys};
  auto result = ApplyConfig{};
  reader.required("files", result.files, read_files);
  read_options(reader, result.options);
  return result;
}

Reload read_reload(const Json& json) {
  constexpr auto keys = std::to_array<std::string_view>({"timeoutMs", "drain", "allowFallback"});
  auto reader = ObjectReader{"", json, keys};
  auto result = Reload{};
  read_options(reader, result.options);
  return result;
}

RollBack read_rollback(const Json& json) {
  constexpr auto keys = std::to_array<std::string_view>({"revision", "timeoutMs", "drain", "allowFallback"});
  auto reader = ObjectReader{"", json, keys};
  auto result = RollBack{};
  reader.optional("revision", result.revision, read_count, uint64_t{std::numeric_limits<int64_t>::max()});
  read_options(reader, result.options);
  return result;
}

LogOrder read_log(const Json& json) {
  constexpr auto keys = std::to_array<std::string_view>({"component", "level"});
  auto reader = ObjectReader{"", json, keys};
  auto result = LogOrder{};
  auto level = std::string{};
  reader.optional("component", result.component, read_text);
  reader.required("level", level, read_text);
  if (!result.component.empty() && !is_log_component(result.component))
    reject("component", "is " + in_quotes(result.component) + ", which no component is called",
           "the components are: " + join(log_components));
  result.level = parse_log_level(level);
  if (!result.level && level != "reset")
    reject("level", "is " + in_quotes(level) + ", which is no level", "the levels are: debug, info, warn, error, reset");
  return result;
}

template <class Request>
Result<Request> read(std::string_view body, Request (*convert)(const Json&)) {
  try {
    return convert(parse_object(body));
  } catch (const BadJson& bad) {
    return failure(bad.error);
  }
}

} // namespace

Result<LaunchSpec> parse_launch_request(std::string_view body) {
  return read(body, read_launch);
}

Result<ExplainLaunch> parse_why_request(std::string_view body) {
  return read(body, read_why);
}

Result<ExecOrder> parse_exec_order(std::string_view body) {
  return read(body, read_exec);
}

Result<PlanConfig> parse_plan_request(std::string_view body) {
  return read(body, read_plan);
}

Result<ApplyConfig> parse_apply_request(std::string_view body) {
  return read(body, read_apply);
}

Result<Reload> parse_reload_request(std::string_view body) {
  // All of it may be left out.
  return read(body.empty() ? "{}" : body, read_reload);
}

Result<LogOrder> parse_log_request(std::string_view body) {
  return read(body, read_log);
}

Result<RollBack> parse_rollback_request(std::string_view body) {
  return read(body, read_rollback);
}

} // namespace berth
