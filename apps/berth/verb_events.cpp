#include "apps/berth/event_feed.hpp"
#include "apps/berth/format.hpp"
#include "apps/berth/verb_parser.hpp"

#include <CLI/CLI.hpp>

namespace berth::cli {

namespace {

constexpr auto footer = R"~(Examples:
  berth events
  berth events --no-follow --container web-1
  berth events --type container.oom,container.exited --pool sandbox -o json
  berth events --since 4711 -o json        # goes on behind event 4711

Types: container.accepted, .running, .oom, .exited, .failed, .removed; pool.ready, .degraded,
.unavailable, .generation, .drained, .retired, .removed; runtime.ready, .failed; node.started, .reconciled,
.stopping, .draining, .drained, .undrained, .revision, .revision_refused, .events_lost; actor.restarted,
.resting. A group like "container." stands for all of it. Numbers go on over restarts of berthd.
Without --since: what happens from now on, or with --no-follow all that is kept.)~";

struct Flags {
  EventsOptions options;
  std::string since;
  bool no_follow = false;
};

void define(CLI::App& app, Flags& flags) {
  auto& options = flags.options;
  app.add_option("--since", flags.since, "Only events after this number (seq)")->type_name("N");
  app.add_flag("--no-follow", flags.no_follow, "End with the last event that has happened by now");
  app.add_option("--type", options.types, "Only these types, with commas between them")->type_name("TYPE[,...]");
  app.add_option("--pool", options.pool, "Only events of one pool")->type_name("POOL");
  app.add_option("--container", options.container, "Only events of one container")->type_name("ID");
  add_format(app, options.json, "text");
}

std::string subject_of(const EventView& event) {
  if (event.container.empty())
    return event.pool.empty() ? "-" : event.pool;
  return event.pool + "/" + event.container;
}

std::string to_line(const EventView& event) {
  auto type = event.type;
  type.resize(std::max(type.size(), std::string_view{"container.accepted"}.size()), ' ');
  auto line = without_microseconds(event.time) + "  " + type + "  " + subject_of(event);
  for (auto& [key, value] : event.data)
    line += "  " + key + "=" + format_command({value});
  return line;
}

} // namespace

VerbParser events_parser() {
  auto flags = std::make_shared<Flags>();
  return {"events",
          "Follow what happens on the node",
          "berth events [flags]",
          footer,
          group_watching,
          false,
          [flags](CLI::App& app) { define(app, *flags); },
          [flags](auto, auto&) {
            auto options = flags->options;
            if (!flags->since.empty())
              options.since = checked_count(flags->since, "--since");
            options.follow = !flags->no_follow;
            return options;
          }};
}

int perform(const Session& session, const EventsOptions& options) {
  return perform_feed(
    session, {options.since, options.follow, options.types, options.pool, options.container, options.json, to_line});
}

} // namespace berth::cli
