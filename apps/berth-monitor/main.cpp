#include "apps/berth-monitor/monitor.hpp"
#include "runtimes/linux/process.hpp"

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <string_view>

#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace {

/// What the probe container ends with: nothing that fails on the way does so with this code.
constexpr int canary_exit_code = 42;
constexpr int usage_exit_code = 2;
constexpr int cannot_execute_exit_code = 126;

/// Nothing of the daemon's may hold the monitor, and nothing that ends the daemon may end it.
bool detach() {
  // A stray signal to a process group or a terminal that hangs up must not orphan a container.
  for (auto signal : {SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGPIPE, SIGUSR1, SIGUSR2})
    std::signal(signal, SIG_IGN);
  ::setsid(); // fails if whoever started us has done it
  ::prctl(PR_SET_NAME, "berth-monitor", 0, 0, 0);
  // Runtimes make mount points in the container's root with what the umask leaves.
  ::umask(022);
  auto null = ::open("/dev/null", O_RDWR | O_CLOEXEC);
  if (null < 0)
    return false;
  for (auto fd : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO})
    ::dup2(null, fd);
  ::close_range(berth::monitor_socket_fd + 1, ~0u, 0);
  ::fcntl(berth::monitor_socket_fd, F_SETFD, FD_CLOEXEC);
  return berth::become_subreaper().has_value();
}

/// Becomes a program that ends with the thread of `parent` that waits for it: whatever hangs in it is not left behind.
int ask(int parent, char** argv) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
  if (::getppid() != parent)
    return EXIT_FAILURE;
  ::execv(argv[0], argv);
  std::perror(argv[0]);
  return cannot_execute_exit_code;
}

/// The container that is checkpointed and restored to see whether that works: it remembers whether it has got a SIGUSR1.
int stay() {
  auto signals = sigset_t{};
  ::sigemptyset(&signals);
  ::sigaddset(&signals, SIGUSR1);
  ::sigaddset(&signals, SIGTERM);
  ::sigprocmask(SIG_BLOCK, &signals, nullptr);
  auto tell = [](const char* name) { return ::close(::creat(name, 0600)) == 0; };
  auto was_told = false;
  for (auto signal = 0; tell("/ready");) {
    if (::sigwait(&signals, &signal) != 0)
      continue;
    if (signal == SIGTERM)
      return was_told ? canary_exit_code : EXIT_FAILURE;
    was_told = tell("/told");
  }
  return EXIT_FAILURE;
}

} // namespace

int main(int argc, char** argv) {
  using namespace std::string_view_literals;
  auto option = argc > 1 ? std::string_view{argv[1]} : ""sv;
  if (option == "--canary" && argc == 2) {
    std::puts("berth: this container works");
    return canary_exit_code;
  }
  if (option == "--stay" && argc == 2)
    return stay();
  if (option == "--version" && argc == 2) {
    std::puts("berth-monitor " BERTH_VERSION);
    return EXIT_SUCCESS;
  }
  if (option == "--ask" && argc > 3)
    return ask(std::atoi(argv[2]), argv + 3);
  if (option != "--container" || argc != 3) {
    std::fputs("Usage: berth-monitor --container ID\n"
               "       berth-monitor --ask PARENT PROGRAM [ARG...]\n"
               "       berth-monitor --canary | --stay | --version\n"
               "Started by berthd, one for each container, with a socket as descriptor 3.\n",
               stderr);
    return usage_exit_code;
  }
  if (!detach())
    return EXIT_FAILURE;
  return berth::Monitor{berth::UniqueFd{berth::monitor_socket_fd}}.run();
}
