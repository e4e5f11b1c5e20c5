#pragma once

#include "apps/berth-monitor/clients.hpp"
#include "apps/berth-monitor/oom_shield.hpp"
#include "apps/berth-monitor/output.hpp"

#include <functional>

namespace berth {

/// The life of one container as its parent sees it: one thread that tells the story from top to
/// bottom (`run`), and a loop (`pump`) that goes on reaping, logging and listening wherever the
/// story waits.
///
///     plan -> prepare (log, socket, mount) -> create -> wait for the order -> start
///                  |                            |                              |
///                  +----------------------------+------------------------------+-> fail
///                                                                              |
///                                       finish <- wait for the exit <----------+
class Monitor {
public:
  /// `connection` leads to the daemon that started us.
  explicit Monitor(UniqueFd connection);

  /// The exit code of this process; what happened to the container is told to the daemon.
  int run();

private:
  using Step = tl::expected<void, MonitorFailed>;

  /// One call of the runtime.
  struct Verb {
    int pid = 0; // 0: none runs
    int wait_status = 0;
    UniqueFd stderr_end;
    std::string stderr_text;
  };

  struct VerbResult {
    bool succeeded = false;
    /// As from waitpid(2); 0 if no process could be made.
    int wait_status = 0;
    /// What the runtime logged and printed during the call.
    std::string message;
  };

  /// A `kill` of the runtime that has not answered yet.
  struct PendingKill {
    int pid = 0;
    int signal = 0;
    uint64_t log_begin = 0;
    Clock::time_point deadline;
  };

  // -- the story ----------------------------------------------------------------------------------

  bool await_plan();
  Step prepare();
  Step mount_rootfs();
  Step create();
  Step start();
  Step start_by_fifo();
  Step start_by_verb();
  void fail(MonitorFailed failed);
  void finish();
  std::string clean_up(bool launched);
  /// Before what it led to is told: a daemon that has read that has nothing unread, and if it dies then, what it has said is
  /// read. (The kernel drops what a peer has sent that is closed with something unread.)
  void tell_work(MonitorPhase phase, Clock::time_point began);
  void kill_everything();

  // -- calls of the runtime -----------------------------------------------------------------------

  enum class Stdio { containers, captured };

  VerbResult run_verb(const Argv& argv, Stdio stdio, std::chrono::milliseconds deadline);
  std::string log_since(uint64_t begin) const;
  void deliver(int signal);

  // -- the loop -----------------------------------------------------------------------------------

  void pump(Clock::time_point until);
  bool pump_until(const std::function<bool()>& done,
                  Clock::time_point deadline = Clock::time_point::max());
  void obey(const MonitorCommand& command);
  void mind_being_alone();
  void reap();
  void on_end(int pid, int wait_status);
  bool read_verb_stderr();

  MonitorPlan plan_;
  bool has_plan_ = false;
  bool start_asked_ = false;
  bool abort_asked_ = false;
  bool heeds_abort_ = true; // false while we clean up, which is all that an abort asks for

  OomShield shield_;
  PollSet set_;
  Clients clients_;
  Output output_;
  UniqueFd signals_; // SIGCHLD
  UniqueFd fifo_;    // the start FIFO while we wait for init to write to it

  /// Until the pid of init is known, only the verb is reaped: an init that ends early must not be
  /// missed.
  bool reap_all_ = false;
  bool runtime_called_ = false;
  Verb verb_;
  std::vector<PendingKill> kills_;
  /// When a container that nobody has told to start is given up; nothing while a daemon is there.
  std::optional<Clock::time_point> alone_due_;
  int init_pid_ = 0;
  std::optional<MonitorExited> exited_;
};

} // namespace berth
