#include "apps/berth/verb_parser.hpp"

#include "config/quantity.hpp"
#include "config/spelling.hpp"
#include "messages/types.hpp"
#include "runtimes/utf8.hpp"

#include <CLI/CLI.hpp>

#include <algorithm>
#include <filesystem>

namespace berth::cli {

namespace {

template <class T>
void check(const Result<T>& result, const std::string& flag, const std::string& text) {
  if (!result)
    throw UsageError{flag + " " + in_quotes(text) + ": " + result.error().reason
                     + (result.error().next.empty() ? "" : "; " + result.error().next)};
}

} // namespace

void add_format(CLI::App& app, bool& json, const std::string& human) {
  app
    .add_option_function<std::string>(
      "-o,--output",
      [&json, human](const std::string& format) {
        if (format != "json" && format != human)
          throw UsageError{"--output " + in_quotes(format) + ": use json or " + human};
        json = format == "json";
      },
      human == "json" ? "Format: json" : "Format: json or " + human)
    ->type_name("FORMAT");
}

void define_needs(CLI::App& app, NeedsOptions& options, NeedsFlags& flags) {
  app.add_option("-m,--memory", options.memory, "Memory limit: bytes, or with K, M, G")->type_name("SIZE");
  app.add_option("--cpu,--cpus", options.cpu, "CPU limit: 0.5 or 500m is half a CPU")->type_name("CPUS");
  app.add_option("--pids", flags.pids, "Most processes and threads at a time")->type_name("N");
  app.add_option("--gpu,--gpus", flags.gpus, "GPUs the container needs; always runs on runc then")->type_name("N");
  app.add_flag("--checkpoint", options.checkpoint, "The container shall be checkpointed; always runs on runc then");
}

void take_needs(NeedsOptions& options, const NeedsFlags& flags) {
  if (!options.memory.empty())
    check(parse_memory(options.memory), "--memory", options.memory);
  if (!options.cpu.empty())
    check(parse_cpu(options.cpu), "--cpu", options.cpu);
  if (!flags.pids.empty()) {
    check(parse_pids(flags.pids), "--pids", flags.pids);
    options.pids = *parse_pids(flags.pids);
  }
  if (!flags.gpus.empty()) {
    auto count = checked_count(flags.gpus, "--gpu");
    if (count > 1024)
      throw UsageError{"--gpu " + flags.gpus + ": at most 1024"};
    options.gpus = static_cast<uint32_t>(count);
  }
}

CLI::Option* add_repeated(CLI::App& app, const std::string& names, std::vector<std::string>& values,
                          const std::string& type, const std::string& what) {
  // Without extra arguments one flag does not swallow the positionals behind it.
  return app.add_option(names, values, what)->type_name(type)->allow_extra_args(false);
}

CLI::Option* add_ids(CLI::App& app, std::vector<std::string>& ids) {
  return app.add_option("ID", ids, "Container ids");
}

std::string checked_id(const std::string& id) {
  if (!is_valid_name(id))
    throw UsageError{
      in_quotes(id)
      + " is no container id: one to 64 letters, digits, \"_\", \".\", \"-\", beginning with a letter or digit"};
  return id;
}

std::vector<std::string> checked_ids(std::vector<std::string> ids) {
  for (auto& id : ids)
    checked_id(id);
  return ids;
}

void check_ids_or_all(const std::vector<std::string>& ids, bool all) {
  if (ids.empty() && !all)
    throw UsageError{"which container? give an ID (see `berth ps`) or --all"};
  if (!ids.empty() && all)
    throw UsageError{"--all goes without IDs"};
}

std::vector<std::string> complete_env(const std::vector<std::string>& env, const Surroundings& surroundings) {
  auto result = std::vector<std::string>{};
  for (auto& entry : env) {
    auto equals = entry.find('=');
    if (entry.empty() || equals == 0)
      throw UsageError{"--env " + in_quotes(entry) + ": write KEY=VALUE, or KEY to pass a variable on"};
    if (equals != std::string::npos)
      result.push_back(entry);
    else if (auto value = surroundings.env(entry))
      result.push_back(entry + "=" + *value);
  }
  return result;
}

std::vector<KeyValue> split_pairs(const std::vector<std::string>& pairs, const std::string& flag) {
  auto result = std::vector<KeyValue>{};
  for (auto& pair : pairs) {
    auto equals = pair.find('=');
    if (equals == 0 || equals == std::string::npos)
      throw UsageError{flag + " " + in_quotes(pair) + ": write KEY=VALUE"};
    result.emplace_back(pair.substr(0, equals), pair.substr(equals + 1));
  }
  return result;
}

void check_texts(const std::vector<std::string>& texts, const std::string& what) {
  for (auto& text : texts)
    if (!is_utf8(text))
      throw UsageError{what + ": " + in_quotes(text) + " is not UTF-8, and nothing else can be passed to a container"};
}

uint64_t checked_count(const std::string& text, const std::string& flag) {
  auto count = parse_count(text);
  if (!count)
    throw UsageError{flag + " " + in_quotes(text) + ": " + count.error().reason};
  return *count;
}

std::string absolute_path(const std::string& path, const Surroundings& surroundings) {
  auto full = std::filesystem::path{surroundings.cwd} / path;
  // "a/.." is not "." where a is a symbolic link, so such a path stays as it is.
  if (std::find(full.begin(), full.end(), "..") == full.end())
    full = full.lexically_normal();
  auto result = full.string();
  if (result.size() > 1 && result.ends_with('/'))
    result.pop_back();
  return result;
}

} // namespace berth::cli
