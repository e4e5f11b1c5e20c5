#pragma once

#include "runtimes/doctor/facts.hpp"
#include "runtimes/doctor/host_places.hpp"

/// What the doctor learns from the kernel. Nothing of it fails as a whole: what cannot be found out is a part of the facts.
/// Files that are made on the way are removed again.
namespace berth {

/// Mounts an overlay in a mount namespace of its own for a moment; needs root.
KernelFacts examine_kernel(const HostPlaces& places);

PermissionFacts examine_permissions(const HostPlaces& places);

ClockFacts examine_clock();

/// The file system of `directory`, or of the nearest one above it that exists. Writes and syncs 1 MiB there.
DiskFacts examine_disk(const std::string& directory);

MemoryFacts examine_memory(const HostPlaces& places);

/// Makes and removes groups named `base` (with a slash) in all hierarchies if `may_write` and the host is the running one: what
/// the tables of another one call a cgroup may be any directory here.
CgroupFacts examine_cgroups(const HostPlaces& places, const std::string& base, bool may_write);

/// User id that this process acts as.
unsigned effective_user();

/// A new directory of mode 0700 below `parent`, whose name begins with `prefix`. Fails with `system_error`.
Result<std::string> make_temporary_directory(const std::string& parent, const std::string& prefix);

/// The names in a directory, sorted, without "." and ".."; empty if it cannot be read.
std::vector<std::string> list_directory(const std::string& path);

} // namespace berth
