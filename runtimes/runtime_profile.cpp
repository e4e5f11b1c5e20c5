#include "runtimes/runtime_profile.hpp"

#include "config/spelling.hpp"
#include "runtimes/cgroup_files.hpp"

#include <algorithm>
#include <array>
#include <optional>
#include <sstream>

namespace berth {

namespace {

using KnownFlags = std::map<std::string, FlagValue>;

/// The operator's arguments, one by one.
struct ExtraFlag {
  std::string name;
  std::optional<std::string> value;
};

/// Flags that the operator cannot have, because Berth gives them itself or could not do its work
/// with them.
struct OwnedFlag {
  std::string_view name;
  const char* why;
};

constexpr auto owned_flags = std::array{
  OwnedFlag{"root", "the state root is set by `runtimeConfig.gvisorRoot`"},
  OwnedFlag{"log", "Berth reads the runtime's log to explain failures"},
  OwnedFlag{"log-fd", "Berth reads the runtime's log to explain failures"},
  OwnedFlag{"log-format", "Berth reads the runtime's log to explain failures"},
  OwnedFlag{"ignore-cgroups", "limits and OOM detection need the container's cgroup"},
  OwnedFlag{"systemd-cgroup", "Berth names cgroups by their path, not by a systemd slice"},
  OwnedFlag{"version", "it ends every call of runsc"},
  OwnedFlag{"help", "it ends every call of runsc"},
  OwnedFlag{"h", "it ends every call of runsc"},
};

std::vector<std::string> lines_of(std::string_view text) {
  auto in = std::istringstream{std::string{text}};
  auto result = std::vector<std::string>{};
  for (std::string line; std::getline(in, line);)
    result.push_back(line);
  return result;
}

std::vector<std::string_view> views_of(const std::vector<std::string>& words) {
  return {words.begin(), words.end()};
}

Result<std::string> parse_version(std::string_view text, const std::string& program) {
  for (auto& line : lines_of(text)) {
    auto words = split_words(line);
    if (words.size() >= 3 && words[0] == program && words[1] == "version")
      return words[2];
  }
  auto shown = lines_of(text);
  return failure(ec::runtime_failed, program,
                 "its --version does not say that it is " + program
                   + (shown.empty() ? "" : ": " + in_quotes(shown.front())),
                 "check which program the name " + program + " leads to");
}

/// The leading numbers of a version, at most two: {1, 1} for "1.1.5+ds1".
std::vector<int> release_of(const std::string& version) {
  auto result = std::vector<int>{};
  auto in = std::istringstream{version};
  for (int n = 0; result.size() < 2 && in >> n;) {
    result.push_back(n);
    if (in.get() != '.')
      break;
  }
  return result;
}

/// "did you mean --network?", or how to find out.
std::string suggest(const std::string& name, const KnownFlags& known) {
  auto names = std::vector<std::string_view>{};
  for (auto& [flag, value] : known)
    names.push_back(flag);
  if (auto similar = nearest(name, names); !similar.empty())
    return "did you mean --" + std::string{similar} + "?";
  return "remove it; `runsc flags` lists what this version knows";
}

Error bad_argument(const PoolSettings& pool, const std::string& argument, std::string reason,
                   std::string next) {
  return {ec::runtime_failed,
          "pool \"" + pool.name.value + "\": gvisorExtraArgs: " + in_quotes(argument),
          std::move(reason), std::move(next)};
}

/// Reads the operator's arguments as Go's flag package will: "-name", "--name=value", "--name
/// value".
Result<std::vector<ExtraFlag>> read_extra_args(const PoolSettings& pool, const KnownFlags& known,
                                               const std::string& version) {
  auto result = std::vector<ExtraFlag>{};
  auto& args = pool.gvisor_extra_args.value;
  for (size_t i = 0; i < args.size(); ++i) {
    auto& arg = args[i];
    auto dashes = std::min(arg.find_first_not_of('-'), arg.size());
    if (dashes < 1 || dashes > 2 || dashes == arg.size())
      return failure(bad_argument(pool, arg, "it is not a flag, so runsc would take it for a verb",
                                  "write flags as \"--name=value\""));
    auto equals = arg.find('=', dashes);
    auto flag = ExtraFlag{arg.substr(dashes, equals == arg.npos ? arg.npos : equals - dashes), {}};
    auto owned = std::find_if(owned_flags.begin(), owned_flags.end(),
                              [&](auto& x) { return x.name == flag.name; });
    if (owned != owned_flags.end())
      return failure(bad_argument(pool, arg, owned->why, "remove it"));
    auto found = known.find(flag.name);
    if (found == known.end())
      return failure(bad_argument(pool, arg, "runsc " + version + " knows no flag --" + flag.name,
                                  suggest(flag.name, known)));
    auto next_is_value = i + 1 < args.size() && args[i + 1].substr(0, 1) != "-";
    if (equals != arg.npos)
      flag.value = arg.substr(equals + 1);
    else if (found->second != FlagValue::none && next_is_value)
      flag.value = args[++i];
    else if (found->second == FlagValue::required)
      return failure(
        bad_argument(pool, arg, "the flag needs a value", "write it as \"" + arg + "=VALUE\""));
    result.push_back(std::move(flag));
  }
  return result;
}

/// The platform of a pool, from its setting or from its extra arguments; empty means runsc's own
/// default.
Result<std::string> pick_platform(const PoolSettings& pool, const std::vector<ExtraFlag>& extra) {
  auto platform = pool.gvisor_platform.value;
  for (auto& flag : extra) {
    if (flag.name != "platform")
      continue;
    if (!platform.empty() && platform != flag.value)
      return failure(
        bad_argument(pool, "--platform=" + flag.value.value_or(""),
                     "it contradicts `runtimeConfig.gvisorPlatform`, which is \"" + platform + "\"",
                     "keep one of the two"));
    platform = flag.value.value_or("");
  }
  return platform;
}

} // namespace

Result<std::string> parse_runc_version(std::string_view text) {
  return parse_version(text, "runc");
}

Result<std::string> parse_runsc_version(std::string_view text) {
  return parse_version(text, "runsc");
}

std::map<std::string, FlagValue> parse_runsc_flags(std::string_view text) {
  // Go prints "  -name" for switches and "  -name type" for the rest, descriptions on lines of
  // their own. If the description quotes a word, that word stands in the place of the type, for
  // switches too.
  constexpr auto types =
    std::array<std::string_view, 6>{"string", "value", "int", "uint", "float", "duration"};
  auto result = KnownFlags{};
  for (auto& line : lines_of(text)) {
    if (line.compare(0, 3, "  -") != 0)
      continue;
    auto end = line.find_first_of(" \t", 3);
    auto type = end == line.npos || line[end] == '\t' ? std::string{} : line.substr(end + 1);
    auto value = FlagValue::unknown;
    if (type.empty())
      value = FlagValue::none;
    else if (std::find(types.begin(), types.end(), type) != types.end())
      value = FlagValue::required;
    result.emplace(line.substr(3, end == line.npos ? end : end - 3), value);
  }
  return result;
}

std::vector<std::string> parse_runsc_platforms(std::string_view platforms_text,
                                               std::string_view flags_text) {
  auto result = std::vector<std::string>{};
  for (auto& line : lines_of(platforms_text))
    if (auto words = split_words(line); words.size() == 1)
      result.push_back(words.front());
  if (!result.empty())
    return result;
  // "specifies which platform to use: systrap (default), ptrace, kvm. (default "systrap")"
  auto marker = std::string_view{"which platform to use: "};
  auto begin = flags_text.find(marker);
  if (begin == flags_text.npos)
    return {};
  auto list = std::string{flags_text.substr(begin + marker.size())};
  list = list.substr(0, list.find_first_of(".\n"));
  std::replace(list.begin(), list.end(), ',', ' ');
  for (auto& word : split_words(list))
    if (word != "(default)")
      result.push_back(word);
  return result;
}

Result<RuntimeProfile> make_runc_profile(const RuncFacts& facts) {
  auto version = parse_runc_version(facts.version_text);
  if (!version)
    return failure(version.error());
  auto result = RuntimeProfile{};
  result.kind = RuntimeKind::runc;
  result.binary = facts.binary;
  result.version = *version;
  result.root = facts.root;
  // Measured on 1.1.5 and 1.3.6. A release that nobody has looked at is started by its verb.
  auto release = release_of(*version);
  result.start_by_fifo =
    release.size() == 2 && release[0] == 1 && release[1] >= 1 && release[1] <= 3;
  result.init_takes_signals = true;
  result.has_host_processes = true;
  return result;
}

Result<RuntimeProfile> make_gvisor_profile(const PoolSettings& pool, const RunscFacts& facts) {
  auto version = parse_runsc_version(facts.version_text);
  if (!version)
    return failure(version.error());
  auto known = parse_runsc_flags(facts.flags_text);
  if (known.empty())
    return failure(ec::runtime_failed, "runsc " + *version, "`runsc flags` lists no flags",
                   "run it by hand; Berth passes only flags that the binary knows");
  auto extra = read_extra_args(pool, known, *version);
  if (!extra)
    return failure(extra.error());
  auto platform = pick_platform(pool, *extra);
  if (!platform)
    return failure(platform.error());
  auto platforms = parse_runsc_platforms(facts.platforms_text, facts.flags_text);
  if (!platform->empty()
      && std::find(platforms.begin(), platforms.end(), *platform) == platforms.end())
    return failure(
      ec::platform_failed,
      "pool \"" + pool.name.value + "\": gvisorPlatform " + in_quotes(*platform),
      "runsc " + *version + " has no such platform, only " + join(views_of(platforms)),
      "set `runtimeConfig.gvisorPlatform` to one of these, or leave it out for runsc's default");
  auto is_given = [&](std::string_view name) {
    return std::any_of(extra->begin(), extra->end(), [&](auto& x) { return x.name == name; });
  };
  auto result = RuntimeProfile{};
  result.kind = RuntimeKind::gvisor;
  result.binary = facts.binary;
  result.version = *version;
  result.root = facts.root;
  result.platform = *platform;
  if (!platform->empty() && !is_given("platform"))
    result.flags.push_back("--platform=" + *platform);
  if (!is_given("network"))
    result.flags.push_back("--network=none");
  if (known.count("overlay2") > 0 && !is_given("overlay2") && !is_given("overlay"))
    result.flags.push_back("--overlay2=none");
  auto& args = pool.gvisor_extra_args.value;
  result.flags.insert(result.flags.end(), args.begin(), args.end());
  result.start_by_fifo = false;
  result.init_takes_signals = false;
  result.has_host_processes = false;
  return result;
}

} // namespace berth
