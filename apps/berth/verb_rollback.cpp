#include "apps/berth/change.hpp"
#include "apps/berth/verb_parser.hpp"

#include <CLI/CLI.hpp>

namespace berth::cli {

namespace {

constexpr auto footer = R"~(Examples:
  berth rollback          # to the revision before the present one
  berth rollback 7

An earlier revision is applied again, like any configuration: see `berth apply --help`. It gets a number
of its own.)~";

} // namespace

VerbParser rollback_parser() {
  auto options = std::make_shared<RollbackOptions>();
  return {"rollback",
          "Go back to an earlier configuration",
          "berth rollback [REVISION] [--timeout TIME] [--drain wait|stop]",
          footer,
          group_node,
          false,
          [options](CLI::App& app) {
            app.add_option("REVISION", options->revision, "See `berth history`");
            add_change_flags(app, options->change);
            add_format(app, options->change.json, "text");
          },
          [options](auto, auto&) {
            if (!options->revision.empty() && checked_count(options->revision, "REVISION") == 0)
              throw UsageError{"REVISION 0: revisions count from 1, see `berth history`"};
            check_change(options->change);
            return *options;
          }};
}

int perform(const Session& session, const RollbackOptions& options) {
  auto revision = options.revision.empty() ? std::string{"0"} : options.revision;
  return perform_change(session, "/v1/rollback", "\"revision\":" + std::to_string(std::stoull(revision)), options.change);
}

} // namespace berth::cli
