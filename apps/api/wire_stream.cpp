#include "apps/api/base64.hpp"
#include "apps/api/wire.hpp"
#include "runtimes/utf8.hpp"

#include <nlohmann/json.hpp>

namespace berth {

namespace {

using Json = nlohmann::ordered_json;

std::string line_of(const Json& json) {
  return json.dump(-1, ' ', false, Json::error_handler_t::replace) + '\n';
}

Json data_of(const Event& event) {
  auto result = Json::object();
  for (const auto& [key, text] : event.texts)
    result[key] = text;
  for (const auto& [key, number] : event.numbers)
    result[key] = number;
  for (const auto& [key, flag] : event.flags)
    result[key] = flag;
  return result;
}

Json json_of(const Event& event) {
  return {{"seq", event.seq},
          {"time", to_string(event.time)},
          {"type", event.type},
          {"pool", event.pool.value},
          {"container", event.container.value},
          {"generation", event.generation},
          {"data", data_of(event)}};
}

/// Text as it is, anything else as base64.
void add_bytes(Json& json, std::string_view bytes) {
  if (is_utf8(bytes))
    json["data"] = bytes;
  else
    json["base64"] = encode_base64(bytes);
}

/// Wraps a rendered container; rendering it twice, as JSON in JSON, would cost a copy of
/// everything.
std::string container_line(const char* type, const ContainerInfo& container) {
  return std::string{"{\"type\":\""} + type + "\",\"container\":" + to_wire(container) + "}\n";
}

} // namespace

std::string event_line(const Event& event) {
  return line_of(json_of(event));
}

std::string gap_line(uint64_t missed) {
  return line_of({{"type", "gap"}, {"missed", missed}});
}

std::string restart_line() {
  return line_of({{"type", "gap"}, {"missed", 0}, {"restarted", true}});
}

std::string error_line(const Error& error) {
  return to_wire(error) + '\n';
}

std::string running_line(const ContainerInfo& container) {
  return container_line("running", container);
}

std::string exited_line(const ContainerInfo& container) {
  return container_line("exited", container);
}

std::string exited_line(int exit_code) {
  return line_of({{"type", "exited"}, {"exitCode", exit_code}});
}

std::string output_line(LogStream stream, std::string_view bytes) {
  auto json = Json{{"type", "output"}, {"stream", to_string(stream)}};
  add_bytes(json, bytes);
  return line_of(json);
}

std::string oom_line(const Event& event) {
  auto json = json_of(event);
  json["type"] = "oom";
  return line_of(json);
}

std::string log_line(const CriLogEntry& entry) {
  auto json = Json{{"time", to_string(entry.time)}, {"stream", to_string(entry.stream)}};
  add_bytes(json, entry.text);
  json["partial"] = entry.partial;
  return line_of(json);
}

} // namespace berth
