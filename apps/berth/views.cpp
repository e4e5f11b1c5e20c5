#include "apps/berth/views.hpp"

#include "apps/berth/base64.hpp"
#include "apps/berth/exit_codes.hpp"
#include "apps/berth/format.hpp"
#include "runtimes/timestamp.hpp"

#include <nlohmann/json.hpp>

#include <charconv>

namespace berth::cli {

namespace {

// Keys keep the order in which the daemon gave them.
using Json = nlohmann::ordered_json;

const Json& member(const Json& object, const char* key) {
  static const auto none = Json{};
  if (!object.is_object())
    return none;
  auto i = object.find(key);
  return i == object.end() ? none : *i;
}

std::string as_text(const Json& value) {
  return value.is_string() ? value.get<std::string>() : std::string{};
}

uint64_t as_number(const Json& value) {
  if (value.is_number_unsigned())
    return value.get<uint64_t>();
  if (value.is_number_integer())
    return static_cast<uint64_t>(std::max(value.get<int64_t>(), int64_t{0}));
  return 0;
}

int as_int(const Json& value) {
  return value.is_number_integer() ? static_cast<int>(value.get<int64_t>()) : 0;
}

bool as_flag(const Json& value) {
  return value.is_boolean() && value.get<bool>();
}

std::vector<std::string> as_texts(const Json& value) {
  auto result = std::vector<std::string>{};
  if (value.is_array())
    for (auto& item : value)
      if (item.is_string())
        result.push_back(item.get<std::string>());
  return result;
}

Timestamp as_time(const Json& value) {
  return parse_timestamp(as_text(value)).value_or(Timestamp{});
}

std::string one_line(const Json& json) {
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

/// Any scalar as text, without the quotes of a string.
std::string as_plain_text(const Json& value) {
  return value.is_string() ? value.get<std::string>() : one_line(value);
}

ContainerView to_container(const Json& json) {
  auto result = ContainerView{};
  result.id = as_text(member(json, "id"));
  result.pool = as_text(member(json, "pool"));
  result.state = as_text(member(json, "state"));
  result.runtime = as_text(member(json, "runtime"));
  result.configured_runtime = as_text(member(json, "configuredRuntime"));
  result.selection_reason = as_text(member(member(json, "selection"), "reason"));
  result.accepted_at = as_time(member(json, "acceptedAt"));
  result.started_at = as_time(member(json, "startedAt"));
  if (auto& exit = member(json, "exit"); exit.is_object())
    result.exit = ExitView{as_int(member(exit, "code")), as_int(member(exit, "signal")),
                           as_flag(member(exit, "oomKilled")), as_text(member(exit, "reason"))};
  result.args = as_texts(member(json, "args"));
  result.memory_limit = as_number(member(member(json, "limits"), "memory"));
  result.warnings = as_texts(member(json, "warnings"));
  result.json = one_line(json);
  return result;
}

PoolView to_pool(const Json& json) {
  auto result = PoolView{};
  result.name = as_text(member(json, "name"));
  result.state = as_text(member(json, "state"));
  result.configured_runtime = as_text(member(json, "configuredRuntime"));
  result.effective_runtime = as_text(member(json, "effectiveRuntime"));
  result.version = as_text(member(json, "version"));
  result.platform = as_text(member(json, "platform"));
  result.reason = as_text(member(json, "reason"));
  result.running = as_number(member(json, "running"));
  result.starting = as_number(member(json, "starting"));
  result.queued = as_number(member(json, "queued"));
  result.queue_length = as_number(member(json, "queueLength"));
  result.max_containers = as_number(member(json, "maxContainers"));
  result.generation = as_number(member(json, "generation"));
  result.restarts = as_number(member(json, "restarts"));
  for (auto& old : member(json, "draining"))
    result.draining += (result.draining.empty() ? "" : ", ") + std::to_string(as_number(member(old, "generation"))) + " ("
                       + as_text(member(old, "runtime")) + "): " + std::to_string(as_number(member(old, "containers")));
  result.json = one_line(json);
  return result;
}

StatsView to_stats(const Json& json) {
  auto result = StatsView{};
  auto& memory = member(json, "memory");
  auto& cpu = member(json, "cpu");
  auto& pids = member(json, "pids");
  result.id = as_text(member(json, "id"));
  result.pool = as_text(member(json, "pool"));
  result.runtime = as_text(member(json, "runtime"));
  result.memory = as_number(member(memory, "current"));
  result.memory_peak = as_number(member(memory, "peak"));
  result.memory_limit = as_number(member(memory, "limit"));
  result.cpu_ns = as_number(member(cpu, "usageNs"));
  result.cpu_limit_millis = as_number(member(cpu, "limitMillis"));
  result.pids = as_number(member(pids, "current"));
  result.pids_limit = as_number(member(pids, "limit"));
  result.oom_kills = as_number(member(json, "oomKills"));
  result.time = as_time(member(json, "time"));
  result.json = one_line(json);
  return result;
}

ServerVersionView to_version(const Json& json) {
  auto result = ServerVersionView{};
  result.version = as_text(member(json, "version"));
  result.api = as_text(member(json, "api"));
  result.node = as_text(member(json, "node"));
  result.pid = as_number(member(json, "pid"));
  result.started_at = as_time(member(json, "startedAt"));
  result.json = one_line(json);
  return result;
}

void add_data(EventView& event, const Json& data) {
  for (auto& [key, value] : data.items())
    event.data.emplace_back(key, as_plain_text(value));
}

EventView to_event(const Json& json) {
  auto result = EventView{};
  result.seq = as_number(member(json, "seq"));
  result.time = as_text(member(json, "time"));
  result.type = as_text(member(json, "type"));
  result.pool = as_text(member(json, "pool"));
  result.container = as_text(member(json, "container"));
  result.missed = as_number(member(json, "missed"));
  result.restarted = as_flag(member(json, "restarted"));
  if (auto& data = member(json, "data"); data.is_object())
    add_data(result, data);
  return result;
}

/// Output is text under "data", or base64 where it is not UTF-8.
std::string to_bytes(const Json& json) {
  if (auto& encoded = member(json, "base64"); encoded.is_string())
    return decode_base64(encoded.get_ref<const std::string&>()).value_or(std::string{});
  return as_text(member(json, "data"));
}

LogLine to_log_line(const Json& json) {
  auto result = LogLine{};
  result.time = as_text(member(json, "time"));
  result.from_stderr = as_text(member(json, "stream")) == "stderr";
  result.data = to_bytes(json);
  result.partial = as_flag(member(json, "partial"));
  auto& gap = member(json, "gap");
  result.missed = gap.is_object() ? as_number(member(gap, "missed")) : as_number(gap);
  if (as_text(member(json, "type")) == "gap")
    result.missed = as_number(member(json, "missed"));
  return result;
}

Failure to_failure(const Json& error) {
  auto result =
    Failure{as_text(member(error, "code")), as_text(member(error, "message")), as_int(member(error, "exitCode"))};
  if (result.code.empty())
    result.code = "internal";
  if (result.message.empty())
    result.message = result.code;
  if (result.exit_code < berth_failed || result.exit_code > not_found)
    result.exit_code = berth_failed;
  return result;
}

StreamLine to_stream_line(const Json& json) {
  using Kind = StreamLine::Kind;
  auto result = StreamLine{};
  auto type = as_text(member(json, "type"));
  if (type == "running") {
    result.kind = Kind::running;
    result.container = to_container(member(json, "container"));
  } else if (type == "output") {
    result.kind = Kind::output;
    result.from_stderr = as_text(member(json, "stream")) == "stderr";
    result.data = to_bytes(json);
  } else if (type == "gap") {
    result.kind = Kind::gap;
    result.missed = as_number(member(json, "missed"));
  } else if (type == "oom") {
    result.kind = Kind::oom;
    result.oom = to_event(json);
    if (!member(json, "data").is_object())
      add_data(result.oom, json);
  } else if (type == "exited") {
    result.kind = Kind::exited;
    result.container = to_container(member(json, "container"));
    if (auto& code = member(json, "exitCode"); code.is_number_integer())
      result.exit_code = as_int(code);
  }
  return result;
}

Failure not_an_answer() {
  return {"bad_answer", "the daemon's answer is not what it should be (is this the socket of berthd?)"};
}

template <class T>
Answer<T> read_object(std::string_view text, T (*convert)(const Json&)) {
  auto json = Json::parse(text, nullptr, false);
  if (!json.is_object())
    return tl::unexpected{not_an_answer()};
  return convert(json);
}

/// One line of a stream: the daemon ends a stream that it cannot go on with by {"error": …}.
template <class T>
Answer<T> read_line(std::string_view text, T (*convert)(const Json&)) {
  auto json = Json::parse(text, nullptr, false);
  if (auto& error = member(json, "error"); error.is_object())
    return tl::unexpected{to_failure(error)};
  if (!json.is_object())
    return tl::unexpected{not_an_answer()};
  return convert(json);
}

template <class T>
Answer<std::vector<T>> read_list(std::string_view text, T (*convert)(const Json&)) {
  auto json = Json::parse(text, nullptr, false);
  if (!json.is_array())
    return tl::unexpected{not_an_answer()};
  auto result = std::vector<T>{};
  for (auto& item : json)
    result.push_back(convert(item));
  return result;
}

} // namespace

std::string_view EventView::operator[](std::string_view key) const {
  for (auto& [name, value] : data)
    if (name == key)
      return value;
  return {};
}

uint64_t EventView::number(std::string_view key) const {
  auto text = (*this)[key];
  auto result = uint64_t{0};
  std::from_chars(text.data(), text.data() + text.size(), result);
  return result;
}

Answer<ContainerView> read_container(std::string_view json) {
  return read_object(json, to_container);
}

Answer<std::vector<ContainerView>> read_containers(std::string_view json) {
  return read_list(json, to_container);
}

Answer<std::vector<PoolView>> read_pools(std::string_view json) {
  return read_list(json, to_pool);
}

Answer<PoolView> read_pool(std::string_view json) {
  return read_object(json, to_pool);
}

Answer<StatsView> read_stats(std::string_view json) {
  return read_object(json, to_stats);
}

Answer<ServerVersionView> read_version(std::string_view json) {
  return read_object(json, to_version);
}

Answer<EventView> read_event(std::string_view json) {
  return read_line(json, to_event);
}

Answer<LogLine> read_log_line(std::string_view json) {
  return read_line(json, to_log_line);
}

Answer<StreamLine> read_stream_line(std::string_view json) {
  return read_line(json, to_stream_line);
}

Failure read_failure(int status, std::string_view body) {
  auto json = Json::parse(body, nullptr, false);
  if (auto& error = member(json, "error"); error.is_object())
    return to_failure(error);
  return Failure{"bad_answer", "the daemon answered with status " + std::to_string(status)
                                 + " and no explanation (is this the socket of berthd?)",
                 berth_failed};
}

std::string pretty(std::string_view json) {
  auto parsed = Json::parse(json, nullptr, false);
  if (parsed.is_discarded())
    return std::string{json} + "\n";
  return parsed.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

std::string one_line_object(const std::vector<std::pair<std::string, std::string>>& members) {
  auto object = Json::object();
  for (auto& [name, json] : members)
    object[name] = Json::parse(json, nullptr, false);
  return object.dump(-1, ' ', false, Json::error_handler_t::replace);
}

std::string pick_members(std::string_view json, const std::vector<std::pair<std::string, std::string>>& wanted) {
  auto list = Json::parse(json, nullptr, false);
  auto result = Json::array();
  for (auto& item : list) {
    auto fits = true;
    for (auto& [key, value] : wanted)
      fits = fits && (value.empty() || as_text(member(item, key.c_str())) == value);
    if (fits)
      result.push_back(item);
  }
  return result.dump(-1, ' ', false, Json::error_handler_t::replace);
}

std::string pretty_list(const std::vector<std::string>& items) {
  auto list = Json::array();
  for (auto& item : items)
    list.push_back(Json::parse(item, nullptr, false));
  return list.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

int exit_code(const ExitView& exit) {
  if (exit.signal > 0)
    return (signal_base + exit.signal) & 0xFF;
  return exit.code & 0xFF;
}

std::string describe_state(const ContainerView& container) {
  if (!container.exit)
    return container.state;
  auto why = std::to_string(exit_code(*container.exit));
  if (container.exit->oom_killed)
    why += ", out of memory";
  return container.state + " (" + why + ")";
}

std::string describe_runtime(const ContainerView& container) {
  auto& reason = container.selection_reason;
  if (reason.empty() || reason == "configured")
    return container.runtime;
  return container.runtime + " (" + reason + ")";
}

} // namespace berth::cli
