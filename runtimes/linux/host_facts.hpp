#pragma once

#include "messages/error.hpp"

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

namespace berth {

/// What speaks for and against hardware virtualisation. Favourable facts prove nothing: there are hosts on which KVM runs a
/// small guest well and hangs with a real one, so a runtime that needs it has to be tried out.
struct KvmFacts {
  /// /dev/kvm exists.
  bool present = false;
  /// Why it cannot be opened and asked for its version; empty if it can.
  std::string why_not_openable;
  /// The CPU shows `vmx` or `svm`. True on machines that are not x86, where no flag tells.
  bool cpu_can_virtualize = false;
  /// KVM is emulated in software by the module kvm_pvm, in which sandboxes hang.
  bool pvm_module = false;

  friend bool operator==(const KvmFacts&, const KvmFacts&) = default;
};

/// Why KVM cannot be used, in words for an error; empty if nothing speaks against it.
std::string why_no_kvm(const KvmFacts& facts);

/// True if the text of /proc/cpuinfo has the flag `vmx` or `svm`.
bool has_virtualization_flag(std::string_view cpuinfo);

struct HostFacts {
  /// E.g. "6.1.0-18-amd64".
  std::string kernel_release;
  /// Changes with each boot.
  std::string boot_id;
  /// CPUs that this process may run on.
  uint32_t cpus = 1;
  /// Name ("RLIMIT_NOFILE") to hard limit of this process; `no_rlimit` if there is none. No container can be given more.
  std::map<std::string, uint64_t> hard_rlimits;
  KvmFacts kvm;
};

constexpr uint64_t no_rlimit = UINT64_MAX;

/// Asks the kernel. Fails with `system_error` only if /proc is not what it should be.
Result<HostFacts> read_host_facts();

} // namespace berth
