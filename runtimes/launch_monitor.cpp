#include "runtimes/launch_monitor.hpp"

#include "runtimes/container_record.hpp"
#include "runtimes/launch_check.hpp"
#include "runtimes/linux/bundle_host.hpp"
#include "runtimes/linux/file.hpp"
#include "runtimes/linux/process.hpp"
#include "runtimes/linux/rootfs_files.hpp"
#include "runtimes/oci_command.hpp"
#include "runtimes/oci_spec.hpp"

namespace berth {

namespace {

constexpr unsigned log_directory_mode = 0750;
constexpr auto delete_deadline = std::chrono::seconds{20};
constexpr size_t delete_output_limit = 64 * 1024;

RuntimeCall call_of(const ContainerInfo& info) {
  return {info.profile, info.directory + "/" + monitor_runtime_log_name, info.runtime_id};
}

MonitorPlan make_plan(const ContainerInfo& info, const LaunchHost& host) {
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
                                                           const LaunchHost& host, FdMonitor& reaper) {
  auto bundle = info.directory + "/" + bundle_name;
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
  if (auto sent = (*connection)->send(make_plan(info, host)); !sent)
    return failure(sent.error());
  return connection;
}

} // namespace

Result<std::shared_ptr<MonitorConnection>> launch_monitor(const ContainerInfo& info, bool oom_group,
                                                          const LaunchHost& host, FdMonitor& reaper) {
  if (!is_directory(info.spec.rootfs))
    return failure(ec::rootfs_missing, "rootfs \"" + info.spec.rootfs + "\"", "it is not a directory on this node",
                   "unpack an image there, or give another --rootfs");
  auto config = make_config(info, oom_group, host);
  if (!config)
    return failure(config.error());
  auto connection = write_and_spawn(info, *config, host, reaper);
  if (!connection) {
    (void) remove_container_files(info, host);
    (void) remove_group(host.cgroups->container(info.spec.pool, info.runtime_id).parent);
  }
  return connection;
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
