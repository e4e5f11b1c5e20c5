#pragma once

#include "messages/error.hpp"
#include "messages/types.hpp"
#include "runtimes/cgroup_host.hpp"

#include <chrono>
#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <vector>

/// What the doctor learns of a host before it judges: values that a test can write down. A `fault` is the kernel's or a
/// program's own reason, and empty if there is none.
namespace berth {

struct KernelFacts {
  /// "6.1.0-37-amd64".
  std::string release;
  bool pidfd = true;
  /// Names in /proc/self/ns.
  std::set<std::string> namespaces;
  /// An overlay was mounted, written and read with its layer in the state directory.
  std::string overlay_fault;
  /// Without root nothing can be mounted.
  bool overlay_tried = true;
  /// Actions of /proc/sys/kernel/seccomp/actions_avail; empty without filters in the kernel.
  std::vector<std::string> seccomp_actions;
  std::optional<uint64_t> user_namespaces;
  std::optional<uint64_t> inotify_instances;
  std::optional<uint64_t> inotify_watches;
  /// Hard limit of RLIMIT_NOFILE.
  uint64_t open_files = 0;
  std::string kmsg_fault;
};

/// One of the node's directories, or what is in its place.
struct DirectoryFacts {
  std::string path;
  bool exists = false;
  bool is_directory = false;
  /// It is a symbolic link itself.
  bool is_link = false;
  unsigned owner = 0;
  unsigned mode = 0;
  /// The directory or, if it is missing, the nearest one above it.
  std::string nearest;
  /// Why nothing can be made in `nearest`.
  std::string write_fault;
};

struct PermissionFacts {
  unsigned uid = 0;
  /// CapEff of /proc/self/status.
  uint64_t capabilities = 0;
  DirectoryFacts run;
  DirectoryFacts state;
};

struct ClockFacts {
  /// adjtimex(2) answered.
  bool is_known = true;
  bool is_synchronised = true;
  std::chrono::microseconds max_error{0};
  /// Seconds since 1970.
  int64_t real_time = 0;
  std::chrono::nanoseconds monotonic{0};
  /// Goes on while the host sleeps, so never behind `monotonic`.
  std::chrono::nanoseconds boot_time{0};
};

/// The file system of one of the node's directories.
struct DiskFacts {
  /// The directory that was looked at: the node's, or the nearest one that exists.
  std::string path;
  /// statvfs(2) failed.
  std::string fault;
  uint64_t size = 0;
  /// Bytes that may be used.
  uint64_t available = 0;
  /// 0: the file system does not count them.
  uint64_t inodes = 0;
  uint64_t free_inodes = 0;
  bool is_read_only = false;
  /// A file of 1 MiB was written, synced and removed.
  std::string write_fault;
};

struct MemoryFacts {
  /// Bytes.
  uint64_t total = 0;
  uint64_t available = 0;
  uint64_t swap_total = 0;
};

struct CgroupFacts {
  /// Nothing if no container could be limited here.
  std::optional<CgroupHost> host;
  Error fault;
  /// Groups were really made and removed in all hierarchies.
  std::string write_fault;
  /// Where that failed, and what helps.
  std::string write_fix;
  bool write_tried = true;
  bool has_swap_limit = false;
};

/// A file with descriptions of devices (Container Device Interface).
struct CdiFile {
  std::string path;
  /// Why it is broken.
  std::string fault;
  std::string kind;
  size_t devices = 0;

  friend bool operator==(const CdiFile&, const CdiFile&) = default;
};

struct CdiFacts {
  std::vector<std::string> directories;
  std::vector<CdiFile> files;
  /// Some pool names a type of GPU.
  bool is_wanted = false;
};

struct CniFacts {
  std::vector<std::string> directories;
  std::vector<std::string> plugins;
};

/// What depends on a runtime.
enum class BootNeed : uint8_t {
  /// Nothing: somebody only wants to know.
  none,
  /// Pools of another runtime, for work that this one has to do: GPUs, checkpoints, a fallback.
  second_choice,
  /// Pools that go on with runc without it.
  has_fallback,
  /// Pools that take no launches without it.
  firm,
};

/// What became of a container that was really booted.
struct BootFacts {
  RuntimeKind kind = RuntimeKind::runc;
  /// Of gVisor; empty: its default.
  std::string platform;
  BootNeed need = BootNeed::none;
  std::vector<std::string> pools;
  std::string version;
  std::chrono::milliseconds boot_time{0};
  std::optional<Error> fault;
};

struct CriuFacts {
  /// Pools that want checkpoints.
  std::vector<std::string> pools;
  std::string binary;
  /// "4.1.1".
  std::string version;
  std::string missing;
  std::string check_fault;
  /// Of a container that was checkpointed and restored.
  bool trip_tried = false;
  std::optional<Error> trip_fault;
  std::chrono::milliseconds checkpoint_time{0};
  std::chrono::milliseconds restore_time{0};
};

} // namespace berth
