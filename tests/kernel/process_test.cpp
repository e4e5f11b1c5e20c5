#include "runtimes/linux/process.hpp"

#include "runtimes/linux/file.hpp"
#include "runtimes/linux/pidfd.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/temp_dir.hpp"

#include <csignal>
#include <thread>

#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

using namespace berth;
using namespace std::chrono_literals;

namespace {

constexpr auto patience = 20s;

Argv shell(std::string script) {
  return {"/bin/sh", "-c", std::move(script)};
}

CommandOutput output_of(const Argv& argv, const SpawnOptions& options = {}) {
  auto result = run_command(argv, patience, 64 * 1024, options);
  REQUIRE(result);
  return *result;
}

bool readable(const UniqueFd& fd, std::chrono::milliseconds within) {
  auto watched = pollfd{fd.get(), POLLIN, 0};
  return ::poll(&watched, 1, static_cast<int>(within.count())) == 1;
}

/// Waits until nothing has this pid any more.
bool disappears(int pid) {
  for (auto end = std::chrono::steady_clock::now() + patience;
       std::chrono::steady_clock::now() < end;) {
    if (::kill(pid, 0) != 0)
      return true;
    std::this_thread::yield();
  }
  return false;
}

} // namespace

TEST_CASE("the exit of a child is told as it was") {
  struct Row {
    std::string script;
    ExitStatus wanted;
    std::string text;
  };
  auto row =
      GENERATE(Row{"exit 0", Exited{0}, "exit code 0"}, Row{"exit 42", Exited{42}, "exit code 42"},
               Row{"exit 255", Exited{255}, "exit code 255"},
               Row{"kill -9 $$", Signaled{SIGKILL}, "signal 9 (Killed)"},
               Row{"kill -TERM $$", Signaled{SIGTERM}, "signal 15 (Terminated)"});
  INFO(row.script);
  auto child = Child::spawn(shell(row.script));
  REQUIRE(child);
  REQUIRE(readable(child->pidfd(), patience));
  auto status = child->wait();
  REQUIRE(status);
  CHECK((*status == row.wanted));
  CHECK(to_string(*status) == row.text);
  CHECK((to_exit_status(to_wait_status(*status)) == row.wanted));
  CHECK(succeeded(*status) == (row.text == "exit code 0"));
}

TEST_CASE("a program that does not exist is an error of the spawn") {
  auto child = Child::spawn({"/nonexistent/program"});
  REQUIRE_FALSE(child);
  CHECK(render(child.error())
        == "system_error: posix_spawn /nonexistent/program: No such file or directory");
  CHECK_FALSE(Child::spawn({}));
}

TEST_CASE("a child inherits nothing but what it is given") {
  auto blocked = sigset_t{};
  ::sigemptyset(&blocked);
  ::sigaddset(&blocked, SIGTERM);
  auto before = sigset_t{};
  REQUIRE(::pthread_sigmask(SIG_BLOCK, &blocked, &before) == 0);
  auto leak = UniqueFd{::open("/dev/null", O_RDONLY)}; // without O_CLOEXEC
  auto out = output_of(shell("ls /proc/self/fd; grep -E '^Sig(Blk|Ign)' /proc/self/status; "
                             "readlink /proc/self/fd/0"))
                 .out;
  REQUIRE(::pthread_sigmask(SIG_SETMASK, &before, nullptr) == 0);
  // 3 is the directory that ls itself reads. glibc makes children ignore its own signals 32 and 33;
  // SIGPIPE, which this program ignores, must not be among the ignored ones.
  CHECK(out == "0\n1\n2\n3\nSigBlk:\t0000000000000000\nSigIgn:\t0000000180000000\n/dev/null\n");
}

TEST_CASE("descriptors arrive at their numbers even if those are taken crosswise") {
  auto dir = test::TempDir{};
  auto saved = UniqueFd{::fcntl(0, F_DUPFD_CLOEXEC, 20)};
  auto swap_in = [&](int target, const std::string& name) {
    auto fd = UniqueFd{::open((dir / name).c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600)};
    REQUIRE(fd);
    REQUIRE(::dup2(fd.get(), target) == target);
  };
  swap_in(0, "zero");
  auto third = UniqueFd{::open((dir / "third").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600)};
  auto options = SpawnOptions{};
  options.stdout_fd = 0;
  options.fd3 = third.get();
  auto child = Child::spawn(
      shell("echo to stdout; echo to three >&3; readlink /proc/self/fd/0 >&3"), options);
  auto restored = ::dup2(saved.get(), 0);
  REQUIRE(restored == 0);
  REQUIRE(child);
  REQUIRE(child->wait());
  CHECK(read_file(dir / "zero", 100) == Result<std::string>{"to stdout\n"});
  CHECK(read_file(dir / "third", 100) == Result<std::string>{"to three\n/dev/null\n"});
}

TEST_CASE("a child starts in the directory and the environment it is given") {
  auto dir = test::TempDir{};
  auto options = SpawnOptions{};
  options.cwd = dir.path();
  options.env = {"BERTH_TEST=a b", "HOME=/nowhere"};
  CHECK(output_of(shell("pwd; echo \"$BERTH_TEST|$HOME\"; env | grep -c ^HOME="), options).out
        == dir.path() + "\na b|/nowhere\n1\n");
}

TEST_CASE("a child leads its own process group, or its own session when asked") {
  auto options = SpawnOptions{};
  options.new_session = GENERATE(false, true);
  // Fields 1, 5 and 6 of the stat file: pid, process group, session.
  auto out = output_of(shell("read -r pid name state parent group session rest </proc/self/stat; "
                             "[ $pid = $group ] && [ $$ = $pid ] && echo leads; [ $session = $pid "
                             "] && echo session; :"),
                       options);
  CHECK(out.out == (options.new_session ? "leads\nsession\n" : "leads\n"));
}

TEST_CASE("destroying a child ends it and its process group") {
  int pid = -1;
  int grandchild = -1;
  {
    int ends[2];
    REQUIRE(::pipe2(ends, O_CLOEXEC) == 0);
    auto read_end = UniqueFd{ends[0]};
    auto write_end = UniqueFd{ends[1]};
    auto options = SpawnOptions{};
    options.stdout_fd = write_end.get();
    auto child = Child::spawn(shell("sleep 1000 & echo $!; wait"), options);
    REQUIRE(child);
    char text[32] = {};
    REQUIRE(::read(read_end.get(), text, sizeof(text) - 1) > 0);
    grandchild = std::stoi(text);
    pid = child->pid();
    REQUIRE(::kill(grandchild, 0) == 0);
  }
  CHECK(::waitpid(pid, nullptr, WNOHANG) == -1); // reaped already
  // The grandchild is a zombie until init reaps it, so look at what it does instead of at its pid.
  auto gone = false;
  for (auto end = std::chrono::steady_clock::now() + patience;
       !gone && std::chrono::steady_clock::now() < end;) {
    auto stat = read_file("/proc/" + std::to_string(grandchild) + "/stat", 4096);
    gone = !stat || stat->find(") Z ") != std::string::npos;
  }
  CHECK(gone);
}

TEST_CASE("waiting for a child has a deadline") {
  auto child = Child::spawn({"sleep", "1000"});
  REQUIRE(child);
  auto status = child->wait_for(10ms);
  REQUIRE(status);
  CHECK_FALSE(status->has_value());
  REQUIRE(child->kill(SIGTERM));
  status = child->wait_for(patience);
  REQUIRE(status);
  CHECK((*status == ExitStatus{Signaled{SIGTERM}}));
  CHECK(child->kill(SIGTERM)); // it has ended: nothing to do
}

TEST_CASE("a child can be given up to somebody else") {
  auto pid = -1;
  {
    auto child = Child::spawn({"sleep", "1000"});
    REQUIRE(child);
    pid = child->release();
  }
  CHECK(::kill(pid, 0) == 0);
  REQUIRE(::kill(pid, SIGKILL) == 0);
  CHECK(::waitpid(pid, nullptr, 0) == pid);
}

TEST_CASE("a command's output and status are collected") {
  auto result = output_of(shell("echo out; echo err >&2; exit 3"));
  CHECK(result.out == "out\n");
  CHECK(result.err == "err\n");
  CHECK((to_exit_status(result.wait_status) == ExitStatus{Exited{3}}));
}

TEST_CASE("more output than wanted is thrown away without blocking the command") {
  auto result = run_command(shell("yes | head -c 1000000; echo end >&2"), patience, 10);
  REQUIRE(result);
  CHECK(result->out == "y\ny\ny\ny\ny\n");
  CHECK(result->err == "end\n");
  CHECK(result->wait_status == 0);
}

TEST_CASE("a command that does not end is killed at the deadline, and so is one that never stops "
          "talking") {
  auto script = GENERATE(as<std::string>{}, "sleep 1000",
                         "trap '' TERM; while :; do sleep 1000; done", "yes");
  INFO(script);
  auto result = run_command(shell(script), 50ms, 1000);
  REQUIRE_FALSE(result);
  CHECK(render(result.error())
        == "deadline_exceeded: command /bin/sh: no end within 50 ms, killed");
}

TEST_CASE("processes that a command leaves behind are not waited for") {
  auto result = output_of(shell("sleep 1000 & echo $!"));
  auto pid = std::stoi(result.out);
  CHECK(::kill(pid, SIGKILL) == 0);
}

TEST_CASE("a subreaper becomes the parent of orphans") {
  // In a process of its own: the test program must not change what it is.
  auto pid = ::fork();
  REQUIRE(pid >= 0);
  if (pid == 0) {
    auto ok = become_subreaper().has_value();
    auto child = Child::spawn(shell("sleep 1000 & echo $!"));
    ok = ok && child && child->wait().has_value();
    // The orphan is ours to wait for now; without a subreaper there would be no child left.
    siginfo_t info = {};
    ok = ok && ::waitid(P_ALL, 0, &info, WEXITED | WNOHANG) == 0;
    auto orphans = read_file("/proc/self/task/" + std::to_string(::getpid()) + "/children", 100);
    if (orphans && !orphans->empty())
      ::kill(std::stoi(*orphans), SIGKILL);
    ::_exit(ok ? 0 : 1);
  }
  auto status = 0;
  REQUIRE(::waitpid(pid, &status, 0) == pid);
  CHECK((to_exit_status(status) == ExitStatus{Exited{0}}));
}

TEST_CASE("a pidfd belongs to one process for ever") {
  auto child = Child::spawn({"sleep", "1000"});
  REQUIRE(child);
  auto start = process_start_time(child->pid());
  REQUIRE(start);
  CHECK(*start > 0);
  auto pidfd = open_pidfd(child->pid(), *start);
  REQUIRE(pidfd);
  auto stranger = open_pidfd(child->pid(), *start + 1);
  REQUIRE_FALSE(stranger);
  CHECK(stranger.error().reason == "the pid belongs to another process by now");
  CHECK_FALSE(readable(*pidfd, 0ms));
  REQUIRE(send_signal(*pidfd, SIGKILL));
  CHECK(readable(*pidfd, patience));
  auto pid = child->pid();
  REQUIRE(child->wait());
  CHECK_FALSE(send_signal(*pidfd, SIGKILL));
  CHECK(disappears(pid));
  CHECK_FALSE(open_pidfd(pid, *start));
  CHECK_FALSE(process_start_time(pid));
}

TEST_CASE("the start time is found behind any name a process may have") {
  auto fields = std::string{" S 1 1 1 0 -1 4194304 1 2 3 4 5 6 7 8 20 0 1 0 987654 1000 2 "};
  auto name = GENERATE(as<std::string>{}, "(sh)", "(a b)", "(a) b)", "())",
                       "(1 2 3 4 5 6 7 8 9 0 1 2 3 4 5)");
  INFO(name);
  CHECK(parse_start_time("77 " + name + fields) == Result<uint64_t>{987654});
}

TEST_CASE("a stat text that is not one is refused") {
  auto text = GENERATE(as<std::string>{}, "", "77 (sh", "77 (sh)", "77 (sh) S 1 1 1",
                       "77 (sh) S 1 1 1 0 -1 4194304 1 2 3 4 5 6 7 8 20 0 1 0 x 1000 2",
                       "77 (sh) S 1 1 1 0 -1 4194304 1 2 3 4 5 6 7 8 20 0 1 0 12");
  INFO(text);
  CHECK_FALSE(parse_start_time(text));
}

TEST_CASE("the boot has an id") {
  auto id = boot_id();
  REQUIRE(id);
  CHECK(id->size() == 36);
  CHECK(boot_id() == id);
}
