#include "apps/berth/batch.hpp"
#include "apps/berth/verb_parser.hpp"

#include <CLI/CLI.hpp>

namespace berth::cli {

namespace {

constexpr auto footer = R"~(Examples:
  berth kill web-1
  berth kill -s HUP web-1 web-2
  berth kill -s 10 web-1

The first process of a container gets no signal that it has no handler for, but for KILL and STOP.)~";

} // namespace

VerbParser kill_parser() {
  auto options = std::make_shared<KillOptions>();
  return {"kill",
          "Send a signal to containers",
          "berth kill [-s SIGNAL] ID...",
          footer,
          group_containers,
          false,
          [options](CLI::App& app) {
            add_ids(app, options->ids);
            app.add_option("-s,--signal", options->signal, "Name, with or without SIG, or number (default: KILL)")
              ->type_name("SIGNAL");
            add_format(app, options->json, "text");
          },
          [options](auto, auto&) {
            check_ids_or_all(options->ids, false);
            options->ids = checked_ids(options->ids);
            if (options->signal.empty())
              throw UsageError{"--signal must not be empty"};
            return *options;
          }};
}

int perform(const Session& session, const KillOptions& options) {
  auto batch = Batch{};
  batch.work = [&](const std::string& id) -> Answer<std::string> {
    auto answer = session.client.post(Target::container(id, "kill").with("signal", options.signal), {});
    if (!answer)
      return answer;
    return id_object(id);
  };
  batch.print = [](const std::string& id, const std::string&) { return id + "\n"; };
  return perform_batch(session, options.ids, options.json, batch);
}

} // namespace berth::cli
