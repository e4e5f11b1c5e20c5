#include "apps/berth/batch.hpp"
#include "apps/berth/verb_parser.hpp"
#include "apps/berth/views.hpp"

#include <CLI/CLI.hpp>

namespace berth::cli {

namespace {

constexpr auto footer = R"~(Examples:
  berth wait job-1
  test "$(berth wait job-1)" = 0 && echo done
  berth wait job-1 job-2 -o json | jq '.[].exit.code'

Prints one exit code a line, in the order of the ids; 128+n after signal n.)~";

/// How many ends are waited for at a time.
constexpr auto parallel_waits = size_t{256};

} // namespace

VerbParser wait_parser() {
  auto options = std::make_shared<WaitOptions>();
  return {"wait",
          "Wait until containers have ended, and print their exit codes",
          "berth wait ID...",
          footer,
          group_watching,
          false,
          [options](CLI::App& app) {
            add_ids(app, options->ids);
            add_format(app, options->json, "text");
          },
          [options](auto, auto&) {
            check_ids_or_all(options->ids, false);
            options->ids = checked_ids(options->ids);
            return *options;
          }};
}

int perform(const Session& session, const WaitOptions& options) {
  auto batch = Batch{};
  batch.work = [&](const std::string& id) -> Answer<std::string> {
    auto answer = session.client.get(Target::container(id, "wait"), Client::long_work);
    auto container = answer ? read_container(*answer) : tl::unexpected{answer.error()};
    if (!container)
      return tl::unexpected{container.error()};
    if (!container->exit)
      return fail("bad_answer", "container " + id + ": the daemon told of its end, but not of its exit code");
    return answer;
  };
  batch.print = [](const std::string&, const std::string& json) {
    return std::to_string(exit_code(read_container(json)->exit.value())) + "\n";
  };
  batch.parallel = parallel_waits;
  return perform_batch(session, options.ids, options.json, batch);
}

} // namespace berth::cli
