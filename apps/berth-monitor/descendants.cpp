#include "apps/berth-monitor/descendants.hpp"

#include "runtimes/linux/file.hpp"
#include "runtimes/linux/unique_fd.hpp"

#include <charconv>
#include <csignal>
#include <string>
#include <vector>

#include <dirent.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

namespace berth {

namespace {

constexpr size_t proc_file_limit = 1024 * 1024;

struct Descendant {
  int pid = 0;
  int parent = 0;
};

/// Appends the children of all threads of a process.
void append_children(int parent, std::vector<Descendant>& found) {
  auto tasks = "/proc/" + std::to_string(parent) + "/task";
  auto directory = ::opendir(tasks.c_str());
  if (directory == nullptr)
    return;
  while (auto entry = ::readdir(directory)) {
    if (entry->d_name[0] == '.')
      continue;
    auto text = read_file(tasks + "/" + entry->d_name + "/children", proc_file_limit)
                    .value_or(std::string{});
    const char* at = text.data();
    auto end = at + text.size();
    while (at < end) {
      auto pid = 0;
      auto [next, error] = std::from_chars(at, end, pid);
      if (error == std::errc{})
        found.push_back({pid, parent});
      at = next + 1; // behind the space
    }
  }
  ::closedir(directory);
}

/// Field 4 of /proc/PID/stat, 0 if the process is gone.
int parent_of(int pid) {
  auto stat = read_file("/proc/" + std::to_string(pid) + "/stat", proc_file_limit);
  auto name_end = stat ? stat->rfind(") ") : std::string::npos;
  auto result = 0;
  if (name_end != std::string::npos && name_end + 4 < stat->size()) // behind ") S "
    std::from_chars(stat->data() + name_end + 4, stat->data() + stat->size(), result);
  return result;
}

} // namespace

void kill_descendants() {
  auto self = ::getpid();
  auto found = std::vector<Descendant>{};
  append_children(self, found);
  for (size_t i = 0; i < found.size(); ++i) {
    auto [pid, parent] = found[i];
    auto pidfd = UniqueFd{static_cast<int>(::syscall(SYS_pidfd_open, pid, 0))};
    // The pid may belong to a stranger by now: look again while the process is held. Those whose
    // parent has just been killed are our own children.
    auto present = pidfd ? parent_of(pid) : 0;
    if (present == 0 || (present != parent && present != self))
      continue;
    append_children(pid, found);
    ::syscall(SYS_pidfd_send_signal, pidfd.get(), SIGKILL, nullptr, 0);
  }
}

bool has_children() {
  auto info = siginfo_t{};
  return ::waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) == 0;
}

} // namespace berth
