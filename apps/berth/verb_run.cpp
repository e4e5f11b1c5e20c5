#include "apps/berth/attachment.hpp"
#include "apps/berth/exit_codes.hpp"
#include "apps/berth/request.hpp"
#include "apps/berth/session.hpp"
#include "apps/berth/signal_forwarder.hpp"
#include "apps/berth/verb_parser.hpp"
#include "apps/berth/views.hpp"
#include "config/quantity.hpp"
#include "config/spelling.hpp"

#include <CLI/CLI.hpp>

namespace berth::cli {

namespace {

constexpr auto footer = R"~(Examples:
  berth run --rm --pool standard --rootfs ./alpine -- echo hello
  berth run -d --id web-1 --pool sandbox --rootfs /images/web -m 256M --cpus 0.5 -- /bin/server --port 80
  berth run --rm --pool standard --rootfs ./py --mount ./src:/src:ro -e LANG -w /src -- python3 test.py

The directory is used through an overlay and never written to. Attached, the command ends with the
exit code of the container; SIGINT, SIGTERM and SIGHUP are sent on to it, and a third Ctrl-C leaves
it running. `-o json` prints the container (-d) or all that happens to it, one JSON object a line.)~";

/// What CLI11 reads before it is checked.
struct Flags {
  RunOptions options;
  std::vector<std::string> env;
  std::vector<std::string> labels;
  std::vector<std::string> mounts;
  std::vector<std::string> sysctls;
  NeedsFlags needs;
};

void define(CLI::App& app, Flags& flags) {
  auto& options = flags.options;
  app.add_option("--pool", options.pool, "The pool to run in (needed)")->type_name("POOL");
  app.add_option("--rootfs", options.rootfs, "Directory with the root file system (needed)")->type_name("DIR");
  app.add_option("--id", options.id, "Name of the container; by default one is made up")->type_name("ID");
  app.add_flag("-d,--detach", options.detach, "Print the id and return as soon as the container runs");
  app.add_flag("--rm", options.remove, "Remove the container when it has ended");
  add_repeated(app, "-e,--env", flags.env, "K=V", "Environment variable; K alone passes on the one of this shell");
  define_needs(app, options, flags.needs);
  add_repeated(app, "--mount,-v", flags.mounts, "SRC:DST[:ro]", "Bind mount from the host");
  app.add_option("-w,--workdir", options.workdir, "Working directory in the container")->type_name("DIR");
  app.add_option("-u,--user", options.user, "UID, UID:GID, or names of the container")->type_name("USER");
  app.add_option("--hostname", options.hostname, "Host name in the container; by default its id")->type_name("NAME");
  add_repeated(app, "-l,--label", flags.labels, "K=V", "Label, shown by inspect");
  add_repeated(app, "--sysctl", flags.sysctls, "K=V", "Kernel parameter of the container's namespaces (runc)");
  add_repeated(app, "--device", options.devices, "PATH", "Device node of the host to pass in (runc)");
  app.add_flag("--trace", options.trace, "Record the messages behind it, for `berth trace`");
  app.add_flag("--pass-trace", options.pass_trace, "Give the container its trace as TRACEPARENT in its environment");
  add_format(app, options.json, "text");
}

MountOption parse_mount(const std::string& text, const Surroundings& surroundings) {
  auto reject = [&](const char* why) {
    return UsageError{"--mount " + in_quotes(text) + ": " + why
                      + "; write SOURCE:DESTINATION or SOURCE:DESTINATION:ro"};
  };
  auto parts = CLI::detail::split(text, ':');
  if (parts.size() < 2 || parts.size() > 3)
    throw reject("not two or three parts");
  auto result = MountOption{parts[0], parts[1], false};
  if (result.source.empty() || result.destination.empty())
    throw reject("a part is empty");
  if (result.destination.front() != '/')
    throw reject("the destination is not absolute");
  if (parts.size() == 3 && parts[2] != "ro" && parts[2] != "rw")
    throw reject("the third part is neither ro nor rw");
  result.read_only = parts.size() == 3 && parts[2] == "ro";
  result.source = absolute_path(result.source, surroundings);
  return result;
}

RunOptions take(const Flags& flags, std::vector<std::string> command, const Surroundings& surroundings) {
  auto options = flags.options;
  if (options.pool.empty())
    throw UsageError{"--pool is missing: which pool shall it run in? (see `berth pools`)"};
  if (options.rootfs.empty())
    throw UsageError{"--rootfs is missing: a directory with the root file system"};
  if (!options.id.empty())
    checked_id(options.id);
  options.rootfs = absolute_path(options.rootfs, surroundings);
  options.args = std::move(command);
  options.env = complete_env(flags.env, surroundings);
  options.labels = split_pairs(flags.labels, "--label");
  options.sysctls = split_pairs(flags.sysctls, "--sysctl");
  for (auto& mount : flags.mounts)
    options.mounts.push_back(parse_mount(mount, surroundings));
  take_needs(options, flags.needs);
  check_texts(options.args, "the command");
  check_texts(options.env, "--env");
  return options;
}

int run_detached(const Session& session, const RunOptions& options) {
  auto answer = session.client.traced(options.trace).post(Target{"/v1/containers"}, launch_request(options), Client::long_work);
  auto container = answer ? read_container(*answer) : tl::unexpected{answer.error()};
  if (!container) {
    session.out.complain(container.error().message);
    return container.error().exit_code;
  }
  for (auto& warning : container->warnings)
    session.out.complain("warning: " + warning);
  session.out.write(options.json ? pretty(*answer) : container->id + "\n");
  return success;
}

/// What to tell when the stream has ended and the container has not.
void complain_of_loss(Output& out, const std::string& id, const std::string& why) {
  if (id.empty())
    out.complain(why + "; if the container was launched, it goes on: see `berth ps -a`");
  else
    out.complain(why + "; container " + id + " goes on: follow it with `berth logs -f " + id
                 + "`, get its exit code with `berth wait " + id + "`");
}

int run_attached(const Session& session, const RunOptions& options) {
  auto signals = SignalForwarder{session.client, session.out};
  auto attachment = Attachment{session.out, options.json};
  attachment.on_running = [&](const ContainerView& container) { signals.set_container(container.id); };
  auto reader = LineReader{[&](std::string_view line) { return attachment.read(line); },
                           [&] { return session.out.flush(); }};
  auto answer = session.client.traced(options.trace)
                  .stream_post(Target{"/v1/containers"}.with("attach", "true"), launch_request(options), reader,
                               Client::long_work);
  if (auto code = attachment.conclude())
    return *code;
  if (session.out.error() != 0) {
    session.out.complain("container " + attachment.id()
                         + " goes on without anybody who reads its output; end it with `berth stop " + attachment.id()
                         + "`");
    return berth_failed;
  }
  if (answer)
    complain_of_loss(session.out, attachment.id(), "berthd ended the stream before the container ended");
  else if (answer.error().code == "connection_lost")
    complain_of_loss(session.out, attachment.id(), answer.error().message);
  else
    session.out.complain(answer.error().message);
  return answer ? berth_failed : answer.error().exit_code;
}

} // namespace

VerbParser run_parser() {
  auto flags = std::make_shared<Flags>();
  return {"run",
          "Run a command in a new container",
          "berth run [flags] --pool POOL --rootfs DIR -- COMMAND [ARG...]",
          footer,
          group_containers,
          true,
          [flags](CLI::App& app) { define(app, *flags); },
          [flags](std::vector<std::string> command, const Surroundings& surroundings) {
            return take(*flags, std::move(command), surroundings);
          }};
}

int perform(const Session& session, const RunOptions& options) {
  return options.detach ? run_detached(session, options) : run_attached(session, options);
}

} // namespace berth::cli
