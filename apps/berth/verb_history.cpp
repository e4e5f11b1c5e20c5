#include "apps/berth/exit_codes.hpp"
#include "apps/berth/revision_text.hpp"
#include "apps/berth/session.hpp"
#include "apps/berth/verb_parser.hpp"
#include "apps/berth/views.hpp"

#include <CLI/CLI.hpp>

namespace berth::cli {

namespace {

constexpr auto footer = R"~(Examples:
  berth history
  berth history -o json | jq '.[-1].changes'

The revision with the star is in effect. +pool was added, -pool removed, ~pool changed. The last 100 are
kept, also over restarts of berthd.)~";

} // namespace

VerbParser history_parser() {
  auto options = std::make_shared<HistoryOptions>();
  return {"history",
          "Show the configurations that the node has run by",
          "berth history",
          footer,
          group_node,
          false,
          [options](CLI::App& app) { add_format(app, options->json, "table"); },
          [options](auto, auto&) { return *options; }};
}

int perform(const Session& session, const HistoryOptions& options) {
  auto answer = session.client.get(Target{"/v1/revisions"});
  if (!answer)
    return report(session, answer.error());
  auto table = describe_history(*answer, session.out.in_colour());
  if (!table)
    return report(session, table.error());
  session.out.write(options.json ? pretty(*answer) : *table);
  return success;
}

} // namespace berth::cli
