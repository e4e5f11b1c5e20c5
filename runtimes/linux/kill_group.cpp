#include "runtimes/linux/kill_group.hpp"

#include "runtimes/linux/file.hpp"
#include "runtimes/linux/pidfd.hpp"

#include <charconv>
#include <csignal>
#include <filesystem>
#include <set>
#include <vector>

#include <sys/syscall.h>
#include <unistd.h>

namespace berth {

namespace {

constexpr size_t table_limit = 16 * 1024 * 1024;
/// Containers can be allowed to make groups; one that nests them deeper than this is not followed.
constexpr int max_depth = 64;

std::set<int> members_of(const std::string& group) {
  auto text = read_file(group + "/cgroup.procs", table_limit).value_or("");
  auto result = std::set<int>{};
  for (const auto* at = text.data(); at != text.data() + text.size();) {
    auto pid = 0;
    auto [end, error] = std::from_chars(at, text.data() + text.size(), pid);
    if (error != std::errc{})
      break;
    result.insert(pid);
    at = end == text.data() + text.size() ? end : end + 1;
  }
  return result;
}

void kill_below(const std::string& group, int depth) {
  auto ignored = std::error_code{};
  if (depth < max_depth)
    for (const auto& entry : std::filesystem::directory_iterator{group, ignored})
      if (entry.is_directory(ignored) && !entry.is_symlink(ignored))
        kill_below(entry.path().string(), depth + 1);
  auto held = std::vector<std::pair<int, UniqueFd>>{};
  for (auto pid : members_of(group))
    if (auto fd = UniqueFd{static_cast<int>(::syscall(SYS_pidfd_open, pid, 0))})
      held.emplace_back(pid, std::move(fd));
  // Those that are members after they were opened are the ones that are held.
  auto now = members_of(group);
  for (const auto& [pid, fd] : held)
    if (now.count(pid) > 0)
      static_cast<void>(send_signal(fd, SIGKILL));
}

} // namespace

void kill_by_argument(const std::string& argument) {
  auto wanted = '\0' + argument + '\0';
  auto has_it = [&](const std::string& process) {
    auto text = read_file(process + "/cmdline", table_limit);
    return text && text->find(wanted) != std::string::npos;
  };
  auto ignored = std::error_code{};
  for (const auto& entry : std::filesystem::directory_iterator{"/proc", ignored}) {
    auto name = entry.path().filename().string();
    auto pid = 0;
    auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), pid);
    if (error != std::errc{} || *end != 0 || !has_it(entry.path()))
      continue;
    auto held = UniqueFd{static_cast<int>(::syscall(SYS_pidfd_open, pid, 0))};
    if (held && has_it(entry.path()))
      static_cast<void>(send_signal(held, SIGKILL));
  }
}

void kill_group(const std::string& directory) {
  kill_below(directory, 0);
}

bool is_listed_in_cgroup(std::string_view proc_cgroup, std::string_view cgroup) {
  while (!proc_cgroup.empty()) {
    auto line = proc_cgroup.substr(0, proc_cgroup.find('\n'));
    proc_cgroup.remove_prefix(std::min(proc_cgroup.size(), line.size() + 1));
    // HIERARCHY:CONTROLLERS:PATH; the names of controllers have no colons.
    auto path = line.substr(std::min(line.size(), line.find(':', line.find(':') + 1)));
    if (path.size() > 1 && path.substr(1).starts_with(cgroup)
        && (path.size() == cgroup.size() + 1 || path[cgroup.size() + 1] == '/'))
      return true;
  }
  return false;
}

Result<UniqueFd> open_pidfd_in(int pid, uint64_t start_time, const std::string& cgroup) {
  auto fd = open_pidfd(pid, start_time);
  if (!fd)
    return fd;
  auto groups = read_file("/proc/" + std::to_string(pid) + "/cgroup", table_limit);
  if (!groups)
    return failure(groups.error());
  if (!is_listed_in_cgroup(*groups, cgroup))
    return failure(ec::system_error, "pidfd_open " + std::to_string(pid), "the process is not in the cgroup " + cgroup);
  return fd;
}

} // namespace berth
