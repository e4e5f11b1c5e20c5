#include "actors/log.hpp"
#include "apps/berthd/route_support.hpp"
#include "apps/berthd/routes.hpp"
#include "runtimes/launch_check.hpp"
#include "runtimes/monitor_protocol.hpp"
#include "runtimes/linux/file.hpp"
#include "runtimes/linux/pidfd.hpp"
#include "runtimes/linux/pipe.hpp"
#include "runtimes/linux/process.hpp"
#include "runtimes/linux/rootfs_files.hpp"
#include "runtimes/oci_command.hpp"
#include "runtimes/runtime_errors.hpp"

#include <atomic>
#include <csignal>

namespace berth {

namespace {

/// What is read of one stream at a time.
constexpr size_t read_size = 64 * 1024;
/// The log of a runtime has a line or two.
constexpr size_t log_limit = 64 * 1024;
constexpr size_t pid_limit = 32;
/// How long the first words on stderr are kept back, to see whether they are the runtime's.
constexpr auto settling_time = std::chrono::milliseconds{25};
/// How long a program whose client has gone may take to end after SIGTERM; less when the server
/// stops.
constexpr auto end_grace = std::chrono::seconds{5};
constexpr auto end_grace_at_stop = std::chrono::milliseconds{250};
constexpr auto kill_grace = std::chrono::milliseconds{200};
/// How long a runtime may take to signal a process inside; less when the server stops.
constexpr auto kill_limit = std::chrono::seconds{10};
constexpr auto kill_limit_at_stop = std::chrono::milliseconds{250};

/// The files that one call of `exec` needs, beside the container's bundle. They go with this
/// object.
class ExecFiles {
public:
  explicit ExecFiles(const std::string& container_directory) {
    static std::atomic<uint64_t> count{0};
    prefix_ = container_directory + "/exec-" + std::to_string(++count);
    // A daemon that was killed may have left some.
    remove();
  }

  ExecFiles(const ExecFiles&) = delete;
  ExecFiles& operator=(const ExecFiles&) = delete;

  ~ExecFiles() {
    remove();
  }

  std::string process() const {
    return prefix_ + ".json";
  }

  std::string log() const {
    return prefix_ + ".log";
  }

  std::string pid() const {
    return prefix_ + ".pid";
  }

private:
  void remove() {
    for (const auto& file : {process(), log(), pid()})
      (void)remove_tree(file);
  }

  std::string prefix_;
};

/// A program in a container, and both its streams.
struct Program {
  Child child;
  Pipe out;
  Pipe err;
};

Result<Program> spawn(const Argv& argv) {
  auto out = Pipe::make();
  if (!out)
    return failure(std::move(out.error()));
  auto err = Pipe::make();
  if (!err)
    return failure(std::move(err.error()));
  auto options = SpawnOptions{};
  options.stdout_fd = out->write_end.get();
  options.stderr_fd = err->write_end.get();
  auto child = Child::spawn(argv, options);
  if (!child)
    return failure(std::move(child.error()));
  // Else the pipes would never come to their end.
  out->write_end = UniqueFd{};
  err->write_end = UniqueFd{};
  return Program{std::move(*child), std::move(*out), std::move(*err)};
}

/// The output of a program as lines of the stream. When the runtime cannot run the program, it says
/// so on stderr as well as in its log; the client is told by an error of ours instead.
class OutputLines {
public:
  explicit OutputLines(std::string log) : log_(std::move(log)) {
    // nop
  }

  /// Takes what is in the pipes, which is never more than `read_size`.
  std::string take(Program& program) {
    auto lines = std::string{};
    for (auto [pipe, stream] :
         {std::pair{&program.out, LogStream::out}, std::pair{&program.err, LogStream::err}}) {
      auto bytes = std::string{};
      if (pipe->read_end)
        pipe->read_available(bytes, read_size);
      if (bytes.empty())
        continue;
      if (!started_ && stream == LogStream::err && runtime_failed(program.child))
        held_ += bytes;
      else
        lines += output_line(stream, bytes);
    }
    started_ = started_ || !lines.empty();
    return lines;
  }

  /// What was taken for words of the runtime, in case that they are none.
  std::string held() const {
    return held_.empty() ? std::string{} : output_line(LogStream::err, held_);
  }

private:
  /// runc writes its log first and stderr second, runsc the other way round, and both end right
  /// after that.
  bool runtime_failed(const Child& runtime) const {
    (void)wait_any({{&runtime.pidfd(), Interest::readable}}, settling_time);
    auto log = read_file(log_, log_limit);
    return log && log->find("\"level\":\"error\"") != std::string::npos;
  }

  std::string log_;
  std::string held_;
  bool started_ = false;
};

/// One process of a container, known by the pid that its runtime has written down.
class ExecProcess {
public:
  ExecProcess(const RuntimeCall& runtime, Child& caller, std::string pid_file, const EventFlag& stop)
      : runtime_(runtime), caller_(caller), pid_file_(std::move(pid_file)), stop_(stop) {
    // nop
  }

  /// Ends the process, and then the call of the runtime that ran it, for nobody waits for it any
  /// more.
  void end() {
    signal(SIGTERM);
    // Whoever stops the server does not wait for as long as others.
    (void)wait_any({{&caller_.pidfd(), Interest::readable}, {&stop_.fd(), Interest::readable}},
                   end_grace);
    if (auto ended = caller_.wait_for(end_grace_at_stop); !ended || *ended)
      return;
    signal(SIGKILL);
    if (auto ended = caller_.wait_for(kill_grace); ended && !*ended)
      (void)caller_.kill(SIGKILL);
  }

private:
  void signal(int number) {
    auto text = read_file(pid_file_, pid_limit);
    auto pid = text ? std::atoi(text->c_str()) : 0;
    if (pid <= 0)
      // It has not come that far. runc passes signals on that it gets in the meantime.
      (void)caller_.kill(number);
    else if (runtime_.profile.has_host_processes)
      signal_host_process(pid, number);
    else
      signal_inside(pid, number);
  }

  /// As long as the runtime lives and has not reaped it, its pid is nobody else's.
  static void signal_host_process(int pid, int number) {
    auto start = process_start_time(pid);
    if (!start)
      return;
    if (auto process = open_pidfd(pid, *start))
      (void)send_signal(*process, number);
  }

  void signal_inside(int pid, int number) {
    auto argv = kill_process_argv(runtime_, pid);
    argv.push_back(std::to_string(number));
    auto limit = stop_.raised() ? kill_limit_at_stop : std::chrono::milliseconds{kill_limit};
    auto killed = run_command(argv, limit, log_limit);
    // A process that has just ended cannot be killed, and that is no news.
    if (!killed)
      log::warn("program of exec cannot be ended", {{"runtime_id", runtime_.runtime_id}, {"reason", render(killed.error())}});
  }

  const RuntimeCall& runtime_;
  Child& caller_;
  std::string pid_file_;
  const EventFlag& stop_;
};

/// Passes the output on until the program has ended.
Result<ExitStatus> stream_output(Call& call, Program& program, OutputLines& output) {
  auto lines = LineStream{call.reply, call.api.heartbeat};
  for (;;) {
    auto ready = call.client.wait_beside(
        {&program.child.pidfd(), &program.out.read_end, &program.err.read_end},
        lines.until_heartbeat());
    if (!ready)
      return failure(std::move(ready.error()));
    // What the program wrote before its end is in the pipes by now. Processes that it has left
    // behind may go on writing; that is nobody's output.
    auto ended = (*ready & 1) != 0;
    if (auto sent = lines.send(output.take(program)); !sent)
      return failure(std::move(sent.error()));
    if (ended)
      return program.child.wait();
    if (auto sent = lines.keep_alive(); !sent)
      return failure(std::move(sent.error()));
  }
}

int code_of(const ExitStatus& status) {
  if (auto* exited = std::get_if<Exited>(&status))
    return exited->code;
  return 128 + std::get<Signaled>(status).signal;
}

/// The root file system as the container sees it; the directory that it was made of if that cannot be reached.
Result<UniqueFd> open_root_of(const ContainerInfo& container) {
  auto rootfs = container.directory + "/" + bundle_name + "/" + rootfs_name;
  auto live = open_live_root(container.pid, container.pid_start_time,
                             container.profile.has_host_processes ? std::string{} : rootfs);
  return live ? std::move(live) : open_directory(container.spec.rootfs);
}

Result<ContainerUser> find_exec_user(const ContainerInfo& container, const std::string& user) {
  if (!needs_user_files(user))
    return resolve_user(user, {}, {});
  auto rootfs = open_root_of(container);
  if (!rootfs)
    return failure(std::move(rootfs.error()));
  auto files = read_user_files(*rootfs);
  if (!files)
    return failure(std::move(files.error()));
  return resolve_user(user, files->passwd, files->group);
}

Result<std::string> process_text(const ContainerInfo& container, const ExecOrder& order,
                                 const BundleHost& host) {
  auto& spec = container.spec;
  auto user = find_exec_user(container, order.user.empty() ? spec.user : order.user);
  if (!user)
    return failure(std::move(user.error()));
  auto request = ExecRequest{};
  request.args = order.args;
  request.env = order.env;
  request.workdir = order.workdir;
  request.user = *user;
  return render_process(spec, request, host);
}

/// Runs the program and tells its end. Whatever happens, it does not outlive its client.
Result<void> run(Call& call, const ContainerInfo& container, const ExecOrder& order,
                 const ExecFiles& files) {
  auto runtime = RuntimeCall{container.profile, files.log(), container.runtime_id};
  auto program = spawn(exec_argv(runtime, files.process(), files.pid()));
  if (!program)
    return failure(std::move(program.error()));
  auto output = OutputLines{files.log()};
  auto begun = call.reply.begin_stream(ndjson_type);
  auto status =
      begun ? stream_output(call, *program, output) : Result<ExitStatus>{failure(begun.error())};
  if (!status) {
    ExecProcess{runtime, program->child, files.pid(), call.client.stop()}.end();
    return failure(std::move(status.error()));
  }
  auto spec = container.spec;
  spec.args = order.args;
  if (!order.user.empty())
    spec.user = order.user;
  auto log = read_file(files.log(), log_limit).value_or(std::string{});
  if (auto error = explain_exec_failure(container.profile, to_wait_status(*status), log, spec))
    return failure(std::move(*error));
  return call.reply.write(output.held() + exited_line(code_of(*status)));
}

} // namespace

Result<void> exec_in_container(Call& call) {
  auto id = container_in(call);
  if (!id)
    return failure(std::move(id.error()));
  auto order = parse_exec_order(call.request.body);
  if (!order)
    return failure(std::move(order.error()));
  if (auto checked = check_process(order->args, order->env, order->workdir); !checked)
    return checked;
  auto container = call.node.describe(*id);
  if (!container)
    return failure(std::move(container.error()));
  if (container->state != ContainerState::running)
    return failure(ec::wrong_state, "container \"" + id->value + "\"",
                   std::string{"it is "} + to_string(container->state),
                   "only running containers take further commands");
  auto process = process_text(*container, *order, call.api.bundle_host);
  if (!process)
    return failure(std::move(process.error()));
  auto files = ExecFiles{container->directory};
  if (auto written =
          replace_file(files.process(), *process, private_file_mode, Durability::process);
      !written)
    return written;
  return run(call, *container, *order, files);
}

} // namespace berth
