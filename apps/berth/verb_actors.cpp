#include "apps/berth/actor_view.hpp"
#include "apps/berth/exit_codes.hpp"
#include "apps/berth/session.hpp"
#include "apps/berth/verb_parser.hpp"
#include "apps/berth/views.hpp"
#include "config/spelling.hpp"

#include <CLI/CLI.hpp>

#include <algorithm>

namespace berth::cli {

namespace {

constexpr auto footer = R"~(Examples:
  berth actors
  berth actors --kind container --pool web
  berth actors show 7 -o json | jq .knows
  berth actors -o json | jq -r 'sort_by(-.busyNs) | .[0:5][] | "\(.kind) \(.busyNs)"'

STATE is how a pool or a container stands; of other actors idle, busy, or behind if messages wait. MAILBOX counts
the message that is being handled, too. BUSY is the time spent in handlers, RESTARTS how often one in this place
has died. `show` asks the actor itself what it knows; one that is stuck does not answer.)~";

bool is_chosen(const ActorView& actor, const ActorsOptions& options) {
  return (options.kind.empty() || actor.kind == options.kind) && (options.pool.empty() || actor.pool == options.pool);
}

int show(const Session& session, const ActorsOptions& options) {
  auto answer = session.client.get(Target{"/v1/actors/" + encode_component(options.show)});
  if (!answer)
    return report(session, answer.error());
  auto text = describe_actor(*answer, session.out.in_colour());
  if (!text)
    return report(session, text.error());
  session.out.write(options.json ? pretty(*answer) : *text);
  return success;
}

} // namespace

VerbParser actors_parser() {
  struct Flags {
    ActorsOptions options;
    std::vector<std::string> words;
  };
  auto flags = std::make_shared<Flags>();
  return {"actors",
          "List the actors of the daemon, or show what one knows",
          "berth actors [--kind KIND] [--pool POOL] | berth actors show ACTOR",
          footer,
          group_watching,
          false,
          [flags](CLI::App& app) {
            app.add_option("WORDS", flags->words, "show, and the number of an actor");
            app.add_option("--kind", flags->options.kind, "Only actors of this kind")->type_name("KIND");
            app.add_option("--pool", flags->options.pool, "Only actors of one pool")->type_name("POOL");
            add_format(app, flags->options.json, "table");
          },
          [flags](auto, auto&) {
            auto options = flags->options;
            const auto& words = flags->words;
            if (words.empty())
              return options;
            if (words.size() != 2 || words[0] != "show")
              throw UsageError{"write `berth actors`, or `berth actors show ACTOR` with a number of that list"};
            checked_count(words[1], "show");
            options.show = words[1];
            return options;
          }};
}

int perform(const Session& session, const ActorsOptions& options) {
  if (!options.show.empty())
    return show(session, options);
  auto answer = session.client.get(Target{"/v1/actors"});
  if (!answer)
    return report(session, answer.error());
  auto actors = read_actors(*answer);
  if (!actors)
    return report(session, actors.error());
  if (options.json && options.kind.empty() && options.pool.empty()) {
    session.out.write(pretty(*answer));
    return success;
  }
  if (options.json) {
    session.out.write(pretty(pick_members(*answer, {{"kind", options.kind}, {"pool", options.pool}})));
    return success;
  }
  std::erase_if(*actors, [&](const auto& actor) { return !is_chosen(actor, options); });
  session.out.write(actor_table(*actors, session.out.in_colour()));
  return success;
}

} // namespace berth::cli
