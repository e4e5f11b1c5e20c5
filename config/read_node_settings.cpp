#include "config/read_sections.hpp"

#include "config/listen_address.hpp"
#include "config/quantity.hpp"
#include "config/spelling.hpp"

namespace berth {
namespace {

/// Bytes: from one page to 1 TiB.
constexpr auto log_size = Bounds{4096, uint64_t{1} << 40};
constexpr auto log_files = Bounds{1, 1000};
/// Milliseconds: a runtime needs 20 to 500 ms for the container that proves that it works.
constexpr auto probe_timeout = Bounds{100, 600'000};
constexpr auto start_timeout = Bounds{1000, 3'600'000};
/// An event takes some hundred bytes of the journal.
constexpr auto event_history = Bounds{1, 1'000'000};
/// Milliseconds: from a minute to the longest duration that can be written.
constexpr auto event_max_age = Bounds{60'000, 3'600'000'000};
/// PATH_MAX, with its terminating zero.
constexpr size_t max_path = 4095;
/// From what one launch needs to half a GiB.
constexpr auto trace_spans = Bounds{100, 1'000'000};
/// Milliseconds: a second to a week.
constexpr auto trace_age = Bounds{1'000, 604'800'000};
constexpr auto trace_rate = Bounds{10, 1'000'000};
constexpr size_t max_address = 1024;

void read_logs(Section& berth, Sourced<LogSettings>& result) {
  auto section = berth.sub_section("logs", logs_keys());
  if (auto size = section.parsed("maxSize", parse_bytes)) {
    if (*size < log_size.low || *size > log_size.high) {
      section.reject("maxSize", format_bytes(*size) + " is out of range (from "
                                    + format_bytes(log_size.low) + " to "
                                    + format_bytes(log_size.high) + ")");
    } else {
      result.value.max_size = *size;
      result.origin = section.accept("maxSize");
    }
  }
  auto files = Sourced<uint32_t>{result.value.max_files, {}};
  section.read("maxFiles", files, log_files);
  result.value.max_files = files.value;
  if (result.origin.file.empty())
    result.origin = std::move(files.origin);
}

/// "http://HOST[:PORT][/PATH]", or with https.
bool is_collector_address(std::string_view text) {
  for (auto scheme : {std::string_view{"http://"}, std::string_view{"https://"}})
    if (text.starts_with(scheme)) {
      auto rest = text.substr(scheme.size());
      auto host = rest.substr(0, rest.find('/'));
      return !host.empty() && host.front() != ':' && text.find_first_of(" ?#@") == std::string_view::npos;
    }
  return false;
}

void read_tracing(Section& berth, TracingSettings& result) {
  constexpr auto words = std::array<std::string_view, 3>{"off", "requested", "all"};
  constexpr auto modes = std::array{TracingMode::off, TracingMode::requested, TracingMode::all};
  auto section = berth.sub_section("tracing", tracing_keys());
  section.read("mode", result.mode, "tracing mode", words, modes);
  section.read("maxSpans", result.max_spans, trace_spans);
  section.read("maxAge", result.max_age, trace_age);
  section.read("maxRate", result.max_rate, trace_rate);
  auto otlp = Sourced<std::string>{};
  section.read("otlp", otlp, max_address);
  if (otlp.value.empty())
    return;
  if (is_collector_address(otlp.value))
    result.otlp = std::move(otlp);
  else
    section.reject("otlp", in_quotes(otlp.value)
                             + " is not the address of a collector (write http://HOST:4318, without user and password)");
}

void read_level(Section& section, std::string_view key, Sourced<LogLevel>& result) {
  constexpr auto words = std::array<std::string_view, 4>{"debug", "info", "warn", "error"};
  section.read(key, result, "level", words, std::array{LogLevel::debug, LogLevel::info, LogLevel::warn, LogLevel::error});
}

void read_log(Section& berth, NodeSettings& settings) {
  constexpr auto formats = std::array<std::string_view, 2>{"text", "json"};
  auto section = berth.sub_section("log", log_keys());
  section.read("format", settings.log_format, "format", formats, std::array{LogFormat::text, LogFormat::json});
  read_level(section, "level", settings.log_level);
  auto levels = section.sub_section("levels", log_component_keys());
  for (auto component : log_components) {
    auto level = Sourced<LogLevel>{};
    read_level(levels, component, level);
    if (!level.origin.file.empty())
      settings.log_levels.emplace(component, std::move(level));
  }
}

void read_metrics(Section& berth, Sourced<std::string>& listen) {
  auto section = berth.sub_section("metrics", metrics_keys());
  auto written = section.text("listen");
  if (written && !written->empty() && section.parsed("listen", parse_listen_address))
    listen = {*written, section.accept("listen")};
}

void read_binary(Section& section, std::string_view key, Sourced<std::string>& result) {
  auto binary = Sourced<std::string>{};
  section.read(key, binary, max_path);
  if (binary.value.empty())
    return;
  // A relative path would depend on where the daemon was started.
  if (binary.value.find('/') != std::string::npos && !binary.value.starts_with('/'))
    section.reject(key, in_quotes(binary.value) + " is neither a plain name nor an absolute path");
  else if (binary.value.starts_with('-'))
    section.reject(key, in_quotes(binary.value) + " is not the name of a program");
  else
    result = std::move(binary);
}

} // namespace

void read_node_settings(const YamlNode* node, LoadState& state) {
  auto& settings = state.settings.node;
  auto section = Section{node, "berth", berth_keys(), state};
  read_logs(section, settings.logs);
  read_log(section, settings);
  read_metrics(section, settings.metrics_listen);
  section.read("probeTimeout", settings.probe_timeout, probe_timeout);
  section.read("startTimeout", settings.start_timeout, start_timeout);
  auto runtimes = section.sub_section("runtimes", runtimes_keys());
  read_binary(runtimes, "runc", settings.runc_binary);
  read_binary(runtimes, "runsc", settings.runsc_binary);
  section.read("eventHistory", settings.event_history, event_history);
  section.read("eventMaxAge", settings.event_max_age, event_max_age);
  read_tracing(section, settings.tracing);
}

} // namespace berth
