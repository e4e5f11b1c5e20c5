#pragma once

#include "messages/log_levels.hpp"
#include "messages/selection.hpp"
#include "messages/span.hpp"
#include "messages/types.hpp"

#include <chrono>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace berth {

/// Where a value was written: "berth.yaml:12:14"; empty for a built-in default.
struct Origin {
  std::string file;
  int line = 0;
  int column = 0;

  friend bool operator==(const Origin&, const Origin&) = default;
};

/// "FILE:LINE:COL", or "default".
std::string to_string(const Origin& origin);

/// A setting and the place it came from.
template <class T>
struct Sourced {
  T value{};
  Origin origin;
};

/// May GPU or checkpoint work leave a gVisor pool for runc?
enum class OverridePolicy : uint8_t { allow, deny };

/// What happens to a pool whose configured runtime cannot be prepared.
enum class UnavailablePolicy : uint8_t { fallback, fail };

/// "allow" / "deny".
const char* to_string(OverridePolicy policy);
/// "fallback" / "fail".
const char* to_string(UnavailablePolicy policy);

/// What a container gets when it asks for nothing, and the most it may ask for; 0 means none.
struct LimitRange {
  uint64_t standard = 0;
  uint64_t ceiling = 0;

  friend bool operator==(const LimitRange&, const LimitRange&) = default;
};

/// Launches that wait while a pool is full. Length 0: no queue.
struct QueueSettings {
  uint32_t length = 0;
  std::chrono::milliseconds timeout{30'000};
};

/// Where one value came from, finer than `Sourced` where a setting has several parts.
struct Provenance {
  Origin origin;
  /// The key that was written, if it is another one than the value's own:
  /// "worker.terminationGracePeriod".
  std::string via;
};

/// One worker pool as the operator wrote it, complete and valid.
struct PoolSettings {
  PoolName name;
  Sourced<RuntimeKind> runtime{RuntimeKind::runc, {}};
  RuntimeSource runtime_source = RuntimeSource::builtin;
  /// "", "kvm", "ptrace" or "systrap".
  Sourced<std::string> gvisor_platform;
  /// The operator's state root for gVisor; the pools keep theirs below it. Empty: the node's default (/run/gvisor, or
  /// below the directory given by --root).
  Sourced<std::string> gvisor_root;
  Sourced<Argv> gvisor_extra_args;
  Sourced<OverridePolicy> overrides{OverridePolicy::allow, {}};
  Sourced<UnavailablePolicy> on_runtime_unavailable{UnavailablePolicy::fallback, {}};
  /// 0: no limit.
  Sourced<uint32_t> max_containers;
  /// 0: the node picks (twice the CPUs).
  Sourced<uint32_t> max_concurrent_starts;
  Sourced<QueueSettings> queue;
  Sourced<std::chrono::seconds> termination_grace_period{std::chrono::seconds{30}, {}};
  Sourced<LimitRange> memory; ///< bytes
  Sourced<LimitRange> cpu;    ///< thousandths of a CPU
  Sourced<LimitRange> pids;
  /// An OOM kill of any process ends the whole container.
  Sourced<bool> oom_group{false, {}};
  Sourced<bool> criu_enabled{false, {}};
  Sourced<std::string> gpu_type;
  /// What `worker.containerRuntime` says, also where the pool's own runtime counts; without an origin
  /// it says nothing.
  Sourced<RuntimeKind> worker_runtime{RuntimeKind::runc, {}};
  /// As `Settings::provenance`, by the keys below the pool: "memory.max".
  std::map<std::string, Provenance> provenance;
};

/// `berth.logs`: container logs on disk.
struct LogSettings {
  /// Bytes after which a container's log is rotated.
  uint64_t max_size = 16 * 1024 * 1024;
  /// How many files are kept, the current one included; at least 1.
  uint32_t max_files = 4;
};

/// `berth.tracing`: what is recorded of the messages between actors, and for how long.
struct TracingSettings {
  Sourced<TracingMode> mode{TracingMode::requested, {}};
  /// Spans in memory; each takes about half a KiB.
  Sourced<uint32_t> max_spans{32'768, {}};
  Sourced<std::chrono::milliseconds> max_age{std::chrono::hours{1}, {}};
  /// Spans a second; what begins above that is not recorded.
  Sourced<uint32_t> max_rate{20'000, {}};
  /// Base address of a collector that takes OTLP over HTTP: "http://127.0.0.1:4318". Empty: none.
  Sourced<std::string> otlp;
};

/// The node's own section `berth`.
struct NodeSettings {
  Sourced<LogSettings> logs;
  /// How long a runtime may take to boot and end the container that proves that it works.
  Sourced<std::chrono::milliseconds> probe_timeout{std::chrono::milliseconds{10'000}, {}};
  /// How long a launch may take from its start slot to `running`.
  Sourced<std::chrono::milliseconds> start_timeout{std::chrono::milliseconds{60'000}, {}};
  /// Paths of the runtime binaries; a bare name is looked up in PATH.
  Sourced<std::string> runc_binary{"runc", {}};
  Sourced<std::string> runsc_binary{"runsc", {}};
  /// How many past events are kept for `events --since`.
  Sourced<uint32_t> event_history{65'536, {}};
  /// And for how long.
  Sourced<std::chrono::milliseconds> event_max_age{std::chrono::hours{24 * 7}, {}};
  TracingSettings tracing;
  /// The daemon's own log, not those of containers.
  Sourced<LogFormat> log_format{LogFormat::text, {}};
  Sourced<LogLevel> log_level{LogLevel::debug, {}};
  /// Of components that have one of their own, by name.
  std::map<std::string, Sourced<LogLevel>> log_levels;
  /// Where metrics are served beside the API's socket: "127.0.0.1:9477". Empty: nowhere.
  Sourced<std::string> metrics_listen;

  LogLevels levels_of_log() const;
};

/// Defaults for all pools, given at the level of `worker`. The pools have them applied already.
struct WorkerSettings {
  Sourced<RuntimeKind> container_runtime{RuntimeKind::runc, {}};
  Sourced<std::chrono::seconds> termination_grace_period{std::chrono::seconds{30}, {}};
};

/// A key that is accepted but has no effect here.
struct IgnoredKey {
  std::string path; ///< "worker.pools.gpu.poolSizing"
  std::string why;
  Origin origin;
};

/// Something valid that the operator may not expect: settings that work against each other or have
/// no effect.
struct Notice {
  std::string path; ///< "worker.pools.sandbox.criuEnabled"
  std::string what;
  Origin origin;
};

/// A whole configuration, valid: whoever holds one need not check it again.
struct Settings {
  NodeSettings node;
  WorkerSettings worker;
  /// By name.
  std::map<std::string, PoolSettings> pools;
  std::vector<IgnoredKey> ignored;
  std::vector<Notice> notices;
  /// Every value that was written, by its path ("worker.pools.web.memory.max"); what is missing here
  /// is a default.
  std::map<std::string, Provenance> provenance;
};

} // namespace berth
