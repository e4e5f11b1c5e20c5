#include "runtimes/linux/checkup.hpp"

#include "runtimes/linux/cgroup.hpp"
#include "runtimes/linux/file.hpp"
#include "runtimes/linux/mount.hpp"
#include "runtimes/linux/retry.hpp"
#include "runtimes/linux/sys_error.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <ctime>
#include <thread>

#include <dirent.h>
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <sys/timex.h>
#include <sys/utsname.h>
#include <unistd.h>

namespace berth {

namespace {

constexpr size_t table_limit = 16 * 1024 * 1024;
constexpr size_t sample_size = 1024 * 1024;

std::string reason_of(int error) {
  return std::strerror(error);
}

std::string reason_of(const Error& error) {
  return error.subject + ": " + error.reason;
}

std::optional<uint64_t> read_number(const std::string& path) {
  auto text = read_file(path, 4096);
  return text ? parse_counter(*text) : std::nullopt;
}

std::string nearest_directory(std::string path) {
  while (path.size() > 1 && !is_directory(path)) {
    auto slash = path.rfind('/');
    path = slash == 0 || slash == std::string::npos ? "/" : path.substr(0, slash);
  }
  return path;
}

/// A private directory that goes with what is in it.
class Scratch {
public:
  explicit Scratch(const std::string& parent) : path_(make_temporary_directory(parent, ".berth-doctor-")) {
    // nop
  }

  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;

  ~Scratch() {
    if (path_)
      (void) remove_tree(*path_);
  }

  const Result<std::string>& path() const {
    return path_;
  }

private:
  Result<std::string> path_;
};

/// Writes through an overlay and reads below it. On a thread of its own, because the mount namespace is the thread's.
Result<void> try_overlay_here(const std::string& scratch) {
  if (auto entered = enter_private_mount_namespace(); !entered)
    return entered;
  for (const auto* name : {"/lower", "/layer", "/target"})
    if (auto made = make_directories(scratch + name, private_directory_mode); !made)
      return made;
  auto lower = open_directory(scratch + "/lower");
  auto layer = open_directory(scratch + "/layer");
  if (!lower || !layer)
    return failure(lower ? layer.error() : lower.error());
  auto target = scratch + "/target";
  if (auto mounted = mount_overlay(*lower, *layer, target); !mounted)
    return mounted;
  auto written = replace_file(target + "/sample", "berth", private_file_mode, Durability::process);
  auto read = read_file(scratch + "/layer/upper/sample", 64);
  (void) unmount(target);
  if (!written)
    return written;
  if (!read)
    return failure(read.error());
  if (*read != "berth")
    return failure(ec::system_error, "overlay", "what was written is not in its layer");
  return {};
}

std::string overlay_fault(const std::string& directory) {
  auto scratch = Scratch{directory};
  if (!scratch.path())
    return reason_of(scratch.path().error());
  auto result = Result<void>{};
  std::thread{[&] { result = try_overlay_here(*scratch.path()); }}.join();
  return result ? std::string{} : reason_of(result.error());
}

DirectoryFacts examine_directory(const std::string& path) {
  auto facts = DirectoryFacts{};
  facts.path = path;
  struct stat info = {};
  if (::lstat(path.c_str(), &info) == 0) {
    facts.exists = true;
    facts.is_link = S_ISLNK(info.st_mode);
    facts.is_directory = S_ISDIR(info.st_mode);
    facts.owner = info.st_uid;
    facts.mode = info.st_mode;
  }
  facts.nearest = nearest_directory(path);
  if (::access(facts.nearest.c_str(), W_OK | X_OK) != 0)
    facts.write_fault = reason_of(errno);
  return facts;
}

std::chrono::nanoseconds clock_time(clockid_t clock) {
  auto time = timespec{};
  if (::clock_gettime(clock, &time) != 0)
    return {};
  return std::chrono::seconds{time.tv_sec} + std::chrono::nanoseconds{time.tv_nsec};
}

std::string write_sample(const std::string& directory) {
  auto scratch = Scratch{directory};
  if (!scratch.path())
    return reason_of(scratch.path().error());
  // Not zeros, which a file system might not store.
  auto sample = std::string(sample_size, '\0');
  for (auto i = size_t{0}; i < sample.size(); ++i)
    sample[i] = static_cast<char>(i * 31 + i / 251);
  auto written = replace_file(*scratch.path() + "/sample", sample, private_file_mode, Durability::disk);
  return written ? std::string{} : reason_of(written.error());
}

/// A group of a container's depth in every hierarchy: that is where the right to make them shows.
void try_groups(CgroupFacts& facts, const std::string& base) {
  auto root = CgroupRoot::open(*facts.host, base);
  auto fail_with = [&](const Error& error) {
    facts.write_fault = reason_of(error);
    facts.write_fix = error.next;
  };
  if (!root)
    return fail_with(root.error());
  facts.has_swap_limit = root->has_swap_limit();
  auto pool = PoolName{"doctor"};
  if (auto prepared = root->prepare_pool(pool); !prepared)
    fail_with(prepared.error());
  for (const auto& hierarchy : facts.host->hierarchies) {
    // On v2 it is there already.
    if (auto made = make_directories(hierarchy + base + "/doctor/sample", 0755); !made && facts.write_fault.empty())
      fail_with(made.error());
    (void) remove_group(hierarchy + base);
  }
}

} // namespace

KernelFacts examine_kernel(const HostPlaces& places) {
  auto facts = KernelFacts{};
  auto name = utsname{};
  if (::uname(&name) == 0)
    facts.release = name.release;
  facts.pidfd = static_cast<bool>(UniqueFd{static_cast<int>(::syscall(SYS_pidfd_open, ::getpid(), 0))});
  for (const auto& kind : list_directory(places.proc + "/self/ns"))
    facts.namespaces.insert(kind);
  facts.overlay_tried = effective_user() == 0;
  if (facts.overlay_tried)
    facts.overlay_fault = overlay_fault(nearest_directory(places.state_directory));
  facts.seccomp_actions = split_words(read_file(places.proc + "/sys/kernel/seccomp/actions_avail", 4096).value_or(""));
  facts.user_namespaces = read_number(places.proc + "/sys/user/max_user_namespaces");
  facts.inotify_instances = read_number(places.proc + "/sys/fs/inotify/max_user_instances");
  facts.inotify_watches = read_number(places.proc + "/sys/fs/inotify/max_user_watches");
  auto files = rlimit{};
  if (::getrlimit(RLIMIT_NOFILE, &files) == 0)
    facts.open_files = files.rlim_max;
  auto kmsg = places.dev + "/kmsg";
  if (auto fd = UniqueFd{::open(kmsg.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC)}; !fd)
    facts.kmsg_fault = reason_of(sys_error("open", kmsg));
  return facts;
}

PermissionFacts examine_permissions(const HostPlaces& places) {
  auto facts = PermissionFacts{};
  facts.uid = effective_user();
  auto status = read_file(places.proc + "/self/status", table_limit).value_or("");
  constexpr auto key = std::string_view{"\nCapEff:\t"};
  if (auto at = status.find(key); at != std::string::npos) {
    auto begin = status.data() + at + key.size();
    std::from_chars(begin, status.data() + status.size(), facts.capabilities, 16);
  }
  facts.run = examine_directory(places.run_directory);
  facts.state = examine_directory(places.state_directory);
  return facts;
}

ClockFacts examine_clock() {
  auto facts = ClockFacts{};
  auto state = timex{};
  auto answer = ::adjtimex(&state);
  facts.is_known = answer >= 0;
  facts.is_synchronised = answer >= 0 && answer != TIME_ERROR && (state.status & STA_UNSYNC) == 0;
  facts.max_error = std::chrono::microseconds{state.maxerror};
  facts.real_time = std::chrono::duration_cast<std::chrono::seconds>(clock_time(CLOCK_REALTIME)).count();
  // In this order, the second of two clocks that agree is never behind.
  facts.monotonic = clock_time(CLOCK_MONOTONIC);
  facts.boot_time = clock_time(CLOCK_BOOTTIME);
  return facts;
}

DiskFacts examine_disk(const std::string& directory) {
  auto facts = DiskFacts{};
  facts.path = nearest_directory(directory);
  struct statvfs info = {};
  if (retry([&] { return ::statvfs(facts.path.c_str(), &info); }) != 0) {
    facts.fault = reason_of(errno);
    return facts;
  }
  facts.size = uint64_t{info.f_blocks} * info.f_frsize;
  facts.available = uint64_t{info.f_bavail} * info.f_frsize;
  facts.inodes = info.f_files;
  facts.free_inodes = info.f_favail;
  facts.is_read_only = (info.f_flag & ST_RDONLY) != 0;
  if (!facts.is_read_only)
    facts.write_fault = write_sample(facts.path);
  return facts;
}

MemoryFacts examine_memory(const HostPlaces& places) {
  auto text = read_file(places.proc + "/meminfo", table_limit).value_or("");
  auto bytes = [&](const std::string& key) {
    auto at = text.find(key + ":");
    auto value = uint64_t{0};
    if (at == std::string::npos)
      return value;
    auto begin = text.find_first_not_of(' ', at + key.size() + 1);
    if (begin != std::string::npos)
      std::from_chars(text.data() + begin, text.data() + text.size(), value);
    return value * 1024;
  };
  return {bytes("MemTotal"), bytes("MemAvailable"), bytes("SwapTotal")};
}

CgroupFacts examine_cgroups(const HostPlaces& places, const std::string& base, bool may_write) {
  auto facts = CgroupFacts{};
  auto mounts = read_file(places.proc + "/self/mountinfo", table_limit);
  if (!mounts) {
    facts.fault = mounts.error();
    return facts;
  }
  auto controllers = std::string{};
  for (const auto& mount : parse_cgroup_mounts(*mounts))
    if (mount.v2 && controllers.empty())
      controllers = read_file(places.prefix + mount.mount_point + "/cgroup.controllers", table_limit).value_or("");
  auto host = describe_cgroup_host(*mounts, read_file(places.proc + "/cgroups", table_limit).value_or(""), controllers);
  if (!host) {
    facts.fault = host.error();
    return facts;
  }
  facts.host = *host;
  facts.write_tried = may_write && places.prefix.empty();
  if (facts.write_tried)
    try_groups(facts, base);
  return facts;
}

unsigned effective_user() {
  return ::geteuid();
}

Result<std::string> make_temporary_directory(const std::string& parent, const std::string& prefix) {
  auto path = (parent == "/" ? "" : parent) + "/" + prefix + "XXXXXX";
  if (::mkdtemp(path.data()) == nullptr)
    return failure(sys_error("mkdtemp", path));
  return path;
}

std::vector<std::string> list_directory(const std::string& path) {
  auto result = std::vector<std::string>{};
  auto* directory = ::opendir(path.c_str());
  if (directory == nullptr)
    return result;
  while (const auto* entry = ::readdir(directory)) {
    auto name = std::string{entry->d_name};
    if (name != "." && name != "..")
      result.push_back(std::move(name));
  }
  ::closedir(directory);
  std::sort(result.begin(), result.end());
  return result;
}

} // namespace berth
