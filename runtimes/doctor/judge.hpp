#pragma once

#include "runtimes/doctor/facts.hpp"
#include "runtimes/doctor/finding.hpp"

/// From what is known of a host to what is told about it. Pure.
namespace berth {

/// kernel.version, .pidfd, .namespaces, .overlay, .seccomp, .userNamespaces, .inotify, .openFiles, .log
Findings judge_kernel(const KernelFacts& facts);

/// permissions.root, .capabilities, .runDirectory, .stateDirectory
Findings judge_permissions(const PermissionFacts& facts);

/// clock.synchronised, .sane
Findings judge_clock(const ClockFacts& facts);

/// disk.space, .inodes, .write, with the directory as subject.
Findings judge_disk(const DiskFacts& facts);

/// memory.available, .swap
Findings judge_memory(const MemoryFacts& facts);

/// cgroup.version, .controllers, .writable, .swap
Findings judge_cgroups(const CgroupFacts& facts);

/// cdi.specs; cdi.broken for each file that is.
Findings judge_cdi(const CdiFacts& facts);

/// cni.plugins
Findings judge_cni(const CniFacts& facts);

/// runtime.runc or runtime.gvisor, with the platform as subject.
Finding judge_boot(const BootFacts& facts);

/// criu.binary, .kernel, .roundTrip
Findings judge_criu(const CriuFacts& facts);

} // namespace berth
