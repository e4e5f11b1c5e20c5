#include "apps/berth/change.hpp"
#include "apps/berth/verb_parser.hpp"

#include <CLI/CLI.hpp>

namespace berth::cli {

namespace {

constexpr auto footer = R"~(Examples:
  berth reload
  berth reload --drain stop --timeout 30s -o json

berthd reads the file it was started with and the drop-ins beside it again, as by SIGHUP, and applies them:
see `berth apply --help`. When the command ends, the change is in effect; if it fails, nothing has changed.)~";

} // namespace

VerbParser reload_parser() {
  auto options = std::make_shared<ReloadOptions>();
  return {"reload",
          "Run by the configured files as they are now",
          "berth reload [--timeout TIME] [--drain wait|stop]",
          footer,
          group_node,
          false,
          [options](CLI::App& app) {
            add_change_flags(app, options->change);
            add_format(app, options->change.json, "text");
          },
          [options](auto, auto&) {
            check_change(options->change);
            return *options;
          }};
}

int perform(const Session& session, const ReloadOptions& options) {
  return perform_change(session, "/v1/reload", {}, options.change);
}

} // namespace berth::cli
