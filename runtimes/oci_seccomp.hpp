#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

namespace berth {

/// A condition on one argument of a system call.
struct SyscallArgument {
  uint32_t index = 0;
  uint64_t value = 0;
  /// Set: `value` is a mask, and the masked argument must equal this. Else the argument must equal
  /// `value`.
  std::optional<uint64_t> masked_value;
};

struct SeccompRule {
  std::vector<std::string_view> names;
  /// Nothing: allowed. Else the call fails with this error.
  std::optional<int> error;
  std::optional<SyscallArgument> argument;
};

/// The system calls of a container on runc; what no rule names fails with EPERM.
///
/// A list of what is allowed, because a list of what is forbidden grows stale with every kernel
/// release: calls that are newer than this list get ENOSYS from runc, as from an old kernel, and
/// programs know how to live with that. Measured on runc 1.1.5, added to a `create` of 14 to 18 ms:
/// 3.5 to 4 ms, a list of 57 forbidden calls 2 ms, Docker's rules (three architectures) 13 ms. So
/// only the native architecture may be used: no 32-bit programs on a 64-bit host.
///
/// Forbidden on purpose, although a program may miss them: namespaces of one's own (each opens much
/// of the kernel to its owner), bpf, perf_event_open, keyctl, userfaultfd, io_uring (many holes,
/// and CRIU cannot save it), and sockets of other families than Unix, IP and netlink (AF_VSOCK
/// leads to the hypervisor, AF_ALG into the kernel's crypto code).
const std::vector<SeccompRule>& seccomp_rules();

/// EPERM, for all that is not named.
constexpr int seccomp_default_error = 1;

} // namespace berth
