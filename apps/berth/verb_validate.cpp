#include "apps/berth/exit_codes.hpp"
#include "apps/berth/format.hpp"
#include "apps/berth/session.hpp"
#include "apps/berth/settings_report.hpp"
#include "apps/berth/table.hpp"
#include "apps/berth/verb_parser.hpp"
#include "apps/berth/views.hpp"
#include "config/describe_settings.hpp"
#include "config/load_settings.hpp"

#include <CLI/CLI.hpp>

namespace berth::cli {

namespace {

constexpr auto footer = R"~(Examples:
  berth validate /etc/berth/berth.yaml
  berth validate berth.yaml -o json | jq '.settings[] | select(.source != "default")'

Needs no daemon. Drop-ins in conf.d beside the file are read, too. Prints the effective configuration
with the place every value comes from; or all errors, one a line as FILE:LINE:COLUMN, and exits with 1.)~";

std::string settings_as_text(const Settings& settings, bool in_colour) {
  auto table = Table{{{"SETTING"}, {"VALUE"}, {"FROM"}}};
  for (auto& row : describe(settings))
    table.add({{row.path}, {row.value}, {row.source, row.source == "default" ? Tone::faint : Tone::plain}});
  auto text = table.render(in_colour);
  auto add_note = [&](const Origin& origin, const std::string& path, const std::string& what) {
    text += printable(to_string(origin) + ": " + path + ": " + what) + "\n";
  };
  if (!settings.notices.empty())
    text += "\nNotices:\n";
  for (auto& notice : settings.notices)
    add_note(notice.origin, notice.path, notice.what);
  if (!settings.ignored.empty())
    text += "\nIgnored keys:\n";
  for (auto& key : settings.ignored)
    add_note(key.origin, key.path, key.why);
  return text;
}

} // namespace

VerbParser validate_parser() {
  auto options = std::make_shared<ValidateOptions>();
  return {"validate",
          "Check a configuration file and show what it comes to",
          "berth validate FILE",
          footer,
          group_node,
          false,
          [options](CLI::App& app) {
            app.add_option("FILE", options->file, "The configuration");
            add_format(app, options->json, "text");
          },
          [options](auto, auto&) {
            if (options->file.empty())
              throw UsageError{"which file?"};
            return *options;
          }};
}

int perform(const Session& session, const ValidateOptions& options) {
  auto settings = load_config(options.file);
  if (!settings && options.json)
    session.out.write(errors_as_json(settings.error()));
  else if (!settings)
    for (auto& error : settings.error())
      session.out.write_error(printable(render(error)) + "\n");
  else
    session.out.write(options.json ? settings_as_json(*settings)
                                   : settings_as_text(*settings, session.out.in_colour()));
  return settings ? success : verb_failed;
}

} // namespace berth::cli
