#pragma once

#include "apps/berth/command_line.hpp"

#include <CLI/App.hpp>

#include <string>
#include <vector>

namespace berth::cli {

/// A command line that cannot be understood; becomes an `EarlyEnd`. (CLI11 reports by exceptions as well.)
struct UsageError {
  std::string what;
};

/// How a verb reads its part of the command line. CLI11 fills what the verb bound to flags in `define`; `take` makes
/// options of it and throws `UsageError` for what is wrong.
struct VerbParser {
  std::string name;
  /// One line for `berth --help`.
  std::string summary;
  /// "berth ps [-a] [-q]"
  std::string usage;
  /// What else there is to know, and examples.
  std::string footer;
  /// A heading of `berth --help`.
  std::string group;
  /// True: a program follows after "--".
  bool takes_command = false;
  /// Declares the flags.
  std::function<void(CLI::App&)> define;
  /// `command` is what followed "--".
  std::function<VerbOptions(std::vector<std::string> command, const Surroundings&)> take;
};

// One for each verb, in verb_NAME.cpp.
VerbParser run_parser();
VerbParser exec_parser();
VerbParser ps_parser();
VerbParser inspect_parser();
VerbParser logs_parser();
VerbParser wait_parser();
VerbParser why_parser();
VerbParser stop_parser();
VerbParser kill_parser();
VerbParser rm_parser();
VerbParser stats_parser();
VerbParser pools_parser();
VerbParser plan_parser();
VerbParser apply_parser();
VerbParser reload_parser();
VerbParser rollback_parser();
VerbParser history_parser();
VerbParser doctor_parser();
VerbParser debug_parser();
VerbParser drain_parser();
VerbParser trace_parser();
VerbParser actors_parser();
VerbParser top_parser();
VerbParser log_parser();
VerbParser events_parser();
VerbParser oom_parser();
VerbParser validate_parser();
VerbParser version_parser();

constexpr auto group_containers = "Containers";
constexpr auto group_watching = "What happens";
constexpr auto group_node = "Node and configuration";

// Flags that several verbs have.

/// `-o json|table`; `human` is the name of the other format.
void add_format(CLI::App& app, bool& json, const std::string& human);

/// What CLI11 reads of a launch's needs before it is checked.
struct NeedsFlags {
  std::string pids;
  std::string gpus;
};

/// `--memory`, `--cpu`, `--pids`, `--gpu` and `--checkpoint`.
void define_needs(CLI::App& app, NeedsOptions& options, NeedsFlags& flags);

/// Completes the options by the flags; throws for what is no quantity.
void take_needs(NeedsOptions& options, const NeedsFlags& flags);

/// A flag that may be given several times, one value each.
CLI::Option* add_repeated(CLI::App& app, const std::string& names, std::vector<std::string>& values,
                          const std::string& type, const std::string& what);

/// Container ids as positional arguments.
CLI::Option* add_ids(CLI::App& app, std::vector<std::string>& ids);

// Checks.

/// Gives `id`, or throws if it could not be the id of a container: it must not become another path of the API.
std::string checked_id(const std::string& id);
std::vector<std::string> checked_ids(std::vector<std::string> ids);

/// Ids must be given, or `--all`, but not both.
void check_ids_or_all(const std::vector<std::string>& ids, bool all);

/// "KEY=VALUE" as it is; "KEY" alone takes its value from the environment, and is left out if it has none.
std::vector<std::string> complete_env(const std::vector<std::string>& env, const Surroundings& surroundings);

/// "key=value" pairs; throws if there is no key.
std::vector<KeyValue> split_pairs(const std::vector<std::string>& pairs, const std::string& flag);

/// Throws if one of them is not UTF-8: the runtimes take their arguments as JSON, which can carry nothing else.
void check_texts(const std::vector<std::string>& texts, const std::string& what);

/// A decimal number; throws with the name of the flag.
uint64_t checked_count(const std::string& text, const std::string& flag);

/// Joined with the working directory unless it is absolute already.
std::string absolute_path(const std::string& path, const Surroundings& surroundings);

} // namespace berth::cli
