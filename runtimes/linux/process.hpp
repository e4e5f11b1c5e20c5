#pragma once

#include "messages/error.hpp"
#include "messages/types.hpp"
#include "runtimes/linux/unique_fd.hpp"

#include <chrono>
#include <optional>
#include <string>
#include <variant>

namespace berth {

/// The process called exit(2) or returned from main.
struct Exited {
  int code = 0;
  friend bool operator==(const Exited&, const Exited&) = default;
};

/// A signal ended the process.
struct Signaled {
  int signal = 0;
  friend bool operator==(const Signaled&, const Signaled&) = default;
};

using ExitStatus = std::variant<Exited, Signaled>;

/// From the status of waitpid(2), and back.
ExitStatus to_exit_status(int wait_status);
int to_wait_status(const ExitStatus& status);

/// "exit code 3", "signal 9 (Killed)".
std::string to_string(const ExitStatus& status);

/// True for exit code 0.
bool succeeded(const ExitStatus& status);

/// Lets this process have as many descriptors as it may. The usual soft limit of 1024 is for programs that use select(2),
/// and would do for less than 200 containers.
Result<void> raise_descriptor_limit();

/// How a child process shall begin. A descriptor of -1 stands for /dev/null; descriptors stay the
/// caller's.
struct SpawnOptions {
  int stdin_fd = -1;
  int stdout_fd = -1;
  int stderr_fd = -1;
  /// Placed at number 3 in the child, if not -1. Nothing else above stderr is inherited.
  int fd3 = -1;
  /// Empty: the parent's.
  std::string cwd;
  /// "KEY=VALUE" each; replaces or adds to the parent's environment.
  std::vector<std::string> env;
  /// True: its own session, which a hang-up of the parent's terminal does not reach. False: its own
  /// process group.
  bool new_session = false;
};

/// A child process that cannot be lost. It starts no thread: watch `pidfd()` for readability, then
/// call `wait()`. Destroying an unreaped child kills it first, so no path through the code leaves a
/// zombie or a stray process.
class Child {
public:
  /// Starts a program with default signal dispositions and an empty signal mask. Without a slash in
  /// `argv[0]` it is looked up in PATH. Fails with `system_error`, also if the program does not
  /// exist.
  static Result<Child> spawn(const Argv& argv, const SpawnOptions& options = {});

  Child(Child&& other) noexcept;
  Child& operator=(Child&& other) noexcept;
  ~Child();

  int pid() const noexcept {
    return pid_;
  }

  /// Readable when the process has ended.
  const UniqueFd& pidfd() const noexcept {
    return pidfd_;
  }

  /// Waits for the end and reaps the process. To be called once.
  Result<ExitStatus> wait();

  /// Like `wait`, but gives up at the deadline: nothing then, and the process lives on.
  Result<std::optional<ExitStatus>> wait_for(std::chrono::milliseconds deadline);

  /// Success as well if the process has ended already.
  Result<void> kill(int signal);

  /// Signals the whole process group (or session) that the child leads. Only before it was reaped.
  void kill_group(int signal);

  /// Gives the process up: somebody else reaps it. Returns its pid.
  int release() noexcept;

private:
  Child(int pid, UniqueFd pidfd) noexcept;

  int pid_ = -1; // -1: reaped or given up
  UniqueFd pidfd_;
};

/// Makes the calling process the parent of those descendants whose own parents end.
Result<void> become_subreaper();

struct CommandOutput {
  /// As from waitpid(2).
  int wait_status = 0;
  std::string out;
  std::string err;
};

/// Runs a program to its end and collects what it prints, up to `output_limit` bytes of each stream
/// (the rest is read and thrown away). Blocks; for threads that may. At the deadline the program
/// and its process group are killed, and the result is `deadline_exceeded`. Output of processes
/// that the program leaves behind is not waited for.
Result<CommandOutput> run_command(const Argv& argv, std::chrono::milliseconds deadline,
                                  size_t output_limit, const SpawnOptions& options = {});

} // namespace berth
