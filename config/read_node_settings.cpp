#include "config/read_sections.hpp"

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
  section.read("probeTimeout", settings.probe_timeout, probe_timeout);
  section.read("startTimeout", settings.start_timeout, start_timeout);
  auto runtimes = section.sub_section("runtimes", runtimes_keys());
  read_binary(runtimes, "runc", settings.runc_binary);
  read_binary(runtimes, "runsc", settings.runsc_binary);
  section.read("eventHistory", settings.event_history, event_history);
  section.read("eventMaxAge", settings.event_max_age, event_max_age);
}

} // namespace berth
