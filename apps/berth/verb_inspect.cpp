#include "apps/berth/batch.hpp"
#include "apps/berth/exit_codes.hpp"
#include "apps/berth/verb_parser.hpp"

#include <CLI/CLI.hpp>

namespace berth::cli {

namespace {

constexpr auto footer = R"~(Examples:
  berth inspect web-1
  berth inspect web-1 | jq .selection
  berth inspect web-1 web-2 | jq '.[].pid'

Prints JSON: one object for one id, a list for several. `selection` tells which line of the
configuration chose the runtime, and why.)~";

} // namespace

VerbParser inspect_parser() {
  struct Flags {
    InspectOptions options;
    bool json = true;
  };
  auto flags = std::make_shared<Flags>();
  return {"inspect",
          "Show everything about containers",
          "berth inspect ID...",
          footer,
          group_watching,
          false,
          [flags](CLI::App& app) {
            add_ids(app, flags->options.ids);
            add_format(app, flags->json, "json");
          },
          [flags](auto, auto&) {
            check_ids_or_all(flags->options.ids, false);
            return InspectOptions{checked_ids(flags->options.ids)};
          }};
}

int perform(const Session& session, const InspectOptions& options) {
  auto batch = Batch{};
  batch.work = [&](const std::string& id) { return session.client.get(Target::container(id)); };
  return perform_batch(session, options.ids, true, batch);
}

} // namespace berth::cli
