#include "apps/berth/debug_bundle.hpp"
#include "apps/berth/exit_codes.hpp"
#include "apps/berth/host_order.hpp"
#include "apps/berth/session.hpp"
#include "apps/berth/verb_parser.hpp"
#include "config/spelling.hpp"
#include "runtimes/linux/terminal.hpp"
#include "runtimes/timestamp.hpp"

#include <CLI/CLI.hpp>

#include <algorithm>

namespace berth::cli {

namespace {

constexpr auto footer = R"~(Examples:
  berth debug bundle
  berth debug bundle -o /tmp/report.tar.gz --log /var/log/berthd.log
  berth debug bundle -o report --no-doctor     # a directory, and no containers are booted

Collects what a report of a defect needs: what the doctor finds, the configuration as it is in force, what the
daemon says of pools, containers, events, revisions and its own health, its log, the host's cgroups and
Berth's mounts, the versions of the runtimes. Works without a daemon, too; MANIFEST tells what is missing and
why. Values of environment variables and what looks like a secret are left out, but look through it before you
give it away. Only you can read it (0600). Without -o: berth-debug-TIME.tar.gz in the working directory.)~";

struct Flags {
  DebugOptions options;
  std::string what;
};

void define(CLI::App& app, Flags& flags) {
  auto& options = flags.options;
  app.add_option("WHAT", flags.what, "bundle");
  app.add_option("-o,--output", options.output, "An archive (.tar.gz, .tgz), else a directory to be made")->type_name("FILE|DIR");
  app.add_flag("--force", options.force, "Replace what is there");
  app.add_option("--config", options.doctor.config, "The configuration (default: " + std::string{default_config} + ")")->type_name("FILE");
  app.add_option("--log", options.log, "The daemon's log (default: what journalctl has of berthd)")->type_name("FILE");
  app.add_flag("--no-doctor", options.no_doctor, "Do not examine the host, which boots containers");
  app.add_option("--monitor", options.doctor.monitor, "The berth-monitor executable for the doctor (default: beside this one)")->type_name("FILE");
}

/// "berth-debug-20261126T031500Z.tar.gz"
std::string default_name() {
  auto time = to_string(now());
  time = time.substr(0, time.find('.'));
  time.erase(std::remove_if(time.begin(), time.end(), [](char c) { return c == '-' || c == ':'; }), time.end());
  return "berth-debug-" + time + "Z.tar.gz";
}

} // namespace

VerbParser debug_parser() {
  auto flags = std::make_shared<Flags>();
  return {"debug",
          "Collect what a report of a defect needs",
          "berth debug bundle [-o FILE.tar.gz|DIR] [--force]",
          footer,
          group_node,
          false,
          [flags](CLI::App& app) { define(app, *flags); },
          [flags](auto, const Surroundings& surroundings) {
            if (flags->what != "bundle")
              throw UsageError{flags->what.empty() ? "what to do? write `berth debug bundle`"
                                                   : in_quotes(flags->what) + " is not known: write `berth debug bundle`"};
            auto options = flags->options;
            if (options.output.empty())
              options.output = default_name();
            for (auto* path : {&options.output, &options.log, &options.doctor.config})
              if (!path->empty())
                *path = absolute_path(*path, surroundings);
            return options;
          }};
}

int perform(const Session& session, const DebugOptions& options) {
  auto on_progress = std::function<void(const std::string&)>{[](const std::string&) {}};
  if (is_terminal(2))
    on_progress = [&](const std::string& what) { session.out.write_error("... " + what + "\n"); };
  auto files = collect_bundle(session.client, options, on_progress);
  if (auto written = write_bundle(files, options); !written)
    return report(session, {to_string(written.error().code), render(written.error())});
  session.out.write(options.output + "\n");
  return success;
}

} // namespace berth::cli
