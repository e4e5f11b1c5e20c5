#include "runtimes/linux/process.hpp"

#include "runtimes/linux/retry.hpp"
#include "runtimes/linux/sys_error.hpp"

#include <algorithm>
#include <csignal>
#include <cstring>

#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

extern char** environ;

namespace berth {

namespace {

/// waitid(2) on a pidfd; glibc has the constant since 2.36 only.
constexpr auto wait_on_pidfd = static_cast<idtype_t>(3);

/// The lowest number that a descriptor gets while it waits to be moved to its place among 0 to 3.
constexpr int first_parking_fd = 10;

class FileActions {
public:
  FileActions() {
    ::posix_spawn_file_actions_init(&actions_);
  }

  FileActions(const FileActions&) = delete;
  FileActions& operator=(const FileActions&) = delete;

  ~FileActions() {
    ::posix_spawn_file_actions_destroy(&actions_);
  }

  posix_spawn_file_actions_t* get() {
    return &actions_;
  }

private:
  posix_spawn_file_actions_t actions_;
};

class Attributes {
public:
  explicit Attributes(bool new_session) {
    ::posix_spawnattr_init(&attributes_);
    auto none = sigset_t{};
    auto all = sigset_t{};
    ::sigemptyset(&none);
    ::sigfillset(&all);
    ::posix_spawnattr_setsigmask(&attributes_, &none);
    ::posix_spawnattr_setsigdefault(&attributes_, &all);
    ::posix_spawnattr_setpgroup(&attributes_, 0);
    auto group = new_session ? POSIX_SPAWN_SETSID : POSIX_SPAWN_SETPGROUP;
    ::posix_spawnattr_setflags(
        &attributes_, static_cast<short>(POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | group));
  }

  Attributes(const Attributes&) = delete;
  Attributes& operator=(const Attributes&) = delete;

  ~Attributes() {
    ::posix_spawnattr_destroy(&attributes_);
  }

  const posix_spawnattr_t* get() const {
    return &attributes_;
  }

private:
  posix_spawnattr_t attributes_;
};

/// The pointers that exec wants; valid as long as the strings.
std::vector<char*> pointers(const std::vector<std::string>& texts) {
  auto result = std::vector<char*>{};
  result.reserve(texts.size() + 1);
  for (auto& text : texts)
    result.push_back(const_cast<char*>(text.c_str())); // exec does not write to them
  result.push_back(nullptr);
  return result;
}

std::vector<std::string> environment(const std::vector<std::string>& changes) {
  auto same_key = [](const std::string& a, const char* b) {
    auto length = a.find('=');
    return length != std::string::npos && std::strncmp(a.c_str(), b, length + 1) == 0;
  };
  auto result = changes;
  for (auto entry = environ; *entry != nullptr; ++entry) {
    auto changed = false;
    for (auto& change : changes)
      changed = changed || same_key(change, *entry);
    if (!changed)
      result.emplace_back(*entry);
  }
  return result;
}

/// Fills the numbers 0 to 3 of the child. Sources below 4 are copied out of the way first, or an
/// earlier target would overwrite a later source.
Result<void> place(FileActions& actions, const SpawnOptions& options,
                   std::vector<UniqueFd>& parked) {
  const int sources[] = {options.stdin_fd, options.stdout_fd, options.stderr_fd, options.fd3};
  for (auto target = 0; target < 4; ++target) {
    auto source = sources[target];
    if (source >= 0 && source < 4) {
      auto copy = UniqueFd{::fcntl(source, F_DUPFD_CLOEXEC, first_parking_fd)};
      if (!copy)
        return failure(sys_error("fcntl", "descriptor " + std::to_string(source)));
      source = copy.get();
      parked.push_back(std::move(copy));
    }
    if (source >= 0)
      ::posix_spawn_file_actions_adddup2(actions.get(), source, target);
    else if (target < 3)
      ::posix_spawn_file_actions_addopen(actions.get(), target, "/dev/null",
                                         target == 0 ? O_RDONLY : O_WRONLY, 0);
  }
  ::posix_spawn_file_actions_addclosefrom_np(actions.get(), options.fd3 >= 0 ? 4 : 3);
  return {};
}

std::optional<ExitStatus> from_siginfo(const siginfo_t& info) {
  if (info.si_pid == 0)
    return std::nullopt;
  if (info.si_code == CLD_EXITED)
    return Exited{info.si_status};
  return Signaled{info.si_status};
}

} // namespace

Result<void> raise_descriptor_limit() {
  auto limit = rlimit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0)
    return failure(sys_error("getrlimit", "RLIMIT_NOFILE"));
  limit.rlim_cur = limit.rlim_max;
  if (::setrlimit(RLIMIT_NOFILE, &limit) != 0)
    return failure(sys_error("setrlimit", "RLIMIT_NOFILE"));
  return {};
}

ExitStatus to_exit_status(int wait_status) {
  if (WIFSIGNALED(wait_status))
    return Signaled{WTERMSIG(wait_status)};
  return Exited{WEXITSTATUS(wait_status)};
}

int to_wait_status(const ExitStatus& status) {
  if (auto exited = std::get_if<Exited>(&status))
    return W_EXITCODE(exited->code, 0);
  return W_EXITCODE(0, std::get<Signaled>(status).signal);
}

std::string to_string(const ExitStatus& status) {
  if (auto exited = std::get_if<Exited>(&status))
    return "exit code " + std::to_string(exited->code);
  auto signal = std::get<Signaled>(status).signal;
  auto name = ::sigdescr_np(signal);
  return "signal " + std::to_string(signal)
         + (name != nullptr ? " (" + std::string{name} + ")" : "");
}

bool succeeded(const ExitStatus& status) {
  return status == ExitStatus{Exited{0}};
}

Result<Child> Child::spawn(const Argv& argv, const SpawnOptions& options) {
  if (argv.empty())
    return failure(ec::internal, "spawn", "no program given");
  auto actions = FileActions{};
  auto parked = std::vector<UniqueFd>{};
  if (auto placed = place(actions, options, parked); !placed)
    return failure(std::move(placed.error()));
  if (!options.cwd.empty())
    ::posix_spawn_file_actions_addchdir_np(actions.get(), options.cwd.c_str());
  auto attributes = Attributes{options.new_session};
  auto env = environment(options.env);
  auto pid = pid_t{-1};
  errno = ::posix_spawnp(&pid, argv[0].c_str(), actions.get(), attributes.get(),
                         pointers(argv).data(), pointers(env).data());
  if (errno != 0)
    return failure(sys_error("posix_spawn", argv[0]));
  // An unreaped child keeps its pid, so this cannot be another process.
  auto pidfd = UniqueFd{static_cast<int>(::syscall(SYS_pidfd_open, pid, 0))};
  if (!pidfd) {
    auto error = sys_error("pidfd_open", argv[0]);
    ::kill(pid, SIGKILL);
    retry([&] { return ::waitpid(pid, nullptr, 0); });
    return failure(std::move(error));
  }
  return Child{pid, std::move(pidfd)};
}

Child::Child(int pid, UniqueFd pidfd) noexcept : pid_(pid), pidfd_(std::move(pidfd)) {
  // nop
}

Child::Child(Child&& other) noexcept
    : pid_(std::exchange(other.pid_, -1)), pidfd_(std::move(other.pidfd_)) {
  // nop
}

Child& Child::operator=(Child&& other) noexcept {
  std::swap(pid_, other.pid_);
  std::swap(pidfd_, other.pidfd_);
  return *this;
}

Child::~Child() {
  if (pid_ < 0)
    return;
  kill_group(SIGKILL);
  retry([&] { return ::waitpid(pid_, nullptr, 0); });
}

Result<ExitStatus> Child::wait() {
  auto info = siginfo_t{};
  if (retry(
          [&] { return ::waitid(wait_on_pidfd, static_cast<id_t>(pidfd_.get()), &info, WEXITED); })
      != 0)
    return failure(sys_error("waitid", std::to_string(pid_)));
  pid_ = -1;
  return *from_siginfo(info);
}

Result<std::optional<ExitStatus>> Child::wait_for(std::chrono::milliseconds deadline) {
  auto end = std::chrono::steady_clock::now() + deadline;
  auto watched = pollfd{pidfd_.get(), POLLIN, 0};
  for (;;) {
    auto left = std::chrono::ceil<std::chrono::milliseconds>(end - std::chrono::steady_clock::now())
                    .count();
    auto ready = ::poll(&watched, 1, static_cast<int>(std::clamp<decltype(left)>(left, 0, 60'000)));
    if (ready < 0 && errno != EINTR)
      return failure(sys_error("poll", "pidfd"));
    if (ready > 0)
      return wait().map([](const ExitStatus& status) { return std::optional{status}; });
    if (left <= 0)
      return std::nullopt;
  }
}

Result<void> Child::kill(int signal) {
  if (pid_ < 0)
    return {};
  if (::syscall(SYS_pidfd_send_signal, pidfd_.get(), signal, nullptr, 0) != 0 && errno != ESRCH)
    return failure(sys_error("pidfd_send_signal", std::to_string(pid_)));
  return {};
}

void Child::kill_group(int signal) {
  if (pid_ < 0)
    return;
  // The group's number is taken as long as its leader is not reaped; the leader may have left it
  // with setsid.
  ::kill(-pid_, signal);
  ::kill(pid_, signal);
}

int Child::release() noexcept {
  return std::exchange(pid_, -1);
}

Result<void> become_subreaper() {
  if (::prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) != 0)
    return failure(sys_error("prctl", "PR_SET_CHILD_SUBREAPER"));
  return {};
}

} // namespace berth
