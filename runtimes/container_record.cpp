#include "runtimes/container_record.hpp"

#include "runtimes/timestamp.hpp"

#include <array>
#include <concepts>
#include <limits>

#include <nlohmann/json.hpp>

namespace berth {

namespace {

using Json = nlohmann::json;

template <class T, class What>
concept Is = std::same_as<std::remove_const_t<T>, What>;

constexpr auto kinds = std::array{RuntimeKind::runc, RuntimeKind::gvisor};
constexpr auto reasons = std::array{SelectionReason::configured, SelectionReason::gpu,
                                    SelectionReason::checkpoint, SelectionReason::fallback};
constexpr auto sources =
  std::array{RuntimeSource::pool, RuntimeSource::worker, RuntimeSource::builtin};

// -- the fields, the same list for writing and for reading ----------------------------------------

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

/// What is known of a container before it is started; the rest comes from its monitor.
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
}

template <class F>
void each_field(F& f, Is<ContainerRecord> auto& x) {
  f("bootId", x.boot_id);
  f("container", x.info);
}

// -- writing --------------------------------------------------------------------------------------

class Writer {
public:
  template <class T>
  void operator()(const char* key, const T& value) {
    json[key] = to_json(value);
  }

  Json json = Json::object();

private:
  template <class T>
  static Json to_json(const T& value) {
    if constexpr (std::is_enum_v<T>) {
      return to_string(value);
    } else if constexpr (std::is_same_v<T, Timestamp>) {
      return to_string(value);
    } else if constexpr (std::is_same_v<T, std::vector<Mount>>) {
      auto result = Json::array();
      for (auto& mount : value)
        result.push_back(to_json(mount));
      return result;
    } else if constexpr (std::is_constructible_v<Json, const T&>) {
      return value;
    } else {
      auto fields = Writer{};
      each_field(fields, value);
      return std::move(fields.json);
    }
  }
};

// -- reading --------------------------------------------------------------------------------------

/// Reads the fields of one object; after the first that is wrong, nothing more.
class Reader {
public:
  Reader(const Json& json, std::string path, std::string& fault)
      : json_(json), path_(std::move(path)), fault_(fault) {
    if (!json_.is_object())
      reject(path_, "not an object");
  }

  template <class T>
  void operator()(const char* key, T& value) {
    if (!fault_.empty())
      return;
    auto path = path_.empty() ? std::string{key} : path_ + "." + key;
    if (auto found = json_.find(key); found == json_.end())
      reject(path, "missing");
    else
      read(*found, path, value);
  }

private:
  void reject(const std::string& path, const char* why) {
    fault_ = path + ": " + why;
  }

  void read(const Json& json, const std::string& path, std::string& value) {
    if (!json.is_string())
      return reject(path, "not a text");
    value = json.get<std::string>();
  }

  void read(const Json& json, const std::string& path, bool& value) {
    if (!json.is_boolean())
      return reject(path, "neither true nor false");
    value = json.get<bool>();
  }

  template <std::unsigned_integral T>
  void read(const Json& json, const std::string& path, T& value) {
    if (!json.is_number_unsigned() || json.get<uint64_t>() > std::numeric_limits<T>::max())
      return reject(path, "not a count");
    value = json.get<T>();
  }

  template <class T>
    requires std::is_enum_v<T>
  void read(const Json& json, const std::string& path, T& value) {
    auto pick = [&](const auto& choices) {
      for (auto choice : choices)
        if (json.is_string() && json.get_ref<const std::string&>() == to_string(choice)) {
          value = choice;
          return;
        }
      reject(path, "not a value that is known");
    };
    if constexpr (std::is_same_v<T, RuntimeKind>)
      pick(kinds);
    else if constexpr (std::is_same_v<T, SelectionReason>)
      pick(reasons);
    else
      pick(sources);
  }

  void read(const Json& json, const std::string& path, Timestamp& value) {
    auto text = std::string{};
    read(json, path, text);
    // That is how "not yet" is written.
    if (text.empty())
      return;
    if (auto time = parse_timestamp(text))
      value = *time;
    else
      reject(path, "not a time");
  }

  template <class T>
  void read(const Json& json, const std::string& path, std::vector<T>& value) {
    if (!json.is_array())
      return reject(path, "not a list");
    for (auto& element : json) {
      if (!fault_.empty())
        return;
      read(element, path, value.emplace_back());
    }
  }

  void read(const Json& json, const std::string& path, std::map<std::string, std::string>& value) {
    if (!json.is_object())
      return reject(path, "not an object");
    for (auto& [key, element] : json.items())
      read(element, path, value[key]);
  }

  template <class T>
    requires std::is_class_v<T>
  void read(const Json& json, const std::string& path, T& value) {
    auto fields = Reader{json, path, fault_};
    if (fault_.empty())
      each_field(fields, value);
  }

  const Json& json_;
  std::string path_;
  std::string& fault_;
};

} // namespace

std::string render_record(const ContainerInfo& info, const std::string& boot_id) {
  const auto record = ContainerRecord{info, boot_id};
  auto fields = Writer{};
  each_field(fields, record);
  fields.json["version"] = record_version;
  // Launches with texts that are not UTF-8 are refused long before this.
  return fields.json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

Result<ContainerRecord> parse_record(std::string_view text) {
  auto bad = [](std::string why) {
    return failure(ec::bad_request, std::string{"container record "} + record_name, std::move(why),
                   "remove the container's directory once none of its processes is left");
  };
  auto json = Json::parse(text, nullptr, false);
  if (!json.is_object())
    return bad("not a JSON object");
  auto version = json.find("version");
  if (version == json.end() || !version->is_number_unsigned())
    return bad("it has no version");
  if (*version != record_version)
    return bad("version " + version->dump() + " is not known to this berthd, only version "
               + std::to_string(record_version));
  auto result = ContainerRecord{};
  auto fault = std::string{};
  auto fields = Reader{json, {}, fault};
  each_field(fields, result);
  if (!fault.empty())
    return bad(std::move(fault));
  return result;
}

} // namespace berth
