#include "apps/berth/attachment.hpp"
#include "apps/berth/exit_codes.hpp"
#include "apps/berth/request.hpp"
#include "apps/berth/session.hpp"
#include "apps/berth/verb_parser.hpp"

#include <CLI/CLI.hpp>

namespace berth::cli {

namespace {

constexpr auto footer = R"~(Examples:
  berth exec web-1 -- ps aux
  berth exec -e DEBUG=1 -w /srv -u 1000:1000 web-1 -- sh -c 'env > state'

The command ends with the exit code of what it ran, or with 126 or 127 if that could not be started.)~";

void define(CLI::App& app, ExecOptions& options) {
  app.add_option("ID", options.id, "Container id");
  add_repeated(app, "-e,--env", options.env, "K=V", "Environment variable; K alone passes on the one of this shell");
  app.add_option("-w,--workdir", options.workdir, "Working directory in the container")->type_name("DIR");
  app.add_option("-u,--user", options.user, "UID, UID:GID, or names of the container")->type_name("USER");
  add_format(app, options.json, "text");
}

ExecOptions take(ExecOptions options, std::vector<std::string> command, const Surroundings& surroundings) {
  if (options.id.empty())
    throw UsageError{"which container? give its ID (see `berth ps`)"};
  checked_id(options.id);
  options.args = std::move(command);
  options.env = complete_env(options.env, surroundings);
  check_texts(options.args, "the command");
  check_texts(options.env, "--env");
  return options;
}

} // namespace

VerbParser exec_parser() {
  auto options = std::make_shared<ExecOptions>();
  return {"exec",
          "Run another command in a running container",
          "berth exec [flags] ID -- COMMAND [ARG...]",
          footer,
          group_containers,
          true,
          [options](CLI::App& app) { define(app, *options); },
          [options](std::vector<std::string> command, const Surroundings& surroundings) {
            return take(*options, std::move(command), surroundings);
          }};
}

int perform(const Session& session, const ExecOptions& options) {
  auto attachment = Attachment{session.out, options.json};
  auto reader = LineReader{[&](std::string_view line) { return attachment.read(line); },
                           [&] { return session.out.flush(); }};
  auto answer = session.client.stream_post(Target::container(options.id, "exec"), exec_request(options), reader);
  if (auto code = attachment.conclude())
    return *code;
  if (session.out.error() != 0)
    return berth_failed;
  session.out.complain(answer ? "berthd ended the stream before the command ended" : answer.error().message);
  return answer ? berth_failed : answer.error().exit_code;
}

} // namespace berth::cli
