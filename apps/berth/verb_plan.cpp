#include "apps/berth/config_upload.hpp"
#include "apps/berth/exit_codes.hpp"
#include "apps/berth/revision_text.hpp"
#include "apps/berth/session.hpp"
#include "apps/berth/verb_parser.hpp"
#include "apps/berth/views.hpp"

#include <CLI/CLI.hpp>

namespace berth::cli {

namespace {

constexpr auto footer = R"~(Examples:
  berth plan -f berth.yaml
  berth plan -f berth.yaml -o json | jq '.changes[].name'
  berth plan -f berth.yaml; [ $? -eq 2 ] && berth apply -f berth.yaml

Drop-ins in conf.d beside the file are read, too. Exit codes: 0 nothing would change, 2 something would,
1 error. Whether the runtimes of a new configuration work is found out by `berth apply`, before it
changes anything.)~";

} // namespace

VerbParser plan_parser() {
  auto options = std::make_shared<PlanOptions>();
  return {"plan",
          "Show what a configuration would change",
          "berth plan -f FILE",
          footer,
          group_node,
          false,
          [options](CLI::App& app) {
            app.add_option("-f,--file", options->file, "The configuration")->type_name("FILE");
            add_format(app, options->json, "text");
          },
          [options](auto, const Surroundings& surroundings) {
            if (options->file.empty())
              throw UsageError{"which file? give it with -f"};
            options->file = absolute_path(options->file, surroundings);
            return *options;
          }};
}

int perform(const Session& session, const PlanOptions& options) {
  auto files = read_config_upload(options.file);
  if (!files)
    return report(session, files.error());
  auto answer = session.client.post(Target{"/v1/plan"}, "{\"files\":" + *files + "}");
  if (!answer)
    return report(session, answer.error());
  auto plan = describe_plan(*answer, session.out.in_colour());
  if (!plan)
    return report(session, plan.error());
  session.out.write(options.json ? pretty(*answer) : plan->text);
  return plan->has_changes ? plan_has_changes : success;
}

} // namespace berth::cli
