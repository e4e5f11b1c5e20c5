#include "runtimes/linux/host_facts.hpp"

#include "runtimes/linux/file.hpp"
#include "runtimes/linux/pidfd.hpp"
#include "runtimes/linux/sys_error.hpp"

#include <algorithm>

#include <fcntl.h>
#include <sched.h>
#include <sys/utsname.h>
#include <unistd.h>

namespace berth {

namespace {

constexpr size_t cpuinfo_limit = 16 * 1024 * 1024;

KvmFacts read_kvm_facts() {
  auto facts = KvmFacts{};
#if !defined(__x86_64__) && !defined(__i386__)
  facts.is_x86 = false;
#endif
  facts.has_device = ::access("/dev/kvm", F_OK) == 0;
  facts.can_open = static_cast<bool>(UniqueFd{::open("/dev/kvm", O_RDWR | O_CLOEXEC)});
  facts.has_cpu_flag = has_virtualization_flag(read_file("/proc/cpuinfo", cpuinfo_limit).value_or(""));
  facts.is_pvm = ::access("/sys/module/kvm_pvm", F_OK) == 0;
  return facts;
}

unsigned count_cpus() {
  auto set = cpu_set_t{};
  if (::sched_getaffinity(0, sizeof(set), &set) != 0)
    return 1;
  return static_cast<unsigned>(std::max(1, CPU_COUNT(&set)));
}

} // namespace

Result<HostFacts> read_host_facts() {
  auto facts = HostFacts{};
  auto name = utsname{};
  if (::uname(&name) != 0)
    return failure(sys_error("uname"));
  facts.hostname = name.nodename;
  facts.kernel = name.release;
  auto boot = boot_id();
  if (!boot)
    return failure(boot.error());
  facts.boot_id = *boot;
  facts.cpus = count_cpus();
  facts.kvm = read_kvm_facts();
  return facts;
}

std::string describe_kvm_problem(const KvmFacts& facts) {
  if (!facts.has_device)
    return "/dev/kvm does not exist";
  if (!facts.can_open)
    return "/dev/kvm cannot be opened";
  if (facts.is_pvm)
    return "/dev/kvm belongs to kvm_pvm, which has no hardware virtualization";
  if (facts.is_x86 && !facts.has_cpu_flag)
    return "the processor shows neither vmx nor svm";
  return {};
}

bool has_virtualization_flag(std::string_view cpuinfo) {
  auto begin = cpuinfo.find("\nflags");
  if (begin == std::string_view::npos)
    return false;
  auto line = cpuinfo.substr(begin + 1, cpuinfo.find('\n', begin + 1) - begin - 1);
  auto has = [&](std::string_view flag) {
    for (auto at = line.find(flag); at != std::string_view::npos; at = line.find(flag, at + 1)) {
      auto end = at + flag.size();
      if (line[at - 1] == ' ' && (end == line.size() || line[end] == ' '))
        return true;
    }
    return false;
  };
  return has("vmx") || has("svm");
}

int own_pid() {
  return ::getpid();
}

} // namespace berth
