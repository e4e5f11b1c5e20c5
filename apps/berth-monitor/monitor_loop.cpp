#include "apps/berth-monitor/memory_counters.hpp"
#include "apps/berth-monitor/monitor.hpp"
#include "apps/berth-monitor/text.hpp"
#include "runtimes/linux/pipe.hpp"
#include "runtimes/linux/process.hpp"
#include "runtimes/linux/retry.hpp"

#include <csignal>

#include <fcntl.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

namespace berth {

namespace {

/// Signals that may be on their way through the runtime at the same time.
constexpr size_t most_pending_kills = 8;
/// How much of the log and of the stderr of a call of the runtime goes into its message.
constexpr size_t log_part = message_limit * 3 / 4;
constexpr size_t stderr_part = message_limit - log_part - 1;

uint64_t size_of(const char* path) {
  struct stat info = {};
  return ::stat(path, &info) == 0 ? static_cast<uint64_t>(info.st_size) : 0;
}

} // namespace

// -- calls of the runtime -------------------------------------------------------------------------

Monitor::VerbResult Monitor::run_verb(const Argv& argv, Stdio stdio,
                                      std::chrono::milliseconds deadline) {
  auto log_begin = size_of(monitor_runtime_log_name);
  auto options = SpawnOptions{};
  auto stderr_writer = UniqueFd{};
  verb_ = Verb{};
  if (stdio == Stdio::containers) {
    options.stdout_fd = output_.stdout_fd();
    options.stderr_fd = output_.stderr_fd();
  } else {
    auto pipe = Pipe::make();
    if (!pipe)
      return {false, 0, render(pipe.error())};
    verb_.stderr_end = std::move(pipe->read_end);
    stderr_writer = std::move(pipe->write_end);
    options.stderr_fd = stderr_writer.get();
  }
  {
    auto lowered = OomShield::Lowered{shield_};
    auto child = Child::spawn(argv, options);
    if (!child)
      return {false, 0, render(child.error())};
    verb_.pid = child->release();
  }
  stderr_writer = UniqueFd{};
  auto aborted = [this] {
    return heeds_abort_ && abort_asked_;
  };
  pump_until([&] { return verb_.pid == 0 || aborted(); }, Clock::now() + deadline);
  auto why = std::string{};
  if (verb_.pid != 0) {
    why = aborted() ? "ended on request while the runtime was at work\n"
                    : "the runtime did not answer in time\n";
    kill_everything();
  }
  while (read_verb_stderr())
    continue;
  auto result =
      VerbResult{why.empty() && verb_.wait_status == 0, verb_.wait_status, std::move(why)};
  if (!result.succeeded) {
    append_tail(result.message, log_since(log_begin), log_part);
    auto& printed = stdio == Stdio::containers ? output_.early_text() : verb_.stderr_text;
    result.message += '\n';
    append_tail(result.message, trimmed(printed).substr(0, stderr_part), message_limit);
  }
  verb_ = Verb{};
  return result;
}

std::string Monitor::log_since(uint64_t begin) const {
  auto size = size_of(monitor_runtime_log_name);
  begin = std::max(begin, size - std::min<uint64_t>(size, log_part));
  auto fd = UniqueFd{::open(monitor_runtime_log_name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW)};
  auto text = std::string(log_part, '\0');
  auto n = fd ? retry([&] {
    return ::pread(fd.get(), text.data(), text.size(), static_cast<off_t>(begin));
  })
              : 0;
  text.resize(n > 0 ? static_cast<size_t>(n) : 0);
  return trimmed(std::move(text));
}

void Monitor::deliver(int signal) {
  auto refuse = [&](std::string why) {
    clients_.answer(MonitorSignalFailed{signal, std::move(why)});
  };
  if (init_pid_ == 0 || exited_)
    return refuse("the container does not run");
  if (kills_.size() >= most_pending_kills)
    return refuse("the runtime has not delivered the signals before");
  auto argv = plan_.kill_argv;
  argv.push_back(std::to_string(signal));
  auto log_begin = size_of(monitor_runtime_log_name);
  auto lowered = OomShield::Lowered{shield_};
  auto child = Child::spawn(argv);
  if (!child)
    return refuse(render(child.error()));
  kills_.push_back({child->release(), signal, log_begin, Clock::now() + monitor_kill_deadline});
}

// -- the loop -------------------------------------------------------------------------------------

bool Monitor::pump_until(const std::function<bool()>& done, Clock::time_point deadline) {
  while (!done()) {
    if (Clock::now() >= deadline)
      return false;
    pump(deadline);
  }
  return true;
}

/// One round: waits for something to happen, at most until `until`, and deals with it.
void Monitor::pump(Clock::time_point until) {
  set_.clear();
  // The last daemon may have been found to be gone by what was told since the last round.
  auto was_asked = abort_asked_;
  mind_being_alone();
  if (abort_asked_ != was_asked)
    return;
  auto pending_due = output_.pending_due();
  until = std::min(until, pending_due.value_or(until));
  until = std::min(until, alone_due_.value_or(until));
  for (auto& kill : kills_)
    until = std::min(until, kill.deadline);
  set_.add(signals_);
  set_.add(verb_.stderr_end);
  set_.add(fifo_);
  output_.watch(set_);
  clients_.watch(set_);
  set_.wait(until);
  // Output first: what a process wrote before it ended is in the pipe when its end is seen.
  output_.serve(set_);
  if (pending_due && Clock::now() >= *pending_due)
    output_.write_pending();
  if (set_.ready(verb_.stderr_end))
    read_verb_stderr();
  if (set_.ready(signals_)) {
    signalfd_siginfo info;
    while (::read(signals_.get(), &info, sizeof(info)) > 0)
      continue;
    reap();
  }
  for (auto& kill : kills_)
    if (Clock::now() >= kill.deadline)
      ::kill(kill.pid, SIGKILL); // unreaped, so the pid is its own
  for (auto& command : clients_.serve(set_))
    obey(command);
  mind_being_alone();
}

void Monitor::mind_being_alone() {
  auto may_be_alone = start_asked_ && plan_.alone_limit_ms > 0;
  if (!clients_.empty() || !has_plan_ || may_be_alone || abort_asked_)
    alone_due_.reset();
  else if (!alone_due_)
    alone_due_ = Clock::now() + std::chrono::milliseconds{plan_.alone_limit_ms};
  if (alone_due_ && Clock::now() >= *alone_due_) {
    abort_asked_ = true;
    alone_due_.reset();
  }
}

void Monitor::obey(const MonitorCommand& command) {
  if (auto plan = std::get_if<MonitorPlan>(&command)) {
    if (!has_plan_)
      plan_ = *plan;
    has_plan_ = true;
  } else if (auto signal = std::get_if<SignalCommand>(&command)) {
    deliver(signal->signal);
  } else if (std::holds_alternative<StartCommand>(command)) {
    start_asked_ = true;
  } else {
    abort_asked_ = true;
  }
}

void Monitor::reap() {
  for (;;) {
    auto status = 0;
    auto pid = reap_all_ ? -1 : verb_.pid;
    if (pid == 0)
      return;
    pid = ::waitpid(pid, &status, WNOHANG);
    if (pid <= 0)
      return;
    on_end(pid, status);
  }
}

void Monitor::on_end(int pid, int wait_status) {
  if (pid == verb_.pid) {
    verb_.pid = 0;
    verb_.wait_status = wait_status;
  } else if (pid == init_pid_ && !exited_) {
    exited_ = MonitorExited{};
    exited_->wait_status = wait_status;
    exited_->at = now();
    read_memory_counters(plan_, *exited_);
  } else if (auto kill =
                 std::find_if(kills_.begin(), kills_.end(), [&](auto& x) { return x.pid == pid; });
             kill != kills_.end()) {
    if (wait_status != 0 && !exited_)
      clients_.answer(MonitorSignalFailed{kill->signal, log_since(kill->log_begin)});
    kills_.erase(kill);
  }
}

/// False when nothing is there right now.
bool Monitor::read_verb_stderr() {
  char buffer[4096];
  if (!verb_.stderr_end)
    return false;
  auto n = retry([&] { return ::read(verb_.stderr_end.get(), buffer, sizeof(buffer)); });
  if (n > 0)
    append_tail(verb_.stderr_text, {buffer, static_cast<size_t>(n)}, message_limit);
  else if (n == 0 || errno != EAGAIN)
    verb_.stderr_end = UniqueFd{};
  return n > 0;
}

} // namespace berth
