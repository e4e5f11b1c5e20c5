#include "apps/berth/command_line.hpp"

#include "apps/berth/exit_codes.hpp"
#include "apps/berth/format.hpp"
#include "apps/berth/verb_parser.hpp"
#include "config/spelling.hpp"

#include <CLI/CLI.hpp>

#include <algorithm>
#include <sstream>

namespace berth::cli {

namespace {

constexpr auto help_width = size_t{32};

constexpr auto main_footer = R"(Every verb has `--help` with examples, and `-o json` for scripts.

Environment:
  BERTH_HOST   like --host
  BERTH_ROOT   like --root
  NO_COLOR     no colours

Exit codes:
  run and exec give the code of what they ran (128+n after signal n), or
  125 if Berth failed, 126 if the command cannot be executed, 127 if it was not found;
  plan gives 0 if nothing would change and 2 if something would;
  why gives 3 if such a launch would be refused;
  all others give 0, or 1 if anything failed; 2 means that the command line was not understood.)";

/// Help as one would write it by hand: usage, purpose, flags, examples.
class HelpFormatter : public CLI::Formatter {
public:
  explicit HelpFormatter(std::string usage) : usage_(std::move(usage)) {
    column_width(help_width);
  }

  std::string make_help(const CLI::App* app, std::string, CLI::AppFormatMode mode) const override {
    auto out = std::ostringstream{};
    out << "Usage: " << usage_ << "\n\n" << app->get_description() << "\n";
    for (auto& group : app->get_groups()) {
      auto options = app->get_options([&](const CLI::Option* option) {
        return option->get_group() == group && option->nonpositional();
      });
      if (!group.empty() && !options.empty())
        out << make_group(group, false, options);
    }
    out << make_subcommands(app, mode);
    if (app->get_parent() != nullptr)
      out << "\nThe flags --root and --host choose the daemon: see `berth --help`.\n";
    out << "\n" << app->get_footer() << "\n";
    return out.str();
  }

  std::string make_option_opts(const CLI::Option* option) const override {
    return option->get_type_size() == 0 ? "" : " " + option->get_type_name();
  }

private:
  std::string usage_;
};

std::vector<VerbParser> all_parsers() {
  return {run_parser(),    exec_parser(),  stop_parser(),   kill_parser(), rm_parser(),
          ps_parser(),     inspect_parser(), logs_parser(), stats_parser(), wait_parser(), why_parser(),
          trace_parser(),  actors_parser(), top_parser(), events_parser(), oom_parser(),
          pools_parser(),  validate_parser(), plan_parser(),
          apply_parser(),  reload_parser(), rollback_parser(), history_parser(), drain_parser(),
          log_parser(),    doctor_parser(), debug_parser(), version_parser()};
}

EarlyEnd usage_failure(const std::string& verb, const std::string& what) {
  auto program = verb.empty() ? std::string{"berth"} : "berth " + verb;
  return {usage_error, program + ": " + printable(what) + "\nSee `" + program + " --help`.\n"};
}

/// "unix:///run/berth/berth.sock" without its scheme.
std::string path_of_host(const std::string& host, const std::string& where) {
  constexpr auto scheme = std::string_view{"unix://"};
  if (!host.starts_with(scheme) || host.size() <= scheme.size() + 1 || host[scheme.size()] != '/')
    throw UsageError{where + " " + in_quotes(host) + ": write unix:///PATH/OF/SOCKET"};
  return host.substr(scheme.size());
}

Endpoint endpoint_of_root(const std::string& root, const Surroundings& surroundings) {
  auto path = absolute_path(root, surroundings);
  return {path + "/berth.sock", "start it with `berthd --config FILE --root " + path + "`"};
}

/// Flags before the environment, the more exact one before the other.
Endpoint find_endpoint(const std::string& root, const std::string& host, const Surroundings& surroundings) {
  auto standard = Endpoint{};
  standard.start_hint = "start it with `berthd --config FILE`";
  auto at = [&](std::string path) { return Endpoint{std::move(path), standard.start_hint}; };
  if (!root.empty() && !host.empty())
    throw UsageError{"--root and --host exclude each other"};
  if (!host.empty())
    return at(path_of_host(host, "--host"));
  if (!root.empty())
    return endpoint_of_root(root, surroundings);
  if (auto env = surroundings.env("BERTH_HOST"); env && !env->empty())
    return at(path_of_host(*env, "BERTH_HOST"));
  if (auto env = surroundings.env("BERTH_ROOT"); env && !env->empty())
    return endpoint_of_root(*env, surroundings);
  return standard;
}

std::string did_you_mean(const std::string& word, const std::vector<std::string>& candidates) {
  auto views = std::vector<std::string_view>{candidates.begin(), candidates.end()};
  auto match = nearest(word, views);
  return match.empty() ? "" : " (did you mean " + std::string{match} + "?)";
}

std::vector<std::string> flags_of(const CLI::App& app) {
  auto result = std::vector<std::string>{"--root", "--host"};
  for (auto* option : app.get_options())
    for (auto& name : option->get_lnames())
      result.push_back("--" + name);
  return result;
}

/// What is wrong with arguments that CLI11 could not place.
std::string explain_extras(const CLI::App& main, const std::vector<VerbParser>& parsers, const std::string& fallback) {
  auto verbs = main.get_subcommands();
  auto extras = main.remaining(true);
  // A "--" that nothing follows is no complaint of its own.
  extras.erase(std::remove(extras.begin(), extras.end(), "--"), extras.end());
  if (verbs.empty()) {
    if (extras.empty())
      return "which verb?";
    if (extras.front().starts_with('-'))
      return "unknown flag " + in_quotes(extras.front()) + did_you_mean(extras.front(), flags_of(main));
    auto names = std::vector<std::string>{};
    for (auto& parser : parsers)
      names.push_back(parser.name);
    return "unknown verb " + in_quotes(extras.front()) + did_you_mean(extras.front(), names);
  }
  if (extras.empty())
    return fallback;
  auto& extra = extras.front();
  if (extra.starts_with('-') && extra.size() > 1)
    return "unknown flag " + in_quotes(extra)
           + did_you_mean(extra.substr(0, extra.find('=')), flags_of(*verbs.front()));
  for (auto& parser : parsers)
    if (parser.takes_command && parser.name == verbs.front()->get_name())
      return "the command to run must follow after \"--\": " + parser.usage;
  return "unexpected argument " + in_quotes(extra);
}

} // namespace

tl::expected<CommandLine, EarlyEnd> parse_command_line(const std::vector<std::string>& args,
                                                       const Surroundings& surroundings) {
  // What follows "--" belongs to the container, whatever it looks like: CLI11 never sees it.
  auto separator = std::find(args.begin(), args.end(), "--");
  auto own = std::vector<std::string>{args.begin(), separator};
  auto command = std::vector<std::string>{separator == args.end() ? separator : separator + 1, args.end()};
  auto parsers = all_parsers();
  auto root = std::string{};
  auto host = std::string{};
  auto main = CLI::App{"Runs containers in the worker pools of a node, and shows what becomes of them.", "berth"};
  main.formatter(std::make_shared<HelpFormatter>("berth [--root DIR | --host unix:///PATH] VERB ..."));
  main.add_option("--root", root, "The daemon whose socket and state are below DIR")->type_name("DIR");
  main.add_option("--host", host, "The daemon that listens on this socket (default: unix:///run/berth/berth.sock)")
    ->type_name("unix:///PATH");
  main.set_help_flag("-h,--help", "Show this");
  main.set_version_flag("--version", "berth " BERTH_VERSION "\n", "Show the version of this command");
  for (auto* option : main.get_options())
    option->group("Flags");
  main.footer(main_footer);
  main.require_subcommand(1);
  main.fallthrough();
  for (auto& parser : parsers) {
    auto* verb = main.add_subcommand(parser.name, parser.summary);
    verb->formatter(std::make_shared<HelpFormatter>(parser.usage));
    verb->group(parser.group);
    verb->footer(parser.footer);
    parser.define(*verb);
    for (auto* option : verb->get_options())
      option->group("Flags");
  }
  auto verb_name = [&] {
    auto verbs = main.get_subcommands();
    return verbs.empty() ? std::string{} : verbs.front()->get_name();
  };
  try {
    // CLI11 takes arguments from the back.
    auto reversed = std::vector<std::string>{own.rbegin(), own.rend()};
    main.parse(reversed);
    auto name = verb_name();
    auto parser = std::find_if(parsers.begin(), parsers.end(), [&](auto& x) { return x.name == name; });
    if (!parser->takes_command && !command.empty())
      throw UsageError{"unexpected argument " + in_quotes(command.front())};
    if (parser->takes_command && command.empty())
      throw UsageError{"the command to run is missing: " + parser->usage};
    return CommandLine{find_endpoint(root, host, surroundings), parser->take(std::move(command), surroundings)};
  } catch (const UsageError& error) {
    return tl::unexpected{usage_failure(verb_name(), error.what)};
  } catch (const CLI::CallForHelp&) {
    return tl::unexpected{EarlyEnd{success, main.help()}};
  } catch (const CLI::CallForVersion& version) {
    return tl::unexpected{EarlyEnd{success, version.what()}};
  } catch (const CLI::ParseError& error) {
    if (args.empty())
      return tl::unexpected{EarlyEnd{usage_error, main.help()}};
    return tl::unexpected{usage_failure(verb_name(), explain_extras(main, parsers, error.what()))};
  }
}

} // namespace berth::cli
