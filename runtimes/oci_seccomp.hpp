#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

namespace berth {

/// A condition on one argument of a system call.
struct SyscallArgument {
  enum class Compare : uint8_t { equal, greater, masked_equal };

  uint32_t index = 0;
  Compare compare = Compare::equal;
  /// What the argument is compared with; for `masked_equal` the mask.
  uint64_t value = 0;
  /// For `masked_equal` only: what the masked argument must equal.
  uint64_t masked_value = 0;
};

struct SeccompRule {
  std::vector<std::string_view> names;
  /// Nothing: allowed. Else the call fails with this error.
  std::optional<int> error;
  std::optional<SyscallArgument> argument;
};

/// The system calls of a container on runc.
///
/// A list of what is allowed, because a list of what is forbidden grows stale with every kernel
/// release. What no rule names does not exist for the container (ENOSYS): programs fall back as on
/// an older kernel, which they would not do for EPERM.
///
/// Only the native architecture may be used, so no 32-bit programs run on a 64-bit host: each
/// further architecture costs as much again. Measured on runc 1.1.5, added to the CPU time of a
/// start of 25 ms: 3 to 4 ms by these rules, 1 to 3 ms by a list of 57 forbidden calls, 13 ms by
/// three architectures as in Docker's profile.
///
/// Forbidden on purpose, although a program may miss them: namespaces of one's own (each opens much
/// of the kernel to its owner), bpf, perf_event_open, keyctl, userfaultfd, io_uring (many holes,
/// and CRIU cannot save it), and sockets of other families than Unix, IP and netlink (AF_VSOCK
/// leads to the hypervisor, AF_ALG into the kernel's crypto code).
const std::vector<SeccompRule>& seccomp_rules();

/// ENOSYS, for all that is not named.
constexpr int seccomp_default_error = 38;

} // namespace berth
