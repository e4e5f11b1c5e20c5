#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace berth {

/// A process that the kernel killed for lack of memory, as its log tells it. A hint only: the log drops lines when there
/// are many, and the name is chosen by the process.
struct OomVictim {
  /// As the host sees it.
  int32_t pid = 0;
  /// At most 15 characters; what is not printable is escaped as "\x1b".
  std::string name;
  /// The memory group of the process, from the root of the hierarchy. Empty if the kernel left the line out that tells it.
  std::string cgroup;

  friend bool operator==(const OomVictim&, const OomVictim&) = default;
};

/// Reads one record of /dev/kmsg, "PRIORITY,SEQUENCE,TIME,FLAGS;TEXT". Nothing if it tells of no victim or was written by
/// a program instead of the kernel.
std::optional<OomVictim> parse_oom_record(std::string_view record);

/// True if the victim was in this group (`ContainerCgroups::oci_path`, or the path of any group) or below.
bool is_in_cgroup(const OomVictim& victim, std::string_view path);

} // namespace berth
