#include "runtimes/launch_monitor.hpp"

#include "runtimes/container_record.hpp"
#include "runtimes/fault_point.hpp"
#include "runtimes/launch_check.hpp"
#include "runtimes/linux/bundle_host.hpp"
#include "runtimes/linux/file.hpp"
#include "runtimes/linux/kill_group.hpp"
#include "runtimes/linux/process.hpp"
#include "runtimes/linux/rootfs_files.hpp"
#include "runtimes/oci_command.hpp"
#include "runtimes/oci_spec.hpp"
#include "runtimes/runtime_id.hpp"

#include <filesystem>

namespace berth {

namespace {

constexpr unsigned log_directory_mode = 0750;
constexpr auto delete_deadline = std::chrono::seconds{20};
constexpr size_t delete_output_limit = 64 * 1024;

RuntimeCall call_of(const ContainerInfo& info) {
  return {info.profile, info.directory + "/" + monitor_runtime_log_name, info.runtime_id};
}

MonitorPlan make_plan(const ContainerInfo& info, LaunchOptions options, const LaunchHost& host) {
  auto call = call_of(info);
  auto groups = host.cgroups->container(info.spec.pool, info.runtime_id);
  auto plan = MonitorPlan{};
  plan.container = info.spec.id.value;
  plan.runtime_id = info.runtime_id;
  plan.create_argv = create_argv(call, info.directory + "/" + bundle_name, info.directory + "/" + monitor_pid_name);
  plan.start_argv = start_argv(call);
  plan.delete_argv = delete_argv(call);
  plan.kill_argv = kill_argv(call);
  if (info.profile.start_by_fifo)
    plan.start_fifo = start_fifo_path(info.profile, info.runtime_id);
  plan.rootfs_lower = info.spec.rootfs;
  plan.layer_dir = host.paths.layer_directory(info.spec.id);
  plan.log_path = info.log_path;
  plan.log_max_size = host.logs.max_size;
  plan.log_max_files = host.logs.max_files;
  plan.cgroup_parent = groups.parent;
  plan.memory_cgroup = groups.memory;
  plan.leftover_cgroups = groups.leftovers;
  plan.cgroup_v2 = host.cgroups->host().version == CgroupVersion::v2;
  plan.state_root = info.profile.root;
  if (options.is_probe)
    plan.alone_limit_ms = 0;
  return plan;
}

Result<ContainerUser> find_user(const LaunchSpec& spec) {
  if (!needs_user_files(spec.user))
    return resolve_user(spec.user, {}, {});
  auto rootfs = open_directory(spec.rootfs);
  if (!rootfs)
    return failure(rootfs.error());
  auto files = read_user_files(*rootfs);
  if (!files)
    return failure(files.error());
  return resolve_user(spec.user, files->passwd, files->group);
}

/// Refuses directories in which the container would see files of Berth's own, such as the bundles of others with what is
/// secret in their environment.
Result<void> check_overlap(const std::string& what, const std::string& path, const LaunchHost& host) {
  auto error = std::error_code{};
  auto real = std::filesystem::canonical(path, error).string();
  if (error)
    return {}; // whoever opens it says why it cannot be
  auto is_within = [](const std::string& inner, const std::string& outer) {
    return outer == "/" || inner == outer || inner.starts_with(outer + "/");
  };
  for (const auto& own : {host.paths.run_directory, host.paths.state_directory}) {
    auto real_own = std::filesystem::canonical(own, error).string();
    if (!error && (is_within(real, real_own) || is_within(real_own, real)))
      return failure(ec::bad_request, what, "the container would see Berth's own files in " + own,
                     "give a directory that neither holds that one nor is in it");
  }
  return {};
}

Result<void> check_directories(const LaunchSpec& spec, const LaunchHost& host) {
  if (auto checked = check_overlap("rootfs \"" + spec.rootfs + "\"", spec.rootfs, host); !checked)
    return checked;
  for (const auto& mount : spec.mounts)
    if (auto checked = check_overlap("mount \"" + mount.source + ":" + mount.destination + "\"", mount.source, host);
        !checked)
      return checked;
  return {};
}

Result<std::string> make_config(const ContainerInfo& info, bool oom_group, const LaunchHost& host) {
  auto request = BundleRequest{};
  request.spec = info.spec;
  auto user = find_user(info.spec);
  if (!user)
    return failure(user.error());
  request.user = *user;
  for (const auto& path : info.spec.devices) {
    auto node = read_device_node(path);
    if (!node)
      return failure(node.error());
    request.devices.push_back(*node);
  }
  request.cgroup = info.cgroup;
  request.oom_group = oom_group && host.cgroups->has_oom_group();
  request.host = host.bundle;
  return render_config(request, info.profile);
}

/// What somebody who finds the directory and nothing else has to know.
ContainerMemory record_of(const ContainerInfo& info, const LaunchOptions& options) {
  auto result = ContainerMemory{};
  result.info = info;
  result.phase = Phase::creating;
  result.ticket = options.ticket;
  result.grace = options.grace;
  result.oom_group = options.oom_group;
  result.accepted_told = true;
  return result;
}

Result<std::shared_ptr<MonitorConnection>> write_and_spawn(const ContainerInfo& info, const std::string& config,
                                                           LaunchOptions options, const LaunchHost& host,
                                                           FdMonitor& reaper) {
  auto bundle = info.directory + "/" + bundle_name;
  // The log of an earlier container of this id whose directory went with a reboot.
  if (auto removed = remove_tree(host.paths.log_directory(info.spec.id)); !removed)
    return failure(removed.error());
  for (const auto& [directory, mode] : {std::pair{bundle + "/" + rootfs_name, private_directory_mode},
                                        std::pair{host.paths.log_directory(info.spec.id), log_directory_mode}})
    if (auto made = make_directories(directory, mode); !made)
      return failure(made.error());
  fault_point("launch.directory_made");
  // The record comes first: whoever finds the directory after a crash knows whose it is.
  for (const auto& [path, text] :
       {std::pair{info.directory + "/" + record_name, render_record(record_of(info, options), host.facts.boot_id)},
        std::pair{bundle + "/config.json", config}})
    if (auto written = replace_file(path, text, private_file_mode, Durability::process); !written)
      return failure(written.error());
  fault_point("launch.bundle_written");
  auto groups = host.cgroups->container(info.spec.pool, info.runtime_id);
  if (auto prepared = host.cgroups->prepare_container(groups); !prepared)
    return failure(prepared.error());
  auto connection = MonitorConnection::spawn(host.monitor_binary, info.spec.id.value, info.directory, reaper);
  if (!connection)
    return connection;
  fault_point("launch.monitor_spawned");
  if (auto sent = (*connection)->send(make_plan(info, options, host)); !sent)
    return failure(sent.error());
  fault_point("launch.plan_sent");
  return connection;
}

} // namespace

Result<std::shared_ptr<MonitorConnection>> launch_monitor(const ContainerInfo& info, LaunchOptions options,
                                                          const LaunchHost& host, FdMonitor& reaper) {
  if (!is_directory(info.spec.rootfs))
    return failure(ec::rootfs_missing, "rootfs \"" + info.spec.rootfs + "\"", "it is not a directory on this node",
                   "unpack an image there, or give another --rootfs");
  // A probe's root file system is one of Berth's own.
  if (!options.is_probe)
    if (auto checked = check_directories(info.spec, host); !checked)
      return failure(checked.error());
  auto config = make_config(info, options.oom_group, host);
  if (!config)
    return failure(config.error());
  auto connection = write_and_spawn(info, *config, options, host, reaper);
  if (!connection) {
    (void) remove_container_files(info, host);
    (void) remove_group(host.cgroups->container(info.spec.pool, info.runtime_id).parent);
  }
  return connection;
}

Result<void> remove_container_files(const ContainerInfo& info, const LaunchHost& host) {
  fault_point("remove.begun");
  auto result = Result<void>{};
  for (const auto& directory : {info.directory, host.paths.log_directory(info.spec.id)})
    if (auto removed = remove_tree(directory); !removed)
      result = removed;
  fault_point("remove.files_gone");
  return result;
}

namespace {

std::vector<std::string> runtime_state(const std::string& state_root, const std::string& runtime_id) {
  auto result = std::vector<std::string>{};
  auto ignored = std::error_code{};
  for (const auto& entry : std::filesystem::directory_iterator{state_root, ignored})
    if (runtime_id_of_state(entry.path().filename().string()) == runtime_id)
      result.push_back(entry.path().string());
  return result;
}

} // namespace

Result<void> remove_runtime_state(const std::string& state_root, const std::string& runtime_id) {
  auto result = Result<void>{};
  for (const auto& path : runtime_state(state_root, runtime_id))
    if (auto removed = remove_tree(path); !removed)
      result = removed;
  return result;
}

Result<void> sweep_container(const ContainerInfo& info, bool rebooted, const LaunchHost& host) {
  auto groups = host.cgroups->container(info.spec.pool, info.runtime_id);
  auto result = Result<void>{};
  auto directories = groups.leftovers;
  if (!groups.parent.empty())
    directories.push_back(groups.parent);
  if (!rebooted) {
    // A `create` that was cut off goes on without its monitor, and leaves processes that the runtime does not know.
    kill_by_argument(info.runtime_id);
    for (const auto& directory : directories)
      kill_group(directory);
    // It knows best what is left of a container, hooks included.
    if (!runtime_state(info.profile.root, info.runtime_id).empty())
      (void)run_command(delete_argv(call_of(info), true), delete_deadline, delete_output_limit);
    for (const auto& directory : directories)
      if (auto removed = remove_group(directory); !removed)
        result = removed;
  }
  if (auto removed = remove_runtime_state(info.profile.root, info.runtime_id); !removed)
    result = removed;
  if (auto removed = remove_tree(host.paths.layer_directory(info.spec.id)); !removed)
    result = removed;
  return result;
}

} // namespace berth
