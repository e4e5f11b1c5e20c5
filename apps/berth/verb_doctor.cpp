#include "apps/berth/change.hpp"
#include "apps/berth/doctor_report.hpp"
#include "apps/berth/exit_codes.hpp"
#include "apps/berth/host_order.hpp"
#include "apps/berth/ledger_text.hpp"
#include "apps/berth/session.hpp"
#include "apps/berth/verb_parser.hpp"
#include "apps/berth/views.hpp"
#include "config/spelling.hpp"
#include "runtimes/doctor/examine.hpp"
#include "runtimes/linux/signals.hpp"
#include "runtimes/linux/terminal.hpp"
#include "runtimes/linux/wait_any.hpp"

#include <CLI/CLI.hpp>

#include <csignal>

namespace berth::cli {

namespace {

constexpr auto footer = R"~(Examples:
  berth doctor
  berth doctor --config berth.yaml --all-platforms
  berth doctor --check cgroup --check runtime.gvisor
  berth doctor -o json | jq '.findings[] | select(.status == "problem")'
  berth doctor --reconcile
  berth doctor --reconcile -o json | jq '.entries[] | select(.verdict != "adopted")'

Without --reconcile: is this host fit to run Berth with this configuration? Needs no daemon, and does not
disturb one. As root it boots a real container with every runtime and platform that the pools use, in a
directory and cgroups of its own, and leaves nothing behind; --timeout is for each of them. Every finding
is ok, a note, a warning (something is worse than it could be) or a problem (it will not work), with the
next step. Exits with 0 without problems, 1 with any, 130 if a signal cut it short.

With --reconcile it shows the ledger of the last start of berthd: every container, directory, cgroup,
runtime record, log and so on that was there, and what became of it.
  adopted    of a container that is managed as before
  finished   of a container that ended while no berthd ran
  orphan     of no container: removed
  foreign    not understood: left alone
Things of containers that were adopted are only counted in the table; JSON has them all. Exits with 1 if an
orphan could not be removed.)~";

void define(CLI::App& app, DoctorOptions& options) {
  app.add_flag("--reconcile", options.reconcile, "Show the ledger of the last start of berthd instead");
  app.add_option("--config", options.config, "The configuration (default: " + std::string{default_config} + ")")->type_name("FILE");
  add_repeated(app, "--check", options.checks, "NAME", "Only checks whose names begin with this; may be repeated");
  app.add_flag("--all-platforms", options.all_platforms, "Try all platforms that gVisor offers, not only those of pools");
  app.add_option("--timeout", options.timeout, "How long a boot may take, such as 30s (default: berth.probeTimeout)")->type_name("TIME");
  app.add_option("--monitor", options.monitor, "The berth-monitor executable (default: beside this one)")->type_name("FILE");
  app.add_option("--prefix", options.prefix, "Look for /proc, /dev, /etc/cdi and the like below DIR (cgroups told of there are not tried)")->type_name("DIR");
  add_format(app, options.json, "table");
}

void check(DoctorOptions& options, const Surroundings& surroundings) {
  auto examines = !options.config.empty() || !options.checks.empty() || options.all_platforms || !options.timeout.empty()
                  || !options.monitor.empty() || !options.prefix.empty();
  if (options.reconcile && examines)
    throw UsageError{"--reconcile goes with -o only"};
  for (const auto& wanted : options.checks)
    if (std::none_of(check_names().begin(), check_names().end(), [&](auto& name) { return is_wanted(name, {wanted}); })) {
      auto views = std::vector<std::string_view>{check_names().begin(), check_names().end()};
      auto match = nearest(wanted, views);
      throw UsageError{"--check " + in_quotes(wanted) + ": no check has such a name"
                       + (match.empty() ? "; see the names that `berth doctor` prints" : " (did you mean " + std::string{match} + "?)")};
    }
  for (auto* path : {&options.config, &options.prefix})
    if (!path->empty())
      *path = absolute_path(*path, surroundings);
  if (!options.timeout.empty())
    read_timeout(options.timeout, options.timeout_ms.emplace());
}

int show_ledger(const Session& session, bool json) {
  auto answer = session.client.get(Target{"/v1/reconciliation"});
  if (!answer)
    return report(session, answer.error());
  auto ledger = describe_ledger(*answer, session.out.in_colour());
  if (!ledger)
    return report(session, ledger.error());
  session.out.write(json ? pretty(*answer) : ledger->text);
  return ledger->has_problems ? verb_failed : success;
}

} // namespace

VerbParser doctor_parser() {
  auto options = std::make_shared<DoctorOptions>();
  return {"doctor",
          "Examine this host, or show what berthd found when it started",
          "berth doctor [--config FILE] [--check NAME]... | --reconcile",
          footer,
          group_node,
          false,
          [options](CLI::App& app) { define(app, *options); },
          [options](auto, const Surroundings& surroundings) {
            check(*options, surroundings);
            return *options;
          }};
}

int perform(const Session& session, const DoctorOptions& options) {
  if (options.reconcile)
    return show_ledger(session, options.json);
  // What was made is removed before the command ends.
  auto signals = block_signals({SIGINT, SIGTERM, SIGHUP});
  if (!signals)
    return report(session, {"internal", render(signals.error())});
  auto was_interrupted = false;
  auto order = host_order(session.client.address(), options);
  order.is_interrupted = [&] {
    was_interrupted = was_interrupted || wait_any({{&*signals}}, std::chrono::milliseconds{0}) != 0;
    return was_interrupted;
  };
  if (is_terminal(2))
    order.on_progress = [&](const std::string& what) { session.out.write_error("... " + what + "\n"); };
  auto findings = examine_host(order);
  session.out.write(options.json ? findings_as_json(findings) : findings_as_text(findings, session.out.in_colour()));
  if (was_interrupted) {
    session.out.complain("cut short by a signal; these findings are not all");
    return signal_base + SIGINT;
  }
  return count(findings).problems > 0 ? verb_failed : success;
}

} // namespace berth::cli
