#include "tests/support/census.hpp"

#include "runtimes/cgroup_files.hpp"
#include "runtimes/node_paths.hpp"
#include "tests/support/command.hpp"
#include "tests/support/eventually.hpp"

#include <algorithm>
#include <charconv>
#include <csignal>
#include <filesystem>
#include <map>
#include <set>
#include <sstream>

namespace fs = std::filesystem;
using namespace std::chrono_literals;

namespace berth::test {

namespace {

struct ProcessEntry {
  int parent = 0;
  char state = '?';
  std::string name;
};

/// The numbers among the names of /proc.
std::vector<int> all_pids() {
  auto result = std::vector<int>{};
  auto ignored = std::error_code{};
  for (auto& entry : fs::directory_iterator{"/proc", ignored}) {
    auto name = entry.path().filename().string();
    auto pid = 0;
    if (std::from_chars(name.data(), name.data() + name.size(), pid).ptr == name.data() + name.size())
      result.push_back(pid);
  }
  return result;
}

std::string proc_path(int pid, const char* file) {
  return "/proc/" + std::to_string(pid) + "/" + file;
}

/// "PID (NAME) STATE PPID …"; the name may hold parentheses.
ProcessEntry read_entry(int pid) {
  auto stat = text_of(proc_path(pid, "stat"));
  auto open = stat.find('(');
  auto close = stat.rfind(')');
  if (open == std::string::npos || close == std::string::npos)
    return {};
  auto result = ProcessEntry{0, '?', stat.substr(open + 1, close - open - 1)};
  auto rest = std::istringstream{stat.substr(close + 1)};
  rest >> result.state >> result.parent;
  return result;
}

bool has_marker(int pid, const std::string& root) {
  auto wanted = std::string{census_marker} + "=" + root;
  auto environment = text_of(proc_path(pid, "environ"));
  for (size_t begin = 0; begin < environment.size();) {
    auto end = std::min(environment.find('\0', begin), environment.size());
    if (environment.compare(begin, end - begin, wanted) == 0)
      return true;
    begin = end + 1;
  }
  return false;
}

std::vector<std::string> lines_with(const std::string& text, const std::string& part) {
  auto result = std::vector<std::string>{};
  for (auto& line : lines_of(text))
    if (line.find(part) != std::string::npos)
      result.push_back(line);
  return result;
}

/// All below a directory, as paths; what vanishes meanwhile is left out.
std::vector<std::string> tree_below(const std::string& directory) {
  auto result = std::vector<std::string>{};
  auto failed = std::error_code{};
  auto entries = fs::recursive_directory_iterator{directory, fs::directory_options::skip_permission_denied, failed};
  for (; !failed && entries != fs::recursive_directory_iterator{}; entries.increment(failed))
    result.push_back(entries->path().string());
  return result;
}

std::vector<std::string> groups_below(const std::string& base) {
  auto result = std::vector<std::string>{};
  for (auto& hierarchy : cgroup_hierarchies()) {
    auto ignored = std::error_code{};
    if (fs::is_directory(hierarchy + base, ignored))
      result.push_back(hierarchy + base);
    for (auto& path : tree_below(hierarchy + base))
      if (fs::is_directory(path, ignored))
        result.push_back(path);
  }
  return result;
}

/// Segments by the names that runtimes and we give. What others have there changes while we look.
std::vector<std::string> shared_memory() {
  auto result = std::vector<std::string>{};
  auto failed = std::error_code{};
  for (auto& entry : fs::directory_iterator{"/dev/shm", failed})
    for (auto name : {"berth", "runc", "runsc"})
      if (entry.path().filename().string().find(name) != std::string::npos)
        result.push_back(entry.path().string());
  return result;
}

std::vector<std::string> descriptors_of(int pid) {
  auto result = std::vector<std::string>{};
  auto failed = std::error_code{};
  for (auto& entry : fs::directory_iterator{proc_path(pid, "fd"), failed}) {
    auto ignored = std::error_code{};
    auto target = fs::read_symlink(entry.path(), ignored).string();
    // Sockets and pipes have numbers of their own, which differ from one moment to the next.
    if (auto number = target.find(":["); number != std::string::npos)
      target.resize(number);
    result.push_back(std::move(target));
  }
  return result;
}

size_t threads_of(int pid) {
  auto failed = std::error_code{};
  auto tasks = fs::directory_iterator{proc_path(pid, "task"), failed};
  return failed ? 0 : static_cast<size_t>(std::distance(begin(tasks), end(tasks)));
}

/// The lines that only one of two lists has; equal ones are counted.
void compare(std::ostream& out, const char* title, std::vector<std::string> before, std::vector<std::string> after) {
  std::sort(before.begin(), before.end());
  std::sort(after.begin(), after.end());
  auto tell = [&](const char* sign, auto& from, auto& without) {
    auto only = std::vector<std::string>{};
    std::set_difference(from.begin(), from.end(), without.begin(), without.end(), std::back_inserter(only));
    for (auto& item : only)
      out << sign << ' ' << title << ": " << item << '\n';
  };
  tell("-", before, after);
  tell("+", after, before);
}

void kill_all(const std::vector<int>& pids) {
  for (auto pid : pids)
    ::kill(pid, SIGKILL);
}

} // namespace

std::string process_name(int pid) {
  return read_entry(pid).name;
}

std::vector<std::string> cgroup_hierarchies() {
  auto result = std::vector<std::string>{};
  for (auto& mount : parse_cgroup_mounts(text_of("/proc/self/mountinfo")))
    result.push_back(mount.mount_point);
  return result;
}

bool is_in_cgroup_of(int pid, const std::string& part) {
  return text_of(proc_path(pid, "cgroup")).find(part) != std::string::npos;
}

std::vector<int> processes_of(const std::string& root, int daemon) {
  auto base = node_paths(root).cgroup_base + "/";
  auto entries = std::map<int, ProcessEntry>{};
  auto ours = std::set<int>{};
  for (auto pid : all_pids()) {
    entries[pid] = read_entry(pid);
    auto ignored = std::error_code{};
    auto cwd = fs::read_symlink(proc_path(pid, "cwd"), ignored).string();
    // The runtimes and the monitor may clean their environment, but not all of them all of it.
    if (has_marker(pid, root) || is_in_cgroup_of(pid, base) || cwd.starts_with(root + "/"))
      ours.insert(pid);
  }
  if (daemon > 0)
    ours.insert(daemon);
  auto is_child_of_ours = [&](auto& entry) { return ours.count(entry.second.parent) > 0 && ours.count(entry.first) == 0; };
  for (auto i = entries.begin(); (i = std::find_if(entries.begin(), entries.end(), is_child_of_ours)) != entries.end();)
    ours.insert(i->first);
  ours.erase(daemon);
  // A process that ended while we looked has no name any more.
  std::erase_if(ours, [&](int pid) { return entries[pid].name.empty(); });
  return {ours.begin(), ours.end()};
}

Census take_census(const std::string& root, int daemon) {
  auto result = Census{};
  for (auto pid : processes_of(root, daemon)) {
    auto entry = read_entry(pid);
    if (entry.name.empty())
      continue; // it has ended meanwhile
    result.processes.push_back(std::to_string(pid) + " " + entry.name + (entry.state == 'Z' ? " (zombie)" : ""));
  }
  result.groups = groups_below(node_paths(root).cgroup_base);
  result.mounts = lines_with(text_of("/proc/self/mountinfo"), root);
  for (auto directory : {"/run", "/state"})
    for (auto& path : tree_below(root + directory))
      result.files.push_back(path);
  result.shared_memory = shared_memory();
  if (daemon > 0) {
    for (auto& line : lines_with(text_of(proc_path(daemon, "mountinfo")), root))
      result.mounts.push_back("in berthd: " + line);
    result.descriptors = descriptors_of(daemon);
    result.threads = threads_of(daemon);
  }
  return result;
}

std::string difference(const Census& before, const Census& after) {
  auto out = std::ostringstream{};
  compare(out, "process", before.processes, after.processes);
  compare(out, "cgroup", before.groups, after.groups);
  compare(out, "mount", before.mounts, after.mounts);
  compare(out, "file", before.files, after.files);
  compare(out, "shared memory", before.shared_memory, after.shared_memory);
  compare(out, "descriptor", before.descriptors, after.descriptors);
  if (before.threads != after.threads)
    out << "threads: " << before.threads << " before, " << after.threads << " after\n";
  return out.str();
}

std::vector<std::string> sweep(const std::string& root) {
  auto base = node_paths(root).cgroup_base;
  auto nobody_left = [&] { return processes_of(root, 0).empty(); };
  auto contained = processes_of(root, 0);
  std::erase_if(contained, [&](int pid) { return !is_in_cgroup_of(pid, base + "/"); });
  kill_all(contained);
  if (!eventually(10s, nobody_left))
    kill_all(processes_of(root, 0));
  auto remains = std::vector<std::string>{};
  if (!eventually(10s, nobody_left))
    for (auto pid : processes_of(root, 0))
      remains.push_back("process " + std::to_string(pid) + " " + process_name(pid));
  auto groups = groups_below(base);
  std::sort(groups.begin(), groups.end(), [](auto& a, auto& b) { return a.size() > b.size(); });
  for (auto& group : groups) {
    auto failed = std::error_code{};
    // Of a group only the directory can be removed; its files are the kernel's.
    if (!fs::remove(group, failed) && failed)
      remains.push_back("cgroup " + group + ": " + failed.message());
  }
  return remains;
}

} // namespace berth::test
