#include "apps/berth/exit_codes.hpp"
#include "apps/berth/format.hpp"
#include "apps/berth/session.hpp"
#include "apps/berth/table.hpp"
#include "apps/berth/verb_parser.hpp"
#include "apps/berth/views.hpp"

#include <CLI/CLI.hpp>

namespace berth::cli {

namespace {

constexpr auto footer = R"~(Examples:
  berth ps
  berth ps -a --pool sandbox
  berth ps -a -o json | jq -r '.[] | select(.exit.oomKilled) | .id'
  berth rm $(berth ps -aq --pool batch)

A runtime in parentheses tells why it is not the one that the pool is configured for.)~";

constexpr auto command_columns = size_t{40};

void define(CLI::App& app, PsOptions& options) {
  app.add_flag("-a,--all", options.all, "Also those that have ended");
  app.add_flag("-q,--quiet", options.quiet, "Ids only");
  app.add_option("--pool", options.pool, "Only those of one pool")->type_name("POOL");
  app.add_flag("--no-trunc", options.no_trunc, "Commands in full");
  add_format(app, options.json, "table");
}

Tone tone_of(const ContainerView& container) {
  if (container.state == "running")
    return Tone::good;
  if (!container.exit)
    return Tone::warning;
  return exit_code(*container.exit) == 0 ? Tone::faint : Tone::bad;
}

std::string to_table(const std::vector<ContainerView>& containers, const PsOptions& options, bool in_colour) {
  auto table = Table{{{"ID"}, {"POOL"}, {"RUNTIME"}, {"STATE"}, {"STARTED"}, {"COMMAND"}}};
  auto time = now();
  for (auto& container : containers) {
    auto command = printable(format_command(container.args));
    auto overridden = container.runtime != container.configured_runtime;
    table.add({{container.id},
               {container.pool},
               {describe_runtime(container), overridden ? Tone::warning : Tone::plain},
               {describe_state(container), tone_of(container)},
               {format_age(container.started_at, time)},
               {options.no_trunc ? command : shorten(command, command_columns)}});
  }
  return table.render(in_colour);
}

} // namespace

VerbParser ps_parser() {
  auto options = std::make_shared<PsOptions>();
  return {"ps",
          "List containers",
          "berth ps [flags]",
          footer,
          group_watching,
          false,
          [options](CLI::App& app) { define(app, *options); },
          [options](auto, auto&) { return *options; }};
}

int perform(const Session& session, const PsOptions& options) {
  auto target = Target{"/v1/containers"};
  if (options.all)
    target.with("all", "true");
  target.with_any("pool", options.pool);
  auto answer = session.client.get(target);
  if (!answer)
    return report(session, answer.error());
  auto containers = read_containers(*answer);
  if (!containers)
    return report(session, containers.error());
  if (options.json) {
    session.out.write(pretty(*answer));
  } else if (options.quiet) {
    for (auto& container : *containers)
      session.out.write(printable(container.id) + "\n");
  } else {
    session.out.write(to_table(*containers, options, session.out.in_colour()));
  }
  return success;
}

} // namespace berth::cli
