#pragma once

#include "messages/types.hpp"

namespace berth {

/// Everything in which two prepared OCI runtimes differ. Code that handles containers never asks "is this gVisor?"; it asks
/// the profile. Stored with each container: later verbs use the stored one, whatever the configuration says by then.
struct RuntimeProfile {
  RuntimeKind kind = RuntimeKind::runc;
  /// Absolute path of the executable.
  std::string binary;
  /// As the binary reports it, e.g. "1.1.5" or "release-20240729.0".
  std::string version;
  /// Where the runtime keeps its own container records; one per pool.
  std::string root;
  /// gVisor platform; empty for runc and for gVisor's own default.
  std::string platform;
  /// Global flags between binary and verb (without --root and --log).
  Argv flags;
  /// True: a created container starts when `<root>/<id>/exec.fifo` is read (runc 1.x), which saves a process start.
  /// False: by the `start` verb.
  bool start_by_fifo = false;
  /// True: a signal to the init process reaches the workload (runc). False: only by the `kill` verb (gVisor; the host
  /// process is the sandbox).
  bool init_takes_signals = true;
  /// True: the workload's processes are processes of the host, so the kernel can kill one of them and spare the rest.
  bool has_host_processes = true;

  friend bool operator==(const RuntimeProfile&, const RuntimeProfile&) = default;
};

template <class Inspector>
auto inspect(Inspector& f, RuntimeProfile& x) {
  return f(x.kind, x.binary, x.version, x.root, x.platform, x.flags, x.start_by_fifo, x.init_takes_signals,
           x.has_host_processes);
}

} // namespace berth
