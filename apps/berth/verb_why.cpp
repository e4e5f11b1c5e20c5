#include "apps/berth/exit_codes.hpp"
#include "apps/berth/request.hpp"
#include "apps/berth/session.hpp"
#include "apps/berth/verb_parser.hpp"
#include "apps/berth/views.hpp"
#include "apps/berth/why_text.hpp"

#include <CLI/CLI.hpp>

namespace berth::cli {

namespace {

constexpr auto footer = R"~(Examples:
  berth why web-1
  berth why --pool sandbox
  berth why --pool sandbox --gpu 1 --memory 2G
  berth why web-1 -o json | jq .rule
  berth why --pool sandbox --gpu 1 -o json | jq '.alternatives[] | select(.outcome == "refused")'

Of a container, live or ended, it is what was decided at its launch, whatever the configuration says by
now. With --pool nothing is launched: it is what such a launch would get. Lines are those of the
configuration that the pool was made by (see `berth history`). Exit codes: 0 explained, 3 the launch
would be refused, 1 error.)~";

WhyOptions take(WhyOptions options, const NeedsFlags& flags) {
  take_needs(options, flags);
  auto has_needs = !options.memory.empty() || !options.cpu.empty() || options.pids || options.gpus > 0 || options.checkpoint;
  if (options.id.empty() == options.pool.empty())
    throw UsageError{options.id.empty() ? "why what? give the ID of a container, or --pool for a launch that has not been"
                                        : "--pool goes without an ID"};
  if (!options.id.empty() && has_needs)
    throw UsageError{"a container has asked for what it needs at its launch: such flags go with --pool"};
  if (!options.id.empty())
    checked_id(options.id);
  return options;
}

} // namespace

VerbParser why_parser() {
  struct Flags {
    WhyOptions options;
    NeedsFlags needs;
  };
  auto flags = std::make_shared<Flags>();
  return {"why",
          "Show which rule and line chose a runtime",
          "berth why ID | --pool POOL [--gpu N] [--checkpoint] [-m SIZE] [--cpu CPUS] [--pids N]",
          footer,
          group_watching,
          false,
          [flags](CLI::App& app) {
            app.add_option("ID", flags->options.id, "The container");
            app.add_option("--pool", flags->options.pool, "The pool of a launch that has not been")->type_name("POOL");
            define_needs(app, flags->options, flags->needs);
            add_format(app, flags->options.json, "text");
          },
          [flags](auto, auto&) { return take(flags->options, flags->needs); }};
}

int perform(const Session& session, const WhyOptions& options) {
  // A pool that was just started is answered for when its runtimes have been tried out.
  auto answer = options.id.empty() ? session.client.post(Target{"/v1/why"}, why_request(options), Client::long_work)
                                   : session.client.get(Target::container(options.id, "why"));
  if (!answer)
    return report(session, answer.error());
  auto why = describe_why(*answer, options.id, session.out.in_colour());
  if (!why)
    return report(session, why.error());
  session.out.write(options.json ? pretty(*answer) : why->text);
  return why->is_refused ? why_refused : success;
}

} // namespace berth::cli
