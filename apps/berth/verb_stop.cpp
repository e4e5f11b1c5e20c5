#include "apps/berth/batch.hpp"
#include "apps/berth/listing.hpp"
#include "apps/berth/verb_parser.hpp"
#include "config/quantity.hpp"
#include "config/spelling.hpp"

#include <CLI/CLI.hpp>

namespace berth::cli {

namespace {

constexpr auto footer = R"~(Examples:
  berth stop web-1
  berth stop -t 2 web-1 web-2
  berth stop --all

Sends SIGTERM, and SIGKILL to what has not ended in time. Returns when all have ended.)~";

StopOptions take(StopOptions options) {
  check_ids_or_all(options.ids, options.all);
  options.ids = checked_ids(options.ids);
  if (options.timeout.empty())
    return options;
  auto timeout = parse_duration(options.timeout);
  if (!timeout)
    throw UsageError{"--timeout " + in_quotes(options.timeout) + ": " + timeout.error().reason};
  options.timeout = std::to_string(static_cast<double>(timeout->count()) / 1000);
  return options;
}

} // namespace

VerbParser stop_parser() {
  auto options = std::make_shared<StopOptions>();
  return {"stop",
          "Stop containers, gently at first",
          "berth stop [-t SECONDS] ID... | --all",
          footer,
          group_containers,
          false,
          [options](CLI::App& app) {
            add_ids(app, options->ids);
            app.add_flag("-a,--all", options->all, "All that have not ended");
            app
              .add_option("-t,--timeout", options->timeout,
                          "How long they may take; by default the grace period of their pool")
              ->type_name("SECONDS");
            add_format(app, options->json, "text");
          },
          [options](auto, auto&) { return take(*options); }};
}

int perform(const Session& session, const StopOptions& options) {
  auto ids = options.ids;
  if (options.all) {
    auto containers = list_containers(session.client, false);
    if (!containers)
      return report(session, containers.error());
    for (auto& container : *containers)
      ids.push_back(container.id);
  }
  auto batch = Batch{};
  batch.work = [&](const std::string& id) {
    auto target = Target::container(id, "stop").with_any("timeout", options.timeout);
    auto answer = session.client.post(target, {}, Client::long_work);
    // Among all there may be some that end and are removed by themselves in the meantime.
    if (options.all && !answer && answer.error().code == "unknown_container")
      return Answer<std::string>{id_object(id)};
    return answer;
  };
  batch.print = [](const std::string& id, const std::string&) { return id + "\n"; };
  batch.always_list = options.all;
  return perform_batch(session, ids, options.json, batch);
}

} // namespace berth::cli
