#pragma once

#include "messages/container_info.hpp"
#include "messages/error.hpp"

#include <string_view>

/// The durable record of a container, written before anything of it is started: by it, whoever
/// comes after a crash knows what a directory, a cgroup or a runtime's record belongs to. It holds
/// arguments and environment, which may be secret, so its file is for the node only (0600).
namespace berth {

/// Name of the file in the container's directory.
constexpr auto record_name = "launch.json";
/// Raised when an older berthd could misread a newer record.
constexpr uint64_t record_version = 1;

struct ContainerRecord {
  /// As it was accepted: without pid and times of the run, which the monitor tells.
  ContainerInfo info;
  /// /proc/sys/kernel/random/boot_id: processes, mounts and cgroups of another boot are gone.
  std::string boot_id;
};

std::string render_record(const ContainerInfo& info, const std::string& boot_id);

/// Fails with `bad_request` for anything that is not a whole record of a version that is known.
Result<ContainerRecord> parse_record(std::string_view text);

} // namespace berth
