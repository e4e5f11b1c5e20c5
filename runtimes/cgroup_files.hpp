#pragma once

#include "messages/error.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

/// Parsers of the kernel's cgroup files and of the tables that tell where they are. Pure: text in, value out. Keys and
/// fields that are not known are skipped, because newer kernels add some.
namespace berth {

/// A whole number with at most one newline behind it, nothing else; nothing if it is not one or does not fit.
std::optional<uint64_t> parse_counter(std::string_view text);

/// The value of `key` in a file of "KEY VALUE" lines; nothing if the key is missing or its value is not a count.
std::optional<uint64_t> flat_value(std::string_view text, std::string_view key);

/// The words of a text, which may be separated by spaces and newlines.
std::vector<std::string> split_words(std::string_view text);

/// Text of a limit file: bytes, or 0 for no limit ("max" on cgroup v2; on v1 a count of pages so large that nothing can
/// reach it). Nothing if it is neither.
std::optional<uint64_t> parse_limit(std::string_view text);

/// The counters of a cgroup v2 `memory.events` file that we act on.
struct MemoryEvents {
  /// Processes that the kernel killed in this group and below.
  uint64_t oom_kill = 0;
  /// How often it killed a whole group; nothing before Linux 5.17.
  std::optional<uint64_t> oom_group_kill;

  friend bool operator==(const MemoryEvents&, const MemoryEvents&) = default;
};

/// Fails with `system_error` if there is no `oom_kill`, without which nothing can be told.
Result<MemoryEvents> parse_memory_events(std::string_view text);

/// A cgroup v1 `memory.oom_control` file.
struct OomControl {
  /// Processes that the kernel killed in this group, without those below.
  uint64_t oom_kill = 0;
  /// A process waits for memory right now.
  bool under_oom = false;

  friend bool operator==(const OomControl&, const OomControl&) = default;
};

/// Fails with `system_error` if there is no `oom_kill` (Linux before 4.13).
Result<OomControl> parse_oom_control(std::string_view text);

/// CPU time in nanoseconds.
struct CpuTimes {
  std::optional<uint64_t> usage_ns;
  std::optional<uint64_t> throttled_ns;

  friend bool operator==(const CpuTimes&, const CpuTimes&) = default;
};

/// A `cpu.stat` file: of cgroup v2 (microseconds), or of v1 (nanoseconds, without the usage).
CpuTimes parse_cpu_stat(std::string_view text);

/// One mount of a cgroup hierarchy in /proc/self/mountinfo.
struct CgroupMount {
  /// Which group is seen at the mount point; "/" unless somebody shows us a part only.
  std::string root;
  std::string mount_point;
  bool v2 = false;
  /// Options of the file system; on v1 the controllers are among them.
  std::vector<std::string> options;

  friend bool operator==(const CgroupMount&, const CgroupMount&) = default;
};

/// The cgroup mounts that can be reached (no other mount lies over them), oldest first. Lines that are not of the expected
/// form are skipped.
std::vector<CgroupMount> parse_cgroup_mounts(std::string_view mountinfo);

/// The names of the controllers in the text of /proc/cgroups, disabled ones included.
std::vector<std::string> parse_proc_cgroups(std::string_view text);

} // namespace berth
