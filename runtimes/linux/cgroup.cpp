#include "runtimes/linux/cgroup.hpp"

#include "runtimes/linux/file.hpp"
#include "runtimes/linux/sys_error.hpp"

#include <algorithm>
#include <chrono>
#include <functional>
#include <memory>
#include <thread>

#include <dirent.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

using namespace std::chrono_literals;

namespace berth {

namespace {

constexpr size_t table_limit = 16 * 1024 * 1024;
/// No cgroup file that is read here comes near this.
constexpr size_t cgroup_file_limit = 16 * 1024;
constexpr unsigned group_mode = 0755;
/// Containers can be allowed to make groups; one that nests them deeper than this is not followed.
constexpr int max_depth = 64;

/// Without these a container could not be limited; without the others it only lacks a feature.
constexpr const char* needed_controllers[] = {"memory", "pids", "cpu"};
constexpr const char* useful_controllers[] = {"io", "cpuset"};

struct CloseDirectory {
  void operator()(DIR* directory) const {
    ::closedir(directory);
  }
};

using Directory = std::unique_ptr<DIR, CloseDirectory>;

Directory open_listing(int parent, const char* name) {
  auto fd = UniqueFd{::openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)};
  if (!fd)
    return nullptr;
  auto result = Directory{::fdopendir(fd.get())};
  if (result)
    fd.release();
  return result;
}

/// The names of the groups right below one.
std::vector<std::string> groups_in(DIR* group) {
  auto result = std::vector<std::string>{};
  while (auto entry = ::readdir(group)) {
    auto name = std::string{entry->d_name};
    if (entry->d_type == DT_DIR && name != "." && name != "..")
      result.push_back(std::move(name));
  }
  return result;
}

bool is_cgroup(DIR* directory) {
  struct statfs info = {};
  return ::fstatfs(::dirfd(directory), &info) == 0
         && (info.f_type == CGROUP_SUPER_MAGIC || info.f_type == CGROUP2_SUPER_MAGIC);
}

/// Removes one group that has no groups below it. A group is busy until the kernel has let go of its last process, which
/// is a moment after the process was reaped.
bool remove_leaf(int parent, const char* name, std::chrono::milliseconds& patience) {
  auto pause = 1ms;
  while (::unlinkat(parent, name, AT_REMOVEDIR) != 0 && errno != ENOENT) {
    if (errno != EBUSY || patience < pause)
      return false;
    std::this_thread::sleep_for(pause);
    patience -= pause;
    pause *= 2;
  }
  return true;
}

Result<void> remove_below(int parent, const std::string& name, int depth,
                          std::chrono::milliseconds& patience) {
  auto group = open_listing(parent, name.c_str());
  if (!group)
    return errno == ENOENT ? Result<void>{} : failure(sys_error("open", name));
  if (depth > max_depth || !is_cgroup(group.get()))
    return failure(ec::system_error, "rmdir " + name,
                   depth > max_depth ? "groups are nested too deep" : "not a cgroup");
  for (auto& inner : groups_in(group.get()))
    if (auto removed = remove_below(::dirfd(group.get()), inner, depth + 1, patience); !removed)
      return removed;
  if (!remove_leaf(parent, name.c_str(), patience))
    return failure(sys_error("rmdir", name));
  return {};
}

size_t count_below(int parent, const std::string& name, int depth) {
  auto group = open_listing(parent, name.c_str());
  if (!group || depth > max_depth)
    return 0;
  auto result = size_t{0};
  for (auto& inner : groups_in(group.get()))
    result += 1 + count_below(::dirfd(group.get()), inner, depth + 1);
  return result;
}

Result<void> make_group(const std::string& directory) {
  if (::mkdir(directory.c_str(), group_mode) != 0 && errno != EEXIST)
    return failure(sys_error("mkdir", directory));
  return {};
}

/// Lets the groups below one (v2) have a controller of their own.
Result<void> enable(const std::string& directory, const std::string& controller) {
  auto written = write_file(directory + "/cgroup.subtree_control", "+" + controller);
  if (written)
    return {};
  auto error = std::move(written.error());
  error.next = "let Berth alone manage " + directory
               + ": no process may be in it, and its own parent has to offer the controller";
  return failure(std::move(error));
}

/// Gives the groups below one (v2) the controllers that containers need, those that it has already excepted.
Result<void> enable_all(const CgroupHost& host, const std::string& directory) {
  auto present = read_file(directory + "/cgroup.subtree_control", cgroup_file_limit);
  if (!present)
    return failure(std::move(present.error()));
  auto enabled = split_words(*present);
  auto missing = [&](const char* controller) {
    return host.controllers.count(controller) > 0
           && std::find(enabled.begin(), enabled.end(), controller) == enabled.end();
  };
  for (auto controller : needed_controllers)
    if (missing(controller))
      if (auto done = enable(directory, controller); !done)
        return done;
  for (auto controller : useful_controllers)
    if (missing(controller))
      (void)enable(directory, controller);
  return {};
}

/// One group below which files are read; a group that does not exist reads as having no files.
class GroupReader {
public:
  explicit GroupReader(const std::string& path) : path_(path) {
    if (auto directory = open_directory(path))
      directory_ = std::move(*directory);
  }

  Result<std::string> text(const char* name) const {
    if (!directory_)
      return failure(ec::system_error, "open " + path_, "the group does not exist");
    return read_file_at(directory_, name, cgroup_file_limit);
  }

  std::optional<uint64_t> count(const char* name) const {
    auto file = text(name);
    return file ? parse_counter(*file) : std::nullopt;
  }

  uint64_t limit(const char* name) const {
    auto file = text(name);
    return file ? parse_limit(*file).value_or(0) : 0;
  }

  CpuTimes cpu_times() const {
    return parse_cpu_stat(text("cpu.stat").value_or(""));
  }

private:
  std::string path_;
  UniqueFd directory_;
};

Result<ContainerStats> read_stats_v1(const ContainerCgroups& container) {
  auto memory = GroupReader{container.memory};
  auto oom = memory.text("memory.oom_control").and_then(parse_oom_control);
  if (!oom)
    return failure(std::move(oom.error()));
  auto result = ContainerStats{};
  result.memory_current = memory.count("memory.usage_in_bytes").value_or(0);
  result.memory_peak = memory.count("memory.max_usage_in_bytes");
  result.memory_limit = memory.limit("memory.limit_in_bytes");
  result.cpu_usage_ns = GroupReader{container.cpu_usage}.count("cpuacct.usage");
  result.cpu_throttled_ns = GroupReader{container.cpu_limits}.cpu_times().throttled_ns;
  result.pids = GroupReader{container.pids}.count("pids.current");
  result.oom_kills = oom->oom_kill;
  return result;
}

Result<ContainerStats> read_stats_v2(const ContainerCgroups& container) {
  auto ours = GroupReader{container.parent};
  auto runtime = GroupReader{container.memory_limits};
  auto events = ours.text("memory.events").and_then(parse_memory_events);
  if (!events)
    return failure(std::move(events.error()));
  auto result = ContainerStats{};
  result.memory_current = ours.count("memory.current").value_or(0);
  result.memory_peak = runtime.count("memory.peak");
  if (!result.memory_peak)
    result.memory_peak = ours.count("memory.peak");
  result.memory_limit = runtime.limit("memory.max");
  result.cpu_usage_ns = ours.cpu_times().usage_ns;
  result.cpu_throttled_ns = runtime.cpu_times().throttled_ns;
  result.pids = ours.count("pids.current");
  result.oom_kills = events->oom_kill;
  return result;
}

} // namespace

Result<CgroupHost> detect_cgroup_host() {
  auto mounts = read_file("/proc/self/mountinfo", table_limit);
  if (!mounts)
    return failure(std::move(mounts.error()));
  auto controllers = std::string{};
  for (auto& mount : parse_cgroup_mounts(*mounts))
    if (mount.v2 && controllers.empty())
      controllers =
          read_file(mount.mount_point + "/cgroup.controllers", cgroup_file_limit).value_or("");
  // Without cgroup v1 in the kernel there may be no such file.
  auto table = read_file("/proc/cgroups", cgroup_file_limit).value_or("");
  return describe_cgroup_host(*mounts, table, controllers);
}

CgroupRoot::CgroupRoot(CgroupHost host, std::string base)
    : host_(std::move(host)), base_(std::move(base)) {
  // nop
}

Result<CgroupRoot> CgroupRoot::open(CgroupHost host, std::string base) {
  if (base.size() < 2 || base.front() != '/' || base.back() == '/')
    return failure(ec::internal, "cgroup \"" + base + "\"", "not an absolute path");
  auto result = CgroupRoot{std::move(host), std::move(base)};
  auto& memory = result.host_.controllers.at("memory");
  if (result.host_.version == CgroupVersion::v1) {
    result.has_swap_limit_ = ::access((memory + "/memory.memsw.limit_in_bytes").c_str(), F_OK) == 0;
    return result;
  }
  // From the root on, one level at a time.
  for (auto end = size_t{0}; end != std::string::npos;) {
    if (auto enabled = enable_all(result.host_, memory + result.base_.substr(0, end)); !enabled)
      return failure(std::move(enabled.error()));
    end = result.base_.find('/', end + 1);
    if (auto made = make_group(memory + result.base_.substr(0, end)); !made)
      return failure(std::move(made.error()));
  }
  auto group = memory + result.base_;
  if (auto enabled = enable_all(result.host_, group); !enabled)
    return failure(std::move(enabled.error()));
  // The root group has no such files, so there was no telling before.
  result.has_swap_limit_ = ::access((group + "/memory.swap.max").c_str(), F_OK) == 0;
  result.has_oom_group_ = ::access((group + "/memory.oom.group").c_str(), F_OK) == 0;
  return result;
}

Result<void> CgroupRoot::prepare_pool(const PoolName& pool) const {
  if (host_.version == CgroupVersion::v1)
    return {};
  auto group = host_.controllers.at("memory") + base_ + "/" + pool.value;
  if (auto made = make_group(group); !made)
    return made;
  return enable_all(host_, group);
}

ContainerCgroups CgroupRoot::container(const PoolName& pool, const std::string& runtime_id) const {
  return container_cgroups(host_, base_, pool, runtime_id);
}

Result<void> CgroupRoot::prepare_container(const ContainerCgroups& container) const {
  if (container.parent.empty())
    return {};
  if (auto made = make_group(container.parent); !made)
    return made;
  return enable_all(host_, container.parent);
}

void CgroupRoot::remove_pool(const PoolName& pool) const {
  // Fails where a container is left, and that is as it should be.
  for (auto& hierarchy : host_.hierarchies)
    ::rmdir((hierarchy + base_ + "/" + pool.value).c_str());
}

void CgroupRoot::remove_all() const {
  for (auto& hierarchy : host_.hierarchies) {
    auto group = hierarchy + base_;
    if (auto listing = open_listing(AT_FDCWD, group.c_str()))
      for (auto& pool : groups_in(listing.get()))
        ::unlinkat(::dirfd(listing.get()), pool.c_str(), AT_REMOVEDIR);
    ::rmdir(group.c_str());
  }
}

std::vector<FoundGroup> CgroupRoot::list() const {
  auto result = std::vector<FoundGroup>{};
  for (const auto& hierarchy : host_.hierarchies) {
    auto base = hierarchy + base_;
    auto pools = open_listing(AT_FDCWD, base.c_str());
    if (!pools)
      continue;
    for (const auto& pool : groups_in(pools.get()))
      if (auto containers = open_listing(::dirfd(pools.get()), pool.c_str()))
        for (const auto& name : groups_in(containers.get()))
          result.push_back({pool, name, base + "/" + pool + "/" + name});
  }
  return result;
}

size_t CgroupRoot::count_groups() const {
  auto result = size_t{0};
  for (auto& hierarchy : host_.hierarchies)
    result += count_below(AT_FDCWD, hierarchy + base_, 0);
  return result;
}

Result<void> remove_group(const std::string& directory) {
  // A name that got lost on the way here would mean all groups of a pool.
  if (directory.empty() || directory.back() == '/')
    return failure(ec::internal, "rmdir \"" + directory + "\"", "not a group");
  auto patience = 300ms;
  return remove_below(AT_FDCWD, directory, 0, patience);
}

Result<ContainerStats> read_container_stats(const CgroupHost& host,
                                            const ContainerCgroups& container) {
  return host.version == CgroupVersion::v1 ? read_stats_v1(container) : read_stats_v2(container);
}

} // namespace berth
