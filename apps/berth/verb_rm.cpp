#include "apps/berth/batch.hpp"
#include "apps/berth/listing.hpp"
#include "apps/berth/verb_parser.hpp"

#include <CLI/CLI.hpp>

namespace berth::cli {

namespace {

constexpr auto footer = R"~(Examples:
  berth rm job-1 job-2
  berth rm -f web-1
  berth rm --all          # all that have ended
  berth rm -f --all       # all of them

With a container go its log and what it wrote into its root file system.)~";

} // namespace

VerbParser rm_parser() {
  auto options = std::make_shared<RmOptions>();
  return {"rm",
          "Remove containers",
          "berth rm [-f] ID... | --all",
          footer,
          group_containers,
          false,
          [options](CLI::App& app) {
            add_ids(app, options->ids);
            app.add_flag("-a,--all", options->all, "All that have ended; with -f all");
            app.add_flag("-f,--force", options->force, "Kill those that run");
            add_format(app, options->json, "text");
          },
          [options](auto, auto&) {
            check_ids_or_all(options->ids, options->all);
            options->ids = checked_ids(options->ids);
            return *options;
          }};
}

int perform(const Session& session, const RmOptions& options) {
  auto ids = options.ids;
  if (options.all) {
    auto containers = list_containers(session.client, true);
    if (!containers)
      return report(session, containers.error());
    for (auto& container : *containers)
      if (options.force || container.state == "exited")
        ids.push_back(container.id);
  }
  auto batch = Batch{};
  batch.work = [&](const std::string& id) -> Answer<std::string> {
    auto target = Target::container(id);
    if (options.force)
      target.with("force", "true");
    auto answer = session.client.remove(target, Client::long_work);
    // Among all there may be some that are removed by themselves in the meantime.
    if (answer || (options.all && answer.error().code == "unknown_container"))
      return id_object(id);
    return answer;
  };
  batch.print = [](const std::string& id, const std::string&) { return id + "\n"; };
  batch.always_list = options.all;
  return perform_batch(session, ids, options.json, batch);
}

} // namespace berth::cli
