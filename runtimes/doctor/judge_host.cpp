#include "runtimes/doctor/judge.hpp"

#include <algorithm>
#include <array>
#include <cinttypes>
#include <cstdio>

namespace berth {

namespace {

using enum FindingStatus;

constexpr uint64_t mebibyte = 1024 * 1024;

/// What Berth is tested with, and what it cannot do without: pidfd_open(2), clone3(2), close_range(2) (5.9).
constexpr auto tested_release = std::pair{5, 10};
constexpr auto least_release = std::pair{5, 9};

constexpr auto needed_namespaces = std::array{"ipc", "mnt", "net", "pid", "uts"};
constexpr auto needed_seccomp_actions = std::array{"allow", "errno", "kill_process"};

/// A container has one for its log, and some more may follow it.
constexpr uint64_t good_inotify_instances = 128;
constexpr uint64_t good_inotify_watches = 8192;
/// About six for each of the containers of a large node.
constexpr uint64_t good_open_files = 16'384;
constexpr uint64_t least_open_files = 1024;

struct Capability {
  int number;
  const char* name;
};

/// Of Berth and of the runtimes that it starts.
constexpr auto needed_capabilities =
  std::array{Capability{0, "CAP_CHOWN"},   Capability{1, "CAP_DAC_OVERRIDE"}, Capability{3, "CAP_FOWNER"},    Capability{5, "CAP_KILL"},
             Capability{6, "CAP_SETGID"},  Capability{7, "CAP_SETUID"},       Capability{8, "CAP_SETPCAP"},   Capability{12, "CAP_NET_ADMIN"},
             Capability{18, "CAP_SYS_CHROOT"}, Capability{19, "CAP_SYS_PTRACE"}, Capability{21, "CAP_SYS_ADMIN"}, Capability{27, "CAP_MKNOD"}};
/// Limits above our own, and the names of victims.
constexpr auto useful_capabilities = std::array{Capability{24, "CAP_SYS_RESOURCE"}, Capability{34, "CAP_SYSLOG"}};

constexpr uint64_t least_space = 64 * mebibyte;
constexpr uint64_t good_space = 1024 * mebibyte;
constexpr uint64_t least_inodes = 1000;
constexpr uint64_t good_inodes = 50'000;
constexpr uint64_t least_memory = 128 * mebibyte;
constexpr uint64_t good_memory = 512 * mebibyte;
/// 2024-01-01: no clock that was ever set is behind it.
constexpr int64_t earliest_time = 1'704'067'200;

std::string size_text(uint64_t bytes) {
  char text[32];
  if (bytes < 1024 * mebibyte)
    std::snprintf(text, sizeof(text), "%.1f MiB", static_cast<double>(bytes) / static_cast<double>(mebibyte));
  else
    std::snprintf(text, sizeof(text), "%.1f GiB", static_cast<double>(bytes) / static_cast<double>(1024 * mebibyte));
  return text;
}

/// A value that has to reach `least` to work and `good` to be no trouble.
FindingStatus grade(uint64_t value, uint64_t least, uint64_t good) {
  return value < least ? problem : value < good ? warning : ok;
}

Finding judge_version(const std::string& release) {
  auto version = std::pair{0, 0};
  if (std::sscanf(release.c_str(), "%d.%d", &version.first, &version.second) != 2)
    return make_finding("kernel.version", {}, warning, "Linux \"" + release + "\", a version that is not understood",
                   "compare it with 5.10, the oldest that Berth is tested on");
  auto status = version < least_release ? problem : version < tested_release ? warning : ok;
  return make_finding("kernel.version", {}, status, "Linux " + release, "use Linux 5.10 or newer");
}

template <size_t n>
std::vector<std::string> missing_of(const std::array<const char*, n>& needed, const auto& present) {
  auto result = std::vector<std::string>{};
  for (const auto* name : needed)
    if (std::find(present.begin(), present.end(), name) == present.end())
      result.emplace_back(name);
  return result;
}

Finding judge_inotify(const KernelFacts& facts) {
  if (!facts.inotify_instances || !facts.inotify_watches)
    return make_finding("kernel.inotify", {}, problem, "the kernel has no inotify, by which logs are followed and OOM kills noticed",
                   "use a kernel with CONFIG_INOTIFY_USER");
  auto status = std::max(grade(*facts.inotify_instances, 8, good_inotify_instances),
                         grade(*facts.inotify_watches, 64, good_inotify_watches));
  return make_finding("kernel.inotify", {}, status,
                 std::to_string(*facts.inotify_instances) + " instances and " + std::to_string(*facts.inotify_watches)
                   + " watches for each user",
                 "raise fs.inotify.max_user_instances to 1024 and fs.inotify.max_user_watches to 65536 with sysctl");
}

Finding judge_directory(const char* name, const DirectoryFacts& facts) {
  if (facts.is_link)
    return make_finding(name, facts.path, problem, "a symbolic link, which its owner could turn", "put a directory of root in its place");
  if (facts.exists && !facts.is_directory)
    return make_finding(name, facts.path, problem, "not a directory", "remove it: berthd makes the directory");
  if (!facts.write_fault.empty())
    return make_finding(name, facts.path, problem,
                   "nothing can be made in " + facts.nearest + ": " + facts.write_fault,
                   "make the directory writable for root, or let the node live elsewhere with --root");
  if (!facts.exists)
    return make_finding(name, facts.path, ok, "does not exist; berthd makes it below " + facts.nearest, {});
  char mode[8];
  std::snprintf(mode, sizeof(mode), "%04o", facts.mode & 07777);
  if (facts.owner != 0)
    return make_finding(name, facts.path, problem, "belongs to user " + std::to_string(facts.owner) + ", who could change what is in it",
                   "chown root:root " + facts.path);
  if ((facts.mode & 0022) != 0)
    return make_finding(name, facts.path, problem, std::string{"others may write to it (mode "} + mode + ")", "chmod go-w " + facts.path);
  return make_finding(name, facts.path, ok, std::string{"writable for root alone (mode "} + mode + ")", {});
}

} // namespace

Findings judge_kernel(const KernelFacts& facts) {
  auto result = Findings{judge_version(facts.release)};
  result.push_back(make_finding("kernel.pidfd", {}, facts.pidfd ? ok : problem,
                           facts.pidfd ? "processes can be held (pidfd)" : "pidfd_open(2) does not work",
                           "use Linux 5.10 or newer, and a seccomp filter that knows it if this is a container"));
  auto lacking = missing_of(needed_namespaces, facts.namespaces);
  auto no_cgroup = facts.namespaces.count("cgroup") == 0;
  result.push_back(make_finding("kernel.namespaces", {}, !lacking.empty() ? problem : no_cgroup ? warning : ok,
                           !lacking.empty() ? "no namespaces of these kinds: " + join_words(lacking)
                           : no_cgroup      ? "no cgroup namespaces: containers see the paths of the host's cgroups"
                                            : "all that containers need",
                           "use a kernel with CONFIG_NAMESPACES and all below it"));
  if (!facts.overlay_tried)
    result.push_back(make_finding("kernel.overlay", {}, note, "not tried: only root may mount", "run it as root"));
  else
    result.push_back(make_finding("kernel.overlay", {}, facts.overlay_fault.empty() ? ok : problem,
                             facts.overlay_fault.empty() ? "an overlay was mounted and written to"
                                                         : "containers have no writable layer: " + facts.overlay_fault,
                             "load it (`modprobe overlay`); the state directory may not be on an overlay or NFS itself"));
  auto no_actions = missing_of(needed_seccomp_actions, facts.seccomp_actions);
  result.push_back(make_finding("kernel.seccomp", {}, no_actions.empty() ? ok : problem,
                           no_actions.empty() ? "system calls can be filtered"
                                              : "filters of system calls lack the actions " + join_words(no_actions),
                           "use a kernel with CONFIG_SECCOMP_FILTER"));
  auto has_user_namespaces = facts.namespaces.count("user") > 0 && facts.user_namespaces.value_or(0) > 0;
  result.push_back(make_finding("kernel.userNamespaces", {}, has_user_namespaces ? ok : note,
                           has_user_namespaces ? "up to " + std::to_string(*facts.user_namespaces) + " of them"
                                               : "not available; gVisor isolates itself less without them",
                           "set user.max_user_namespaces with sysctl"));
  result.push_back(judge_inotify(facts));
  result.push_back(make_finding("kernel.openFiles", {}, grade(facts.open_files, least_open_files, good_open_files),
                           "a process may have " + std::to_string(facts.open_files) + " open files (RLIMIT_NOFILE, hard)",
                           "set LimitNOFILE=1048576 in the unit of berthd, or raise it with `ulimit -Hn`"));
  result.push_back(make_finding("kernel.log", {}, facts.kmsg_fault.empty() ? ok : warning,
                           facts.kmsg_fault.empty() ? "readable, so OOM kills name their victims"
                                                    : "OOM kills are told without the victim's name: " + facts.kmsg_fault,
                           "let berthd read /dev/kmsg (CAP_SYSLOG, and the device if this is a container)"));
  return result;
}

Findings judge_permissions(const PermissionFacts& facts) {
  auto result = Findings{};
  result.push_back(make_finding("permissions.root", {}, facts.uid == 0 ? ok : problem,
                           facts.uid == 0 ? "user root"
                                          : "user " + std::to_string(facts.uid) + ": no container was booted, and berthd needs root as well",
                           "run it as root: sudo berth doctor"));
  auto missing = [&](const auto& capabilities) {
    auto names = std::vector<std::string>{};
    for (const auto& capability : capabilities)
      if ((facts.capabilities >> capability.number & 1) == 0)
        names.emplace_back(capability.name);
    return names;
  };
  auto lacking = missing(needed_capabilities);
  auto lesser = missing(useful_capabilities);
  auto status = !lacking.empty() ? problem : !lesser.empty() ? warning : ok;
  lacking.insert(lacking.end(), lesser.begin(), lesser.end());
  if (facts.uid == 0)
    result.push_back(make_finding("permissions.capabilities", {}, status,
                                  lacking.empty() ? "all that Berth and the runtimes use" : "missing: " + join_words(lacking),
                                  "start it outside of a container, or in a privileged one; look at CapabilityBoundingSet= of the unit"));
  result.push_back(judge_directory("permissions.runDirectory", facts.run));
  result.push_back(judge_directory("permissions.stateDirectory", facts.state));
  return result;
}

Findings judge_clock(const ClockFacts& facts) {
  auto result = Findings{};
  if (!facts.is_known)
    result.push_back(make_finding("clock.synchronised", {}, note, "the kernel does not tell (adjtimex)", "look at `timedatectl`"));
  else
    result.push_back(make_finding(
      "clock.synchronised", {}, facts.is_synchronised ? ok : warning,
      facts.is_synchronised ? "off by " + std::to_string(facts.max_error.count() / 1000) + " ms at most" : "nothing keeps the time of this host",
      "start a time service: `timedatectl set-ntp true`, or install chrony"));
  auto reason = std::string{};
  if (facts.real_time < earliest_time)
    reason = "the time of day is before 2024";
  else if (facts.monotonic.count() <= 0)
    reason = "the monotonic clock does not run";
  else if (facts.boot_time < facts.monotonic)
    reason = "the time since the boot is behind the monotonic clock";
  result.push_back(make_finding("clock.sane", {}, reason.empty() ? ok : problem, reason.empty() ? "all clocks agree" : reason,
                           "set the clock (`timedatectl set-time`); a virtual machine may need another clock source"));
  return result;
}

Findings judge_disk(const DiskFacts& facts) {
  if (!facts.fault.empty())
    return {make_finding("disk.space", facts.path, problem, "cannot be looked at: " + facts.fault, "mount its file system")};
  auto result = Findings{};
  result.push_back(make_finding("disk.space", facts.path, grade(facts.available, least_space, good_space),
                           size_text(facts.available) + " of " + size_text(facts.size) + " are free",
                           "make room or mount a larger file system: layers, logs and the journal are there"));
  if (facts.inodes > 0)
    result.push_back(make_finding("disk.inodes", facts.path, grade(facts.free_inodes, least_inodes, good_inodes),
                             std::to_string(facts.free_inodes) + " of " + std::to_string(facts.inodes) + " inodes are free",
                             "remove small files, or make the file system with more inodes"));
  if (facts.is_read_only)
    result.push_back(make_finding("disk.write", facts.path, problem, "mounted read-only", "mount -o remount,rw; look at `dmesg` for why it is"));
  else
    result.push_back(make_finding("disk.write", facts.path, facts.write_fault.empty() ? ok : problem,
                             facts.write_fault.empty() ? "a file was written and synced" : "a file of 1 MiB cannot be written: " + facts.write_fault,
                             "make room, and look at `dmesg` for errors of the disk"));
  return result;
}

Findings judge_memory(const MemoryFacts& facts) {
  auto result = Findings{};
  result.push_back(make_finding("memory.available", {}, grade(facts.available, least_memory, good_memory),
                           size_text(facts.available) + " of " + size_text(facts.total) + " are available",
                           "stop what is not needed, or use a larger host"));
  result.push_back(make_finding("memory.swap", {}, ok, facts.swap_total == 0 ? "none" : size_text(facts.swap_total), {}));
  return result;
}

} // namespace berth
