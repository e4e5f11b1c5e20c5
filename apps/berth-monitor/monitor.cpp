#include "apps/berth-monitor/monitor.hpp"

#include "apps/berth-monitor/clean_up.hpp"
#include "apps/berth-monitor/descendants.hpp"
#include "apps/berth-monitor/memory_counters.hpp"
#include "apps/berth-monitor/text.hpp"
#include "runtimes/linux/file.hpp"
#include "runtimes/linux/mount.hpp"
#include "runtimes/linux/pidfd.hpp"
#include "runtimes/linux/process.hpp"
#include "runtimes/linux/sys_error.hpp"

#include <charconv>
#include <csignal>
#include <cstdlib>

#include <fcntl.h>
#include <sys/signalfd.h>
#include <unistd.h>

namespace berth {

namespace {

using namespace std::chrono_literals;

/// How long after the end of init something may go on holding its pipes before the log is closed
/// without waiting for it.
constexpr auto drain_time = 1s;
/// A process in an uninterruptible sleep can outlast its SIGKILL.
constexpr auto kill_time = 10s;
/// Pause between two rounds of killing, unless a child ends earlier.
constexpr auto kill_pause = 10ms;
constexpr size_t pid_file_limit = 64;

const auto rootfs_path = std::string{bundle_name} + "/" + rootfs_name;

tl::unexpected<MonitorFailed> failed(LaunchStage stage, std::string message, int wait_status = 0) {
  return tl::unexpected{MonitorFailed{stage, wait_status, std::move(message)}};
}

tl::unexpected<MonitorFailed> failed(LaunchStage stage, const Error& error) {
  return failed(stage, render(error));
}

Result<int> read_pid_file() {
  auto text = read_file(monitor_pid_name, pid_file_limit);
  if (!text)
    return failure(std::move(text.error()));
  auto pid = 0;
  std::from_chars(text->data(), text->data() + text->size(), pid);
  if (pid <= 0)
    return failure(ec::runtime_failed, monitor_pid_name, "the runtime wrote no pid to it");
  return pid;
}

} // namespace

Monitor::Monitor(UniqueFd connection) {
  clients_.add(std::move(connection));
  auto mask = sigset_t{};
  ::sigemptyset(&mask);
  ::sigaddset(&mask, SIGCHLD);
  ::sigprocmask(SIG_BLOCK, &mask, nullptr);
  signals_ = UniqueFd{::signalfd(-1, &mask, SFD_CLOEXEC | SFD_NONBLOCK)};
}

int Monitor::run() {
  if (!signals_ || !await_plan())
    return EXIT_FAILURE;
  auto began = Clock::now();
  auto launched = prepare();
  tell_work(MonitorPhase::prepare, began);
  if (launched)
    launched = create();
  if (launched)
    launched = start();
  if (!launched) {
    fail(std::move(launched.error()));
    return EXIT_SUCCESS;
  }
  pump_until([this] { return exited_ || abort_asked_; });
  if (!exited_)
    kill_everything();
  pump_until([this] { return exited_.has_value(); });
  finish();
  return EXIT_SUCCESS;
}

bool Monitor::await_plan() {
  return pump_until([this] { return has_plan_ || clients_.empty(); },
                    Clock::now() + monitor_plan_deadline)
         && has_plan_;
}

// -- the way up -----------------------------------------------------------------------------------

Monitor::Step Monitor::prepare() {
  for (auto argv : {&plan_.create_argv, &plan_.start_argv, &plan_.delete_argv, &plan_.kill_argv})
    if (argv->size() < 2)
      return failed(LaunchStage::plan, "the plan has an incomplete command line of the runtime");
  if (plan_.runtime_id.empty() || plan_.log_path.empty()
      || (!plan_.rootfs_lower.empty() && plan_.layer_dir.empty()))
    return failed(LaunchStage::plan, "the plan is incomplete");
  if (auto listening = clients_.listen(); !listening)
    return failed(LaunchStage::plan, listening.error());
  if (auto opened = output_.open(plan_.log_path, plan_.log_max_size, plan_.log_max_files); !opened)
    return failed(LaunchStage::plan, opened.error());
  if (!plan_.cgroup_parent.empty())
    if (auto made = make_directories(plan_.cgroup_parent, 0755); !made)
      return failed(LaunchStage::plan, made.error());
  return mount_rootfs();
}

Monitor::Step Monitor::mount_rootfs() {
  // Our own namespace: whatever becomes of us, no mount stays behind on the host.
  if (auto entered = enter_private_mount_namespace(); !entered)
    return failed(LaunchStage::mount, entered.error());
  if (plan_.rootfs_lower.empty())
    return {};
  auto lower = open_directory(plan_.rootfs_lower);
  if (!lower)
    return failed(LaunchStage::mount, lower.error());
  // What an earlier container of the same name may have left.
  if (auto removed = remove_tree(plan_.layer_dir); !removed)
    return failed(LaunchStage::mount, removed.error());
  for (auto& directory : {plan_.layer_dir, rootfs_path})
    if (auto made = make_directories(directory, private_directory_mode); !made)
      return failed(LaunchStage::mount, made.error());
  auto layer = open_directory(plan_.layer_dir);
  if (!layer)
    return failed(LaunchStage::mount, layer.error());
  if (auto mounted = mount_overlay(*lower, *layer, rootfs_path); !mounted)
    return failed(LaunchStage::mount, mounted.error());
  return {};
}

Monitor::Step Monitor::create() {
  runtime_called_ = true;
  auto began = Clock::now();
  auto result = run_verb(plan_.create_argv, Stdio::containers, monitor_launch_deadline);
  tell_work(MonitorPhase::create, began);
  output_.close_write_ends();
  if (!result.succeeded)
    return failed(LaunchStage::create, std::move(result.message), result.wait_status);
  auto pid = read_pid_file();
  if (!pid)
    return failed(LaunchStage::create, pid.error());
  // Even if it has ended already, it is a zombie of ours and has a start time.
  auto start_time = process_start_time(*pid);
  if (!start_time)
    return failed(LaunchStage::create, start_time.error());
  init_pid_ = *pid;
  clients_.tell(MonitorCreated{init_pid_, *start_time});
  reap_all_ = true;
  reap();
  return {};
}

Monitor::Step Monitor::start() {
  pump_until([this] { return start_asked_ || abort_asked_ || exited_; });
  if (abort_asked_ || exited_)
    return {};
  output_.go_live();
  return plan_.start_fifo.empty() ? start_by_verb() : start_by_fifo();
}

/// Init waits for a reader of the FIFO, writes a byte to it and becomes the container's program.
Monitor::Step Monitor::start_by_fifo() {
  auto began = Clock::now();
  fifo_ =
      UniqueFd{::open(plan_.start_fifo.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC | O_NOFOLLOW)};
  if (!fifo_)
    return failed(LaunchStage::start, sys_error("open", plan_.start_fifo));
  auto end = Clock::now() + monitor_launch_deadline;
  while (!exited_ && !abort_asked_) {
    pump(end);
    char byte = 0;
    auto n = set_.ready(fifo_) ? ::read(fifo_.get(), &byte, 1) : -1;
    if (n > 0) {
      fifo_ = UniqueFd{};
      auto at = now();
      tell_work(MonitorPhase::start, began);
      clients_.tell(MonitorStarted{at});
      // As the runtime's own `start` would: by the FIFO it tells a created container from a running
      // one.
      ::unlink(plan_.start_fifo.c_str());
      return {};
    }
    if (n == 0) // hung up without a byte: init is ending, and its exit is what counts
      fifo_ = UniqueFd{};
    if (Clock::now() >= end)
      return failed(LaunchStage::start, "the container's init did not begin in time");
  }
  fifo_ = UniqueFd{};
  return {};
}

Monitor::Step Monitor::start_by_verb() {
  auto began = Clock::now();
  auto result = run_verb(plan_.start_argv, Stdio::captured, monitor_launch_deadline);
  tell_work(MonitorPhase::start, began);
  // A sandbox that the kernel killed for its memory takes the answer to its start with it. Its end
  // says what happened.
  if (!result.succeeded && exited_ && exited_->oom_kills > 0)
    return {};
  if (!result.succeeded)
    return failed(LaunchStage::start, std::move(result.message), result.wait_status);
  clients_.tell(MonitorStarted{now()});
  return {};
}

// -- the way down ---------------------------------------------------------------------------------

void Monitor::fail(MonitorFailed what) {
  kill_everything();
  if (auto leftovers = clean_up(false); !leftovers.empty())
    append_tail(what.message, "\nleft behind: " + leftovers, message_limit);
  clients_.tell(std::move(what));
  ::unlink(monitor_socket_name);
}

void Monitor::finish() {
  auto began = Clock::now();
  auto recorded = replace_file(monitor_exit_name, render_exit_record(*exited_), private_file_mode,
                               Durability::disk);
  pump_until([this] { return output_.ended(); }, Clock::now() + drain_time);
  output_.close();
  tell_work(MonitorPhase::record, began);
  clients_.tell(*exited_);
  began = Clock::now();
  auto leftovers = clean_up(true);
  tell_work(MonitorPhase::remove, began);
  if (!recorded)
    leftovers += (leftovers.empty() ? "" : "; ") + render(recorded.error());
  clients_.tell(MonitorDeleted{std::move(leftovers)});
  // Who finds no socket knows that all is told.
  ::unlink(monitor_socket_name);
}

void Monitor::tell_work(MonitorPhase phase, Clock::time_point began) {
  // The steady clock is CLOCK_MONOTONIC, berthd's as well.
  clients_.tell(MonitorWork{phase, began.time_since_epoch().count(), Clock::now().time_since_epoch().count()});
}

/// Removes all that there is of the container, except its directory. Returns what could not be
/// removed.
std::string Monitor::clean_up(bool launched) {
  auto leftovers = Leftovers{};
  heeds_abort_ = false;
  if (runtime_called_) {
    auto forced = plan_.delete_argv;
    forced.insert(forced.end() - 1, "--force");
    auto result =
        run_verb(launched ? plan_.delete_argv : forced, Stdio::captured, monitor_delete_deadline);
    if (launched && !result.succeeded) {
      kill_everything();
      result = run_verb(forced, Stdio::captured, monitor_delete_deadline);
    }
    // A runtime that was killed half-way leaves things that it does not know of itself.
    if (!launched || !result.succeeded)
      remove_runtime_state(plan_, leftovers);
  }
  kill_everything();
  if (has_children())
    leftovers.add("processes that do not end");
  remove_cgroups(plan_, leftovers);
  remove_rootfs(plan_, rootfs_path, leftovers);
  return leftovers.text();
}

void Monitor::kill_everything() {
  reap_all_ = true;
  for (auto end = Clock::now() + kill_time; has_children() && Clock::now() < end;
       pump(Clock::now() + kill_pause))
    kill_descendants();
}

} // namespace berth
