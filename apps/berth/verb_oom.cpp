#include "apps/berth/event_feed.hpp"
#include "apps/berth/oom_text.hpp"
#include "apps/berth/verb_parser.hpp"

#include <CLI/CLI.hpp>

namespace berth::cli {

namespace {

constexpr auto footer = R"~(Examples:
  berth oom
  berth oom --no-follow
  berth oom -o json | while read -r kill; do ./alert "$kill"; done

A kill is always told before the end of its container. Scope "container": the container ended with
it; "process": it lives on.)~";

struct Flags {
  OomOptions options;
  std::string since;
  bool no_follow = false;
};

} // namespace

VerbParser oom_parser() {
  auto flags = std::make_shared<Flags>();
  return {"oom",
          "Follow kills at memory limits",
          "berth oom [flags]",
          footer,
          group_watching,
          false,
          [flags](CLI::App& app) {
            app.add_option("--since", flags->since, "Only kills after the event of this number (seq)")->type_name("N");
            app.add_flag("--no-follow", flags->no_follow, "End with the last kill that has happened by now");
            add_format(app, flags->options.json, "text");
          },
          [flags](auto, auto&) {
            auto options = flags->options;
            if (!flags->since.empty())
              options.since = checked_count(flags->since, "--since");
            options.follow = !flags->no_follow;
            return options;
          }};
}

int perform(const Session& session, const OomOptions& options) {
  auto print = [](const EventView& event) { return without_microseconds(event.time) + "  " + describe_oom(event); };
  return perform_feed(session, {options.since, options.follow, "container.oom", {}, {}, options.json, print});
}

} // namespace berth::cli
