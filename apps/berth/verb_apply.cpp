#include "apps/berth/change.hpp"
#include "apps/berth/config_upload.hpp"
#include "apps/berth/verb_parser.hpp"

#include <CLI/CLI.hpp>

namespace berth::cli {

namespace {

constexpr auto footer = R"~(Examples:
  berth apply -f berth.yaml
  berth apply -f berth.yaml --drain stop --timeout 30s
  berth apply -f berth.yaml -o json >receipt.json

All pools change or none does. The runtimes of the new configuration are tried out beside those that
serve; if one does not work, nothing has changed. When the command ends, the change is in effect.
Containers that run go on with what they were started with.)~";

} // namespace

VerbParser apply_parser() {
  auto options = std::make_shared<ApplyOptions>();
  return {"apply",
          "Run by another configuration, without a restart",
          "berth apply -f FILE [--timeout TIME] [--drain wait|stop]",
          footer,
          group_node,
          false,
          [options](CLI::App& app) {
            app.add_option("-f,--file", options->file, "The configuration")->type_name("FILE");
            add_change_flags(app, options->change);
            add_format(app, options->change.json, "text");
          },
          [options](auto, const Surroundings& surroundings) {
            if (options->file.empty())
              throw UsageError{"which file? give it with -f"};
            options->file = absolute_path(options->file, surroundings);
            check_change(options->change);
            return *options;
          }};
}

int perform(const Session& session, const ApplyOptions& options) {
  auto files = read_config_upload(options.file);
  if (!files)
    return report(session, files.error());
  return perform_change(session, "/v1/apply", "\"files\":" + *files, options.change);
}

} // namespace berth::cli
