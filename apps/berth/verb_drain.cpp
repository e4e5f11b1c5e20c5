#include "apps/berth/exit_codes.hpp"
#include "apps/berth/ledger_text.hpp"
#include "apps/berth/session.hpp"
#include "apps/berth/verb_parser.hpp"
#include "apps/berth/views.hpp"
#include "config/quantity.hpp"
#include "config/spelling.hpp"

#include <CLI/CLI.hpp>

namespace berth::cli {

namespace {

constexpr auto footer = R"~(Examples:
  berth drain                   # stop all containers, the newest first, and take no launches
  berth drain --deadline 10m    # let them end by themselves for ten minutes before that
  berth drain --cancel          # take launches again

Returns when no container runs any more. A drained node refuses launches with the error "draining",
also after a restart of berthd, until --cancel.)~";

DrainOptions take(DrainOptions options) {
  if (options.cancel && !options.deadline.empty())
    throw UsageError{"--cancel ends a drain, so it has no --deadline"};
  if (options.deadline.empty())
    return options;
  auto deadline = parse_duration(options.deadline);
  if (!deadline)
    throw UsageError{"--deadline " + in_quotes(options.deadline) + ": " + deadline.error().reason};
  options.deadline = std::to_string(static_cast<double>(deadline->count()) / 1000);
  return options;
}

int cancel(const Session& session, bool json) {
  auto answer = session.client.remove(Target{"/v1/drain"});
  if (!answer)
    return report(session, answer.error());
  session.out.write(json ? "{}\n" : "the node takes launches again\n");
  return success;
}

} // namespace

VerbParser drain_parser() {
  auto options = std::make_shared<DrainOptions>();
  return {"drain",
          "End all containers and take no launches",
          "berth drain [--deadline DURATION] | --cancel",
          footer,
          group_node,
          false,
          [options](CLI::App& app) {
            app.add_option("--deadline", options->deadline, "How long they may go on before they are stopped")
              ->type_name("DURATION");
            app.add_flag("--cancel", options->cancel, "Take launches again");
            add_format(app, options->json, "text");
          },
          [options](auto, auto&) { return take(*options); }};
}

int perform(const Session& session, const DrainOptions& options) {
  if (options.cancel)
    return cancel(session, options.json);
  auto answer = session.client.post(Target{"/v1/drain"}.with_any("deadline", options.deadline), {}, Client::long_work);
  if (!answer)
    return report(session, answer.error());
  auto text = describe_drain(*answer);
  if (!text)
    return report(session, text.error());
  session.out.write(options.json ? pretty(*answer) : *text);
  return success;
}

} // namespace berth::cli
