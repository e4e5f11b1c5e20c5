#include "apps/berth/exit_codes.hpp"
#include "apps/berth/ledger_text.hpp"
#include "apps/berth/session.hpp"
#include "apps/berth/verb_parser.hpp"
#include "apps/berth/views.hpp"

#include <CLI/CLI.hpp>

namespace berth::cli {

namespace {

constexpr auto footer = R"~(Examples:
  berth doctor --reconcile
  berth doctor --reconcile -o json | jq '.entries[] | select(.verdict != "adopted")'

Shows the ledger of the last start of berthd: every container, directory, cgroup, runtime record, log and
so on that was there, and what became of it.
  adopted    of a container that is managed as before
  finished   of a container that ended while no berthd ran
  orphan     of no container: removed
  foreign    not understood: left alone
Things of containers that were adopted are only counted in the table; JSON has them all. Exits with 1 if an
orphan could not be removed.)~";

} // namespace

VerbParser doctor_parser() {
  auto options = std::make_shared<DoctorOptions>();
  auto reconcile = std::make_shared<bool>(false);
  return {"doctor",
          "Show what berthd found when it started, and what became of it",
          "berth doctor --reconcile",
          footer,
          group_node,
          false,
          [options, reconcile](CLI::App& app) {
            app.add_flag("--reconcile", *reconcile, "The ledger of the last start");
            add_format(app, options->json, "table");
          },
          [options, reconcile](auto, auto&) {
            if (!*reconcile)
              throw UsageError{"say what to look at: --reconcile"};
            return *options;
          }};
}

int perform(const Session& session, const DoctorOptions& options) {
  auto answer = session.client.get(Target{"/v1/reconciliation"});
  if (!answer)
    return report(session, answer.error());
  auto ledger = describe_ledger(*answer, session.out.in_colour());
  if (!ledger)
    return report(session, ledger.error());
  session.out.write(options.json ? pretty(*answer) : ledger->text);
  return ledger->has_problems ? verb_failed : success;
}

} // namespace berth::cli
