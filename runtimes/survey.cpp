#include "runtimes/survey.hpp"

#include "runtimes/linux/file.hpp"
#include "runtimes/linux/kill_group.hpp"
#include "runtimes/linux/monitor_connection.hpp"
#include "runtimes/linux/mount.hpp"
#include "runtimes/linux/pidfd.hpp"
#include "runtimes/linux/unix_socket.hpp"
#include "runtimes/runtime_id.hpp"

#include <algorithm>
#include <charconv>
#include <csignal>
#include <filesystem>
#include <sstream>

namespace berth {

namespace {

namespace fs = std::filesystem;

/// `ip netns` keeps them there.
constexpr auto network_namespace_directory = "/run/netns";
constexpr std::string_view own_prefix = "berth-";
constexpr size_t mount_table_limit = 16 * 1024 * 1024;
constexpr size_t name_limit = 64;

template <class Use>
void each_entry(const std::string& directory, Use use) {
  auto ignored = std::error_code{};
  for (const auto& entry : fs::directory_iterator{directory, ignored})
    use(entry.path().filename().string(), entry.path().string());
}

std::vector<FoundPath> names_in(const std::string& directory) {
  auto result = std::vector<FoundPath>{};
  each_entry(directory, [&](std::string name, std::string path) { result.push_back({std::move(name), std::move(path)}); });
  return result;
}

FoundDirectory look_into(std::string name, std::string path) {
  auto found = FoundDirectory{};
  found.name = std::move(name);
  found.path = std::move(path);
  auto ignored = std::error_code{};
  found.is_directory = fs::is_directory(fs::symlink_status(found.path, ignored));
  auto held = found.is_directory ? open_directory(found.path) : Result<UniqueFd>{};
  if (!found.is_directory || !held)
    return found;
  if (auto text = read_file_at(*held, record_name, record_limit)) {
    found.has_record = true;
    if (auto record = parse_record(*text))
      found.record = std::move(*record);
    else
      found.fault = record.error().reason;
  }
  if (auto socket = seqpacket_connect(*held, monitor_socket_name))
    found.monitor = peer_pid(*socket);
  // After the look for the monitor: if there is none any more, all that it told is there.
  found.story = read_monitor_story(found.path);
  return found;
}

std::vector<FoundMonitor> find_monitors(const std::string& containers) {
  auto result = std::vector<FoundMonitor>{};
  each_entry("/proc", [&](const std::string& name, const std::string& path) {
    auto monitor = FoundMonitor{};
    auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), monitor.pid);
    if (error != std::errc{} || *end != 0 || read_file(path + "/comm", name_limit).value_or("") != "berth-monitor\n")
      return;
    auto ignored = std::error_code{};
    monitor.directory = fs::read_symlink(path + "/cwd", ignored).string();
    constexpr auto deleted = std::string_view{" (deleted)"};
    if (monitor.directory.ends_with(deleted)) {
      monitor.is_deleted = true;
      monitor.directory.resize(monitor.directory.size() - deleted.size());
    }
    auto start_time = process_start_time(monitor.pid);
    if (!start_time || !monitor.directory.starts_with(containers + "/"))
      return;
    monitor.start_time = *start_time;
    result.push_back(std::move(monitor));
  });
  return result;
}

std::vector<FoundPath> find_mounts(const NodePaths& paths) {
  auto result = std::vector<FoundPath>{};
  auto table = std::istringstream{read_file("/proc/self/mountinfo", mount_table_limit).value_or("")};
  for (auto line = std::string{}; std::getline(table, line);) {
    // ID PARENT MAJOR:MINOR ROOT MOUNT-POINT …
    auto fields = std::istringstream{line};
    auto point = std::string{};
    for (auto i = 0; i < 5; ++i)
      fields >> point;
    for (const auto& own : {paths.containers(), paths.state_directory + "/layers"})
      if (point.starts_with(own + "/"))
        result.push_back({point.substr(own.size() + 1), point});
  }
  // What is mounted on something goes before it.
  std::reverse(result.begin(), result.end());
  return result;
}

std::string name_of(const std::string& path) {
  return path.substr(path.rfind('/') + 1);
}

Result<void> kill_process(int pid, uint64_t start_time) {
  auto held = open_pidfd(pid, start_time);
  if (!held)
    return {}; // it has ended
  return send_signal(*held, SIGKILL);
}

} // namespace

Survey survey_host(const LaunchHost& host, const std::set<std::string>& state_roots) {
  auto survey = Survey{};
  const auto& paths = host.paths;
  each_entry(paths.containers(), [&](std::string name, std::string path) {
    survey.directories.push_back(look_into(std::move(name), std::move(path)));
  });
  survey.monitors = find_monitors(paths.containers());
  survey.logs = names_in(paths.state_directory + "/logs");
  survey.layers = names_in(paths.state_directory + "/layers");
  survey.groups = host.cgroups->list();
  for (const auto& root : state_roots)
    each_entry(root, [&](std::string name, std::string path) {
      auto id = runtime_id_of_state(name);
      survey.records.push_back({std::move(name), std::move(path), std::move(id)});
    });
  survey.mounts = find_mounts(paths);
  each_entry(network_namespace_directory, [&](std::string name, std::string path) {
    if (name.starts_with(own_prefix))
      survey.network_namespaces.push_back({std::move(name), std::move(path)});
  });
  return survey;
}

Result<void> remove_orphan(const LedgerEntry& entry, const Survey& survey) {
  switch (entry.kind) {
    case LedgerKind::monitor: {
      auto found = std::find_if(survey.monitors.begin(), survey.monitors.end(),
                                [&](const auto& x) { return std::to_string(x.pid) == entry.name; });
      return found == survey.monitors.end() ? Result<void>{} : kill_process(found->pid, found->start_time);
    }
    case LedgerKind::cgroup:
      // A call of the runtime that was cut off may be about to put another process there.
      kill_by_argument(name_of(entry.name));
      kill_group(entry.name);
      return remove_group(entry.name);
    case LedgerKind::runtime_record:
      kill_by_argument(runtime_id_of_state(name_of(entry.name)));
      return remove_tree(entry.name);
    case LedgerKind::mount:
      return unmount(entry.name);
    case LedgerKind::directory:
    case LedgerKind::log:
    case LedgerKind::layer:
      return remove_tree(entry.name);
    case LedgerKind::container:
    case LedgerKind::journal_row:
    case LedgerKind::network_namespace:
      break;
  }
  return {};
}

} // namespace berth
