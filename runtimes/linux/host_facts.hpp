#pragma once

#include "messages/error.hpp"

#include <string>
#include <string_view>

namespace berth {

/// What is known about KVM without using it. None of it proves that a sandbox boots, but it explains why one does not.
struct KvmFacts {
  bool has_device = false;
  bool can_open = false;
  /// The processor shows vmx or svm. Only x86 has these flags.
  bool has_cpu_flag = false;
  bool is_x86 = true;
  /// The device belongs to kvm_pvm: virtual machines without hardware, on which gVisor's platform hangs.
  bool is_pvm = false;
};

struct HostFacts {
  std::string hostname;
  /// "6.1.0-37-amd64".
  std::string kernel;
  std::string boot_id;
  /// Processors that this process may use; at least 1.
  unsigned cpus = 1;
  KvmFacts kvm;
};

Result<HostFacts> read_host_facts();

/// Why KVM will not do, or an empty text if nothing speaks against it.
std::string describe_kvm_problem(const KvmFacts& facts);

/// True if the text of /proc/cpuinfo lists a flag for hardware virtualization.
bool has_virtualization_flag(std::string_view cpuinfo);

/// Of the calling process.
int own_pid();

} // namespace berth
