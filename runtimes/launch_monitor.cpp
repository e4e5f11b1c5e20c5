#include "runtimes/launch_monitor.hpp"

#include "runtimes/container_record.hpp"
#include "runtimes/launch_check.hpp"
#include "runtimes/linux/bundle_host.hpp"
#include "runtimes/linux/file.hpp"
#include "runtimes/linux/process.hpp"
#include "runtimes/linux/rootfs_files.hpp"
#include "runtimes/linux/unix_socket.hpp"
#include "runtimes/oci_command.hpp"
#include "runtimes/oci_spec.hpp"

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
  // The record comes first: whoever finds the directory after a crash knows whose it is.
  for (const auto& [path, text] :
       {std::pair{info.directory + "/" + record_name, render_record(info, host.facts.boot_id)},
        std::pair{bundle + "/config.json", config}})
    if (auto written = replace_file(path, text, private_file_mode, Durability::process); !written)
      return failure(written.error());
  auto groups = host.cgroups->container(info.spec.pool, info.runtime_id);
  if (auto prepared = host.cgroups->prepare_container(groups); !prepared)
    return failure(prepared.error());
  auto connection = MonitorConnection::spawn(host.monitor_binary, info.spec.id.value, info.directory, reaper);
  if (!connection)
    return connection;
  if (auto sent = (*connection)->send(make_plan(info, options, host)); !sent)
    return failure(sent.error());
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

void remove_stale_probes(const NodePaths& paths) {
  auto ignored = std::error_code{};
  auto stale = std::vector<ContainerId>{};
  for (const auto& entry : std::filesystem::directory_iterator{paths.containers(), ignored}) {
    auto id = ContainerId{entry.path().filename().string()};
    auto directory = open_directory(entry.path().string());
    if (id.value.starts_with(probe_id_prefix) && directory && !seqpacket_connect(*directory, monitor_socket_name))
      stale.push_back(std::move(id));
  }
  for (const auto& id : stale)
    for (const auto& directory :
         {paths.container_directory(id), paths.log_directory(id), paths.layer_directory(id)})
      (void) remove_tree(directory);
}

Result<void> remove_container_files(const ContainerInfo& info, const LaunchHost& host) {
  auto result = Result<void>{};
  for (const auto& directory : {info.directory, host.paths.log_directory(info.spec.id)})
    if (auto removed = remove_tree(directory); !removed)
      result = removed;
  return result;
}

Result<void> sweep_container(const ContainerInfo& info, const LaunchHost& host) {
  auto groups = host.cgroups->container(info.spec.pool, info.runtime_id);
  auto result = Result<void>{};
  // A `create` that was cut off leaves processes that the runtime does not know (cgroup v2, Linux 5.14 and later).
  if (!groups.parent.empty())
    (void) write_file(groups.parent + "/cgroup.kill", "1");
  // `--force` ends whatever of the container still runs.
  auto deleted = run_command(delete_argv(call_of(info), true), delete_deadline, delete_output_limit);
  if (!deleted)
    result = failure(deleted.error());
  else if (deleted->wait_status != 0)
    result = failure(ec::runtime_failed, "delete of " + info.runtime_id, deleted->err);
  auto leftovers = groups.leftovers;
  if (!groups.parent.empty())
    leftovers.push_back(groups.parent);
  for (const auto& directory : leftovers)
    if (auto removed = remove_group(directory); !removed)
      result = removed;
  if (auto removed = remove_tree(host.paths.layer_directory(info.spec.id)); !removed)
    result = removed;
  return result;
}

} // namespace berth
