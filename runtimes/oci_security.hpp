#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

/// What a container may not do, unless its system calls are held back already (oci_seccomp.hpp).
namespace berth {

/// The capabilities of root in a container: Docker's set without three.
///
/// - NET_RAW forges packets of others on a shared network, and modern `ping` does without it.
/// - MKNOD makes device nodes; images come with their own, and the runtime makes the standard ones.
/// - AUDIT_WRITE writes to the host's audit log, which has no namespace.
///
/// What stays is needed by ordinary entry points that begin as root: changing owners and ids,
/// binding low ports, chroot.
std::span<const std::string_view> default_capabilities();

/// Hidden: what tells about the host's hardware, kernel memory, keys and other tenants (side
/// channels), or configures firmware and power. The lists of Docker and containerd of 2025, but for
/// the files thermal_throttle of single CPUs, whose names depend on the host.
std::span<const std::string_view> masked_paths();

/// Visible, but not to be written: the host's own switches, `drop_caches` among them.
std::span<const std::string_view> readonly_paths();

struct Rlimit {
  /// "RLIMIT_NOFILE"
  std::string_view type;
  uint64_t soft = 0;
  uint64_t hard = 0;

  friend bool operator==(const Rlimit&, const Rlimit&) = default;
};

/// Given always, so that a container does not inherit whatever the daemon was started with; nothing
/// above `max_open_files`, the daemon's own hard limit.
std::vector<Rlimit> default_rlimits(uint64_t max_open_files);

} // namespace berth
