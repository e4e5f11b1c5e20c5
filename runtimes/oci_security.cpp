#include "runtimes/oci_security.hpp"

#include <algorithm>
#include <array>

namespace berth {

std::span<const std::string_view> default_capabilities() {
  static constexpr auto list = std::array<std::string_view, 11>{
    "CAP_CHOWN",   "CAP_DAC_OVERRIDE", "CAP_FOWNER", "CAP_FSETID",
    "CAP_KILL",    "CAP_SETFCAP",      "CAP_SETGID", "CAP_SETPCAP",
    "CAP_SETUID",  "CAP_NET_BIND_SERVICE",           "CAP_SYS_CHROOT",
  };
  return list;
}

std::span<const std::string_view> masked_paths() {
  static constexpr auto list = std::array<std::string_view, 12>{
    "/proc/acpi",
    "/proc/asound",
    "/proc/interrupts",
    "/proc/kcore",
    "/proc/keys",
    "/proc/latency_stats",
    "/proc/sched_debug",
    "/proc/scsi",
    "/proc/timer_list",
    "/proc/timer_stats",
    "/sys/devices/virtual/powercap",
    "/sys/firmware",
  };
  return list;
}

std::span<const std::string_view> readonly_paths() {
  static constexpr auto list = std::array<std::string_view, 5>{"/proc/bus", "/proc/fs", "/proc/irq",
                                                               "/proc/sys", "/proc/sysrq-trigger"};
  return list;
}

std::vector<Rlimit> default_rlimits(uint64_t max_open_files) {
  // The soft limit that select(2) can serve; a hard limit of billions makes programs that close
  // "all" descriptors slow.
  constexpr uint64_t soft_files = 1024;
  constexpr uint64_t hard_files = 1'048'576;
  auto hard = std::min(hard_files, max_open_files);
  return {{"RLIMIT_NOFILE", std::min(soft_files, hard), hard}};
}

} // namespace berth
