#include "apps/berth/actor_view.hpp"
#include "apps/berth/exit_codes.hpp"
#include "apps/berth/format.hpp"
#include "apps/berth/session.hpp"
#include "apps/berth/trace_view.hpp"
#include "apps/berth/verb_parser.hpp"
#include "apps/berth/views.hpp"
#include "config/quantity.hpp"
#include "config/spelling.hpp"

#include <CLI/CLI.hpp>

#include <algorithm>

namespace berth::cli {

namespace {

constexpr auto footer = R"~(Examples:
  berth trace web-1                          # the life of a container, as a tree of messages
  berth trace web-1 --slow 10ms              # only what took at least so long
  berth trace web-1 -o perfetto > web-1.json # opens in ui.perfetto.dev and chrome://tracing
  berth trace --pool sandbox --follow        # the messages of a pool's actors, as they are handled
  berth trace --actor journal --message RecordContainer -o json
  berth trace --record all                   # from now on, until berthd ends
  berth trace --status

What is recorded is up to `berth.tracing` in the configuration: by default the launches that ask for it (`berth run
--trace`, or any client with a sampled `traceparent`). WAIT is a message's time in the mailbox, WORK its handling; of
what is no message, such as a process of the runtime, WORK is all of its time. Exits with 1 if nothing is known.)~";

struct Flags {
  TraceOptions options;
  std::string format = "text";
};

void define(CLI::App& app, Flags& flags) {
  auto& options = flags.options;
  app.add_option("ID", options.id, "A container");
  app.add_option("--trace", options.trace, "Only the trace of this id")->type_name("TRACE");
  app.add_option("--pool", options.pool, "Only messages of the actors of one pool")->type_name("POOL");
  app.add_option("--actor", options.actor, "Only messages of one kind of actors, or of one actor by its number")
    ->type_name("ACTOR");
  app.add_option("--message", options.message, "Only messages of this type")->type_name("TYPE");
  app.add_option("--slow", options.slow, "Only what took at least so long: 10ms, 1s")->type_name("DURATION");
  app.add_flag("-f,--follow", options.follow, "Show what is recorded from now on");
  app.add_option("--record", options.record, "Change what is recorded: off, requested or all")->type_name("MODE");
  app.add_flag("--status", options.status, "Show what is recorded, and how much is kept");
  app.add_option("-o,--output", flags.format, "Format: text, json or perfetto")->type_name("FORMAT");
}

TraceOptions take(const Flags& flags) {
  auto options = flags.options;
  if (!options.id.empty())
    checked_id(options.id);
  if (flags.format != "text" && flags.format != "json" && flags.format != "perfetto")
    throw UsageError{"--output " + in_quotes(flags.format) + ": use text, json or perfetto"};
  options.json = flags.format == "json";
  options.perfetto = flags.format == "perfetto";
  if (options.perfetto && options.follow)
    throw UsageError{"a trace that goes on is no file: use --follow with text or json"};
  if (!options.slow.empty())
    if (auto slow = parse_duration(options.slow); !slow)
      throw UsageError{"--slow " + in_quotes(options.slow) + ": " + slow.error().reason + "; " + slow.error().next};
  if (!options.record.empty() && !parse_tracing_mode(options.record))
    throw UsageError{"--record " + in_quotes(options.record) + ": use off, requested or all"};
  auto chooses = !options.id.empty() || !options.trace.empty() || !options.pool.empty() || !options.actor.empty()
                 || !options.message.empty() || !options.slow.empty() || options.follow;
  if ((options.status || !options.record.empty()) && chooses)
    throw UsageError{"--status and --record go without anything to look at"};
  if (!options.status && options.record.empty() && !chooses)
    throw UsageError{"which trace? give the ID of a container, or --pool, --actor, --message, --slow or --follow"};
  return options;
}

Target to_target(const TraceOptions& options) {
  auto target = Target{"/v1/trace"};
  target.with_any("container", options.id);
  target.with_any("trace", options.trace);
  target.with_any("pool", options.pool);
  target.with_any("actor", options.actor);
  target.with_any("message", options.message);
  target.with_any("slow", options.slow);
  if (options.follow)
    target.with("follow", "true");
  return target;
}

int show_state(const Session& session, const TraceOptions& options, const Answer<std::string>& answer) {
  if (!answer)
    return report(session, answer.error());
  session.out.write(options.json ? pretty(*answer) : tracing_table(*answer));
  return success;
}

int follow(const Session& session, const TraceOptions& options) {
  auto code = success;
  auto on_line = [&](std::string_view line) {
    if (options.json)
      return session.out.write(std::string{line} + "\n");
    auto view = read_trace_line(line);
    if (!view) {
      code = report(session, view.error());
      return false;
    }
    if (view->missed > 0)
      session.out.complain("missed " + std::to_string(view->missed) + " spans: they come faster than they can be shown");
    for (const auto& span : view->spans)
      if (!session.out.write(printable(to_line(span)) + "\n"))
        return false;
    return true;
  };
  auto answer = session.client.stream_get(to_target(options), {on_line, [&] { return session.out.flush(); }});
  session.out.flush();
  if (!answer)
    return report(session, answer.error());
  if (session.out.error() == 0 && code == success)
    code = report(session, {"connection_lost", "berthd ended the stream of spans; it is stopping"});
  return code;
}

int show(const Session& session, const TraceOptions& options) {
  auto answer = session.client.get(to_target(options));
  if (!answer)
    return report(session, answer.error());
  if (options.json) {
    session.out.write(pretty(*answer));
    return success;
  }
  auto view = read_trace(*answer);
  if (!view)
    return report(session, view.error());
  if (view->spans.empty()) {
    session.out.complain(
      "nothing is recorded of that: launch with `berth run --trace`, or record everything with `berth trace --record all`");
    return verb_failed;
  }
  if (view->missed > 0)
    session.out.complain(std::to_string(view->missed) + " older spans are left out");
  // A list for what is picked from many traces, a tree for what belongs together.
  auto is_whole = (!options.id.empty() || !options.trace.empty()) && options.actor.empty() && options.message.empty()
                  && options.slow.empty();
  if (options.perfetto) {
    session.out.write(to_perfetto(view->spans));
  } else if (is_whole) {
    session.out.write(to_text(make_trees(view->spans), session.out.in_colour()));
  } else {
    std::stable_sort(view->spans.begin(), view->spans.end(),
                     [](const auto& x, const auto& y) { return x.queued < y.queued; });
    session.out.write("TIME                             WAIT ms    WORK ms  MESSAGE\n");
    for (const auto& span : view->spans)
      session.out.write(printable(to_line(span)) + "\n");
  }
  return success;
}

} // namespace

VerbParser trace_parser() {
  auto flags = std::make_shared<Flags>();
  return {"trace",
          "Show the messages behind what happened",
          "berth trace ID | --pool POOL | --actor ACTOR | --message TYPE [--slow DURATION] [--follow]",
          footer,
          group_watching,
          false,
          [flags](CLI::App& app) { define(app, *flags); },
          [flags](auto, auto&) { return take(*flags); }};
}

int perform(const Session& session, const TraceOptions& options) {
  if (!options.record.empty())
    return show_state(session, options, session.client.put(Target{"/v1/tracing"}.with("mode", options.record), {}));
  if (options.status)
    return show_state(session, options, session.client.get(Target{"/v1/tracing"}));
  return options.follow ? follow(session, options) : show(session, options);
}

} // namespace berth::cli
