#include "runtimes/linux/host_facts.hpp"

#include "runtimes/linux/file.hpp"
#include "runtimes/linux/pidfd.hpp"
#include "runtimes/linux/sys_error.hpp"

#include <algorithm>

#include <fcntl.h>
#include <linux/kvm.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/utsname.h>
#include <unistd.h>

namespace berth {

namespace {

constexpr auto kvm_path = "/dev/kvm";

/// With thousands of CPUs, each a few KiB.
constexpr size_t cpuinfo_limit = 64 * 1024 * 1024;

constexpr std::pair<const char*, __rlimit_resource_t> rlimit_names[] = {
    {"RLIMIT_AS", RLIMIT_AS},
    {"RLIMIT_CORE", RLIMIT_CORE},
    {"RLIMIT_CPU", RLIMIT_CPU},
    {"RLIMIT_DATA", RLIMIT_DATA},
    {"RLIMIT_FSIZE", RLIMIT_FSIZE},
    {"RLIMIT_LOCKS", RLIMIT_LOCKS},
    {"RLIMIT_MEMLOCK", RLIMIT_MEMLOCK},
    {"RLIMIT_MSGQUEUE", RLIMIT_MSGQUEUE},
    {"RLIMIT_NICE", RLIMIT_NICE},
    {"RLIMIT_NOFILE", RLIMIT_NOFILE},
    {"RLIMIT_NPROC", RLIMIT_NPROC},
    {"RLIMIT_RSS", RLIMIT_RSS},
    {"RLIMIT_RTPRIO", RLIMIT_RTPRIO},
    {"RLIMIT_RTTIME", RLIMIT_RTTIME},
    {"RLIMIT_SIGPENDING", RLIMIT_SIGPENDING},
    {"RLIMIT_STACK", RLIMIT_STACK},
};

std::map<std::string, uint64_t> read_hard_rlimits() {
  auto result = std::map<std::string, uint64_t>{};
  for (auto [name, resource] : rlimit_names) {
    auto limit = rlimit{};
    if (::getrlimit(resource, &limit) == 0)
      result.emplace(name, limit.rlim_max == RLIM_INFINITY ? no_rlimit : limit.rlim_max);
  }
  return result;
}

uint32_t count_cpus() {
  // A fixed set would not do on hosts with more CPUs than it has room for.
  for (auto room = size_t{CPU_SETSIZE}; room <= size_t{CPU_SETSIZE} * 1024; room *= 2) {
    auto set = CPU_ALLOC(room);
    auto size = CPU_ALLOC_SIZE(room);
    auto failed = ::sched_getaffinity(0, size, set) != 0;
    auto count = failed ? 0 : CPU_COUNT_S(size, set);
    CPU_FREE(set);
    if (!failed)
      return static_cast<uint32_t>(count);
  }
  return 1;
}

std::string try_kvm() {
  auto device = UniqueFd{::open(kvm_path, O_RDWR | O_CLOEXEC)};
  if (!device)
    return sys_error("open", kvm_path).reason;
  auto version = ::ioctl(device.get(), KVM_GET_API_VERSION, 0);
  if (version < 0)
    return sys_error("ioctl", kvm_path).reason;
  return version == KVM_API_VERSION ? "" : "it has API version " + std::to_string(version);
}

KvmFacts read_kvm_facts(std::string_view machine) {
  auto result = KvmFacts{};
  result.present = ::access(kvm_path, F_OK) == 0;
  if (result.present)
    result.why_not_openable = try_kvm();
  result.pvm_module = is_directory("/sys/module/kvm_pvm");
  auto is_x86 = machine == "x86_64" || machine == "i686";
  result.cpu_can_virtualize =
      !is_x86 || has_virtualization_flag(read_file("/proc/cpuinfo", cpuinfo_limit).value_or(""));
  return result;
}

} // namespace

std::string why_no_kvm(const KvmFacts& facts) {
  if (!facts.present)
    return "/dev/kvm does not exist";
  if (!facts.why_not_openable.empty())
    return "/dev/kvm cannot be used: " + facts.why_not_openable;
  if (facts.pvm_module)
    return "/dev/kvm is emulated by the module kvm_pvm, in which sandboxes hang";
  if (!facts.cpu_can_virtualize)
    return "the CPU has neither vmx nor svm (nested virtualisation is off)";
  return {};
}

bool has_virtualization_flag(std::string_view cpuinfo) {
  while (!cpuinfo.empty()) {
    auto line = cpuinfo.substr(0, cpuinfo.find('\n'));
    cpuinfo.remove_prefix(std::min(cpuinfo.size(), line.size() + 1));
    auto colon = line.find(':');
    if (!line.starts_with("flags") || colon == std::string_view::npos)
      continue;
    auto flags = std::string{line.substr(colon + 1)} + " ";
    return flags.find(" vmx ") != std::string::npos || flags.find(" svm ") != std::string::npos;
  }
  return false;
}

Result<HostFacts> read_host_facts() {
  auto result = HostFacts{};
  auto names = utsname{};
  if (::uname(&names) != 0)
    return failure(sys_error("uname"));
  auto boot = boot_id();
  if (!boot)
    return failure(std::move(boot.error()));
  result.kernel_release = names.release;
  result.boot_id = std::move(*boot);
  result.cpus = count_cpus();
  result.hard_rlimits = read_hard_rlimits();
  result.kvm = read_kvm_facts(names.machine);
  return result;
}

} // namespace berth
