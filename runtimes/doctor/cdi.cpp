#include "runtimes/doctor/cdi.hpp"

#include "config/spelling.hpp"
#include "config/yaml_reader.hpp"
#include "runtimes/linux/checkup.hpp"
#include "runtimes/linux/file.hpp"
#include "runtimes/linux/find_program.hpp"

#include <algorithm>
#include <set>

#include <nlohmann/json.hpp>

namespace berth {

namespace {

using Json = nlohmann::json;

constexpr size_t spec_limit = 4 * 1024 * 1024;

/// Values stay texts: nothing that is checked here is a number.
Json to_json(const YamlNode& node) {
  switch (node.kind) {
    case YamlNode::Kind::null: return {};
    case YamlNode::Kind::scalar: return node.text;
    case YamlNode::Kind::list: {
      auto result = Json::array();
      for (const auto& item : node.items)
        result.push_back(to_json(item));
      return result;
    }
    case YamlNode::Kind::map: {
      auto result = Json::object();
      for (const auto& entry : node.entries)
        result[entry.key] = to_json(entry.value);
      return result;
    }
  }
  return {};
}

Result<Json> parse(const std::string& path, std::string_view text) {
  if (path.ends_with(".json")) {
    try {
      return Json::parse(text);
    } catch (const Json::parse_error& error) {
      return failure(ec::invalid_config, path, "not JSON: at byte " + std::to_string(error.byte));
    }
  }
  auto errors = ErrorList{};
  auto node = read_yaml(path, text, errors);
  if (!node || !errors.empty())
    return failure(ec::invalid_config, path, "not YAML: " + to_error(std::move(errors).sorted({path})).reason);
  return to_json(*node);
}

bool is_word(std::string_view text, std::string_view also) {
  auto is_letter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9'); };
  return !text.empty() && is_letter(text.front()) && is_letter(text.back())
         && std::all_of(text.begin(), text.end(), [&](char c) { return is_letter(c) || also.find(c) != std::string_view::npos; });
}

/// "vendor.com/class".
bool is_kind(std::string_view text) {
  auto slash = text.find('/');
  return slash != std::string_view::npos && is_word(text.substr(0, slash), "_-.") && is_word(text.substr(slash + 1), "_-");
}

std::string text_at(const Json& json, const char* key) {
  auto found = json.find(key);
  return found != json.end() && found->is_string() ? found->get<std::string>() : std::string{};
}

std::string device_fault(const Json& device, size_t number, std::set<std::string>& names) {
  auto which = "devices[" + std::to_string(number) + "]";
  if (!device.is_object())
    return which + ": not a map";
  auto name = text_at(device, "name");
  if (name.empty())
    return which + ": no name";
  if (!is_word(name, "_-.:"))
    return which + ": the name " + in_quotes(name) + " has characters that no device may have";
  if (!names.insert(name).second)
    return which + ": the name " + in_quotes(name) + " is given twice";
  auto edits = device.find("containerEdits");
  if (edits == device.end() || !edits->is_object() || edits->empty())
    return "device " + in_quotes(name) + ": no containerEdits";
  return {};
}

std::string spec_fault(const Json& json) {
  if (!json.is_object())
    return "not a map";
  auto version = text_at(json, "cdiVersion");
  if (version.empty())
    return "no cdiVersion";
  if (!version.starts_with("0.") && !version.starts_with("1."))
    return "cdiVersion " + in_quotes(version) + " is not known";
  auto kind = text_at(json, "kind");
  if (kind.empty())
    return "no kind";
  if (!is_kind(kind))
    return "kind " + in_quotes(kind) + " is not VENDOR/CLASS";
  if (auto edits = json.find("containerEdits"); edits != json.end() && !edits->is_object())
    return "containerEdits: not a map";
  auto devices = json.find("devices");
  if (devices == json.end() || !devices->is_array() || devices->empty())
    return "no devices";
  auto names = std::set<std::string>{};
  for (auto i = size_t{0}; i < devices->size(); ++i)
    if (auto fault = device_fault((*devices)[i], i, names); !fault.empty())
      return fault;
  return {};
}

bool is_spec(const std::string& name) {
  return name.ends_with(".json") || name.ends_with(".yaml") || name.ends_with(".yml");
}

} // namespace

CdiFile check_cdi_spec(const std::string& path, std::string_view text) {
  auto result = CdiFile{path, {}, {}, 0};
  auto json = parse(path, text);
  if (!json) {
    result.fault = json.error().reason;
    return result;
  }
  result.fault = spec_fault(*json);
  if (result.fault.empty()) {
    result.kind = text_at(*json, "kind");
    result.devices = (*json)["devices"].size();
  }
  return result;
}

CdiFacts examine_cdi(const std::vector<std::string>& directories) {
  auto facts = CdiFacts{directories, {}, false};
  for (const auto& directory : directories)
    for (const auto& name : list_directory(directory)) {
      if (!is_spec(name))
        continue;
      auto path = directory + "/" + name;
      auto text = read_file(path, spec_limit);
      facts.files.push_back(text ? check_cdi_spec(path, *text) : CdiFile{path, "cannot be read: " + text.error().reason, {}, 0});
    }
  return facts;
}

CniFacts examine_cni(const std::vector<std::string>& directories) {
  auto facts = CniFacts{directories, {}};
  for (const auto& directory : directories)
    for (const auto& name : list_directory(directory))
      if (find_program(directory + "/" + name))
        facts.plugins.push_back(name);
  return facts;
}

} // namespace berth
