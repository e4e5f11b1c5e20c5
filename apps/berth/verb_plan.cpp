#include "apps/berth/change.hpp"
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
  berth plan -f berth.yaml --no-try-out     # at once, but without knowing whether the runtimes work

Drop-ins in conf.d beside the file are read, too. Exit codes: 0 nothing would change, 2 something would
(also if an apply would be refused: the plan says why), 1 error. The runtimes that the configuration
brings are tried out as an apply does, beside those that serve; nothing of that stays.)~";

} // namespace

VerbParser plan_parser() {
  auto options = std::make_shared<PlanOptions>();
  return {"plan",
          "Show what a configuration would change",
          "berth plan -f FILE [--no-try-out]",
          footer,
          group_node,
          false,
          [options](CLI::App& app) {
            app.add_option("-f,--file", options->file, "The configuration")->type_name("FILE");
            app.add_flag("--no-try-out", options->no_try_out, "Do not try out whether the runtimes work");
            app.add_option("--timeout", options->timeout, "How long trying out may take, such as 30s (default: 2m)")
              ->type_name("TIME");
            app.add_flag("--allow-fallback", options->allow_fallback, "Plan an apply with this flag");
            add_format(app, options->json, "text");
          },
          [options](auto, const Surroundings& surroundings) {
            if (options->file.empty())
              throw UsageError{"which file? give it with -f"};
            options->file = absolute_path(options->file, surroundings);
            read_timeout(options->timeout, options->timeout_ms);
            return *options;
          }};
}

int perform(const Session& session, const PlanOptions& options) {
  auto files = read_config_upload(options.file);
  if (!files)
    return report(session, files.error());
  auto body = "{\"files\":" + *files + ",\"tryOut\":" + (options.no_try_out ? "false" : "true")
              + ",\"timeoutMs\":" + std::to_string(options.timeout_ms)
              + ",\"allowFallback\":" + (options.allow_fallback ? "true" : "false") + "}";
  auto answer = session.client.post(Target{"/v1/plan"}, body, Client::long_work);
  if (!answer)
    return report(session, answer.error());
  auto plan = describe_plan(*answer, session.out.in_colour());
  if (!plan)
    return report(session, plan.error());
  session.out.write(options.json ? pretty(*answer) : plan->text);
  return plan->has_changes ? plan_has_changes : success;
}

} // namespace berth::cli
