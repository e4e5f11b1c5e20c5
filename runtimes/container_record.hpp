#pragma once

#include "messages/container_memory.hpp"
#include "messages/error.hpp"

#include <string_view>

/// The durable record of a container, as it stands in the journal and, as it was before anything of it was started, in the
/// container's directory: by it, whoever comes after a crash knows what a directory, a cgroup or a runtime's record belongs to.
/// It holds arguments and environment, which may be secret, so its file is for the node only (0600).
namespace berth {

/// Name of the file in the container's directory.
constexpr auto record_name = "launch.json";
/// Largest record that is read.
constexpr size_t record_limit = 16 * 1024 * 1024;
/// Raised when an older berthd could misread a newer record. 1: without what only the journal has.
constexpr uint64_t record_version = 2;

struct ContainerRecord {
  ContainerMemory memory;
  /// /proc/sys/kernel/random/boot_id: processes, mounts and cgroups of another boot are gone.
  std::string boot_id;
};

std::string render_record(const ContainerMemory& memory, const std::string& boot_id);

/// Fails with `bad_request` for anything that is not a whole record of a version that is known.
Result<ContainerRecord> parse_record(std::string_view text);

} // namespace berth
