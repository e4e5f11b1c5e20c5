#include "runtimes/oci_spec.hpp"

#include "runtimes/launch_check.hpp"
#include "runtimes/oci_adapt.hpp"
#include "runtimes/oci_seccomp.hpp"
#include "runtimes/oci_security.hpp"

#include <algorithm>
#include <unordered_map>

#include <nlohmann/json.hpp>

namespace berth {

namespace {

using Json = nlohmann::json;

constexpr auto default_path = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
constexpr uint64_t cpu_period = 100'000; // microseconds, the kernel's default
constexpr size_t max_hostname_size = 63;

Json list_of(std::span<const std::string_view> texts) {
  auto result = Json::array();
  for (auto text : texts)
    result.push_back(std::string{text});
  return result;
}

Json user_of(const ContainerUser& user) {
  auto result = Json{{"uid", user.uid}, {"gid", user.gid}};
  if (!user.additional_gids.empty())
    result["additionalGids"] = user.additional_gids;
  return result;
}

Json capabilities_of(const ContainerUser& user) {
  auto list = list_of(default_capabilities());
  // Without root's uid, execve(2) would take them all; nothing may be inherited or ambient.
  if (user.uid != 0)
    return {{"bounding", list}};
  return {{"bounding", list}, {"effective", list}, {"permitted", list}};
}

Json rlimits_of(const BundleHost& host) {
  auto result = Json::array();
  for (auto& limit : default_rlimits(host.max_open_files))
    result.push_back({{"type", limit.type}, {"soft", limit.soft}, {"hard", limit.hard}});
  return result;
}

Json process_of(const Argv& args, const std::vector<std::string>& env, const std::string& workdir,
                const ContainerUser& user, const BundleHost& host) {
  return {
    {"args", args},
    {"env", env},
    {"cwd", workdir.empty() ? "/" : workdir},
    {"user", user_of(user)},
    {"capabilities", capabilities_of(user)},
    {"noNewPrivileges", true},
    {"rlimits", rlimits_of(host)},
  };
}

Json mount_of(std::string_view destination, std::string_view type, std::string_view source,
              Json options) {
  return {{"destination", destination},
          {"type", type},
          {"source", source},
          {"options", std::move(options)}};
}

Json mounts_of(const BundleRequest& request, const BundleTraits& traits) {
  auto result = Json::array({
    mount_of("/proc", "proc", "proc", {"nosuid", "noexec", "nodev"}),
    mount_of("/dev", "tmpfs", "tmpfs", {"nosuid", "strictatime", "mode=755", "size=65536k"}),
    mount_of("/dev/pts", "devpts", "devpts",
             {"nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620", "gid=5"}),
    mount_of("/dev/shm", "tmpfs", "shm", {"nosuid", "noexec", "nodev", "mode=1777", "size=65536k"}),
    mount_of("/dev/mqueue", "mqueue", "mqueue", {"nosuid", "noexec", "nodev"}),
    mount_of("/sys", "sysfs", "sysfs", {"nosuid", "noexec", "nodev", "ro"}),
  });
  // Without a namespace of its own, a container would see the groups of all others.
  if (request.host.cgroup_namespaces)
    result.push_back(mount_of("/sys/fs/cgroup", "cgroup", "cgroup",
                              {"nosuid", "noexec", "nodev", "relatime", "ro"}));
  for (auto& mount : request.spec.mounts) {
    auto options = traits.recursive_mount_options ? Json{"rbind", "rprivate", "rnosuid", "rnodev"}
                                                  : Json{"rbind", "rprivate", "nosuid", "nodev"};
    if (mount.read_only)
      options.push_back(traits.recursive_mount_options ? "rro" : "ro");
    result.push_back(
      mount_of(normalize_path(mount.destination), "bind", mount.source, std::move(options)));
  }
  return result;
}

Json namespaces_of(const BundleHost& host) {
  auto result = Json::array();
  for (auto type : {"pid", "network", "ipc", "uts", "mount"})
    result.push_back({{"type", type}});
  if (host.cgroup_namespaces)
    result.push_back({{"type", "cgroup"}});
  return result;
}

Json resources_of(const BundleRequest& request, const BundleTraits& traits) {
  // runc adds the standard devices (null, zero, random, tty, …) to these rules by itself.
  auto devices = Json::array({{{"allow", false}, {"access", "rwm"}}});
  for (auto& device : request.devices)
    devices.push_back({{"allow", true},
                       {"type", std::string(1, device.type)},
                       {"major", device.major},
                       {"minor", device.minor},
                       {"access", "rw"}});
  auto result = Json{{"devices", std::move(devices)}};
  auto& limits = traits.limits;
  if (limits.memory_bytes > 0) {
    auto memory = Json{{"limit", limits.memory_bytes}};
    // In OCI terms this is memory and swap together: none of it may be swap, or a limit would only
    // slow a container down.
    if (request.host.swap_limit)
      memory["swap"] = limits.memory_bytes;
    result["memory"] = std::move(memory);
  }
  if (limits.cpu_millis > 0)
    result["cpu"] = {{"period", cpu_period},
                     {"quota", limits.cpu_millis * cpu_period / 1000},
                     // The weight in a contest, 1024 for one CPU; 2 and 262144 are the kernel's
                     // bounds.
                     {"shares", std::clamp<uint64_t>(limits.cpu_millis * 1024 / 1000, 2, 262'144)}};
  if (limits.pids > 0)
    result["pids"] = {{"limit", limits.pids}};
  if (traits.oom_group)
    result["unified"] = {{"memory.oom.group", "1"}};
  return result;
}

Json devices_of(const BundleRequest& request) {
  auto result = Json::array();
  for (auto& device : request.devices)
    result.push_back({{"path", device.path},
                      {"type", std::string(1, device.type)},
                      {"major", device.major},
                      {"minor", device.minor},
                      {"fileMode", device.mode},
                      {"uid", device.uid},
                      {"gid", device.gid}});
  return result;
}

Json condition_of(const SyscallArgument& argument) {
  auto result = Json{{"index", argument.index}, {"value", argument.value}};
  switch (argument.compare) {
    case SyscallArgument::Compare::equal: result["op"] = "SCMP_CMP_EQ"; break;
    case SyscallArgument::Compare::greater: result["op"] = "SCMP_CMP_GT"; break;
    case SyscallArgument::Compare::masked_equal:
      result["op"] = "SCMP_CMP_MASKED_EQ";
      result["valueTwo"] = argument.masked_value;
      break;
  }
  return result;
}

Json seccomp_profile() {
  auto rules = Json::array();
  for (auto& rule : seccomp_rules()) {
    auto entry = Json{{"names", list_of(rule.names)},
                      {"action", rule.error ? "SCMP_ACT_ERRNO" : "SCMP_ACT_ALLOW"}};
    if (rule.error)
      entry["errnoRet"] = *rule.error;
    if (rule.argument)
      entry["args"] = Json::array({condition_of(*rule.argument)});
    rules.push_back(std::move(entry));
  }
  // No list of architectures: the native one.
  return {{"defaultAction", "SCMP_ACT_ERRNO"},
          {"defaultErrnoRet", seccomp_default_error},
          {"syscalls", rules}};
}

Json linux_of(const BundleRequest& request, const BundleTraits& traits) {
  auto result = Json{
    {"cgroupsPath", request.cgroup},
    {"namespaces", namespaces_of(request.host)},
    {"resources", resources_of(request, traits)},
    {"maskedPaths", list_of(masked_paths())},
    {"readonlyPaths", list_of(readonly_paths())},
  };
  if (traits.seccomp) {
    // Made once: it is the same for all, and by far the largest part.
    static const auto profile = seccomp_profile();
    result["seccomp"] = profile;
  }
  if (!request.devices.empty())
    result["devices"] = devices_of(request);
  if (!request.spec.sysctls.empty())
    result["sysctl"] = request.spec.sysctls;
  return result;
}

/// The text of a JSON value; fails for strings that are not UTF-8, which the checks should have
/// found.
Result<std::string> to_text(const Json& json) {
  try {
    return json.dump();
  } catch (const Json::exception& e) {
    return failure(ec::bad_request, "bundle", e.what(), "use UTF-8 in all texts");
  }
}

} // namespace

Result<std::string> render_config(const BundleRequest& request, const RuntimeProfile& profile) {
  auto& spec = request.spec;
  auto traits = adapt_bundle(request, profile);
  if (!traits)
    return failure(traits.error());
  if (request.cgroup.empty())
    return failure(ec::internal, "bundle of container \"" + spec.id.value + "\"",
                   "it has no cgroup");
  auto annotations = Json::object();
  for (auto& [key, value] : spec.labels)
    annotations[label_prefix + key] = value;
  return to_text({
    {"ociVersion", "1.0.2"},
    {"process",
     process_of(spec.args, merge_env(spec.env), spec.workdir, request.user, request.host)},
    // Writable: what lies there is an overlay of ours, not the user's directory.
    {"root", {{"path", "rootfs"}, {"readonly", false}}},
    {"hostname", spec.hostname.empty() ? hostname_of(spec.id) : spec.hostname},
    {"mounts", mounts_of(request, *traits)},
    {"annotations", std::move(annotations)},
    {"linux", linux_of(request, *traits)},
  });
}

Result<std::string> render_process(const LaunchSpec& spec, const ExecRequest& exec,
                                   const BundleHost& host) {
  if (auto checked = check_process(exec.args, exec.env, exec.workdir); !checked)
    return failure(checked.error());
  auto& workdir = exec.workdir.empty() ? spec.workdir : exec.workdir;
  return to_text(process_of(exec.args, merge_env(spec.env, exec.env), workdir, exec.user, host));
}

std::vector<std::string> merge_env(const std::vector<std::string>& env,
                                   const std::vector<std::string>& more) {
  auto result = std::vector<std::string>{};
  auto places = std::unordered_map<std::string, size_t>{};
  auto set = [&](const std::string& variable) {
    auto [place, is_new] = places.emplace(variable.substr(0, variable.find('=')), result.size());
    if (is_new)
      result.push_back(variable);
    else
      result[place->second] = variable;
  };
  set(default_path);
  for (auto* list : {&env, &more})
    for (auto& variable : *list)
      set(variable);
  return result;
}

std::string hostname_of(const ContainerId& id) {
  auto result = id.value.substr(0, max_hostname_size);
  // Ids may have all that names may have, and underscores. A part may neither begin nor end with a
  // hyphen.
  std::replace(result.begin(), result.end(), '_', '-');
  std::replace(result.begin(), result.end(), '.', '-');
  while (!result.empty() && result.back() == '-')
    result.pop_back();
  return result;
}

} // namespace berth
