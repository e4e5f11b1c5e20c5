#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace berth::cli {

// What each verb was asked to do: the command line, checked as far as it can be without the daemon.

using KeyValue = std::pair<std::string, std::string>;

struct MountOption {
  std::string source;
  std::string destination;
  bool read_only = false;

  friend bool operator==(const MountOption&, const MountOption&) = default;
};

/// What of a launch decides about its runtime and limits.
struct NeedsOptions {
  std::string memory;
  std::string cpu;
  std::optional<uint64_t> pids;
  uint32_t gpus = 0;
  bool checkpoint = false;
};

struct RunOptions : NeedsOptions {
  std::string pool;
  std::string rootfs; ///< absolute
  std::string id;
  std::vector<std::string> args;
  std::vector<std::string> env; ///< "KEY=VALUE"
  std::string workdir;
  std::string user;
  std::string hostname;
  std::vector<KeyValue> labels;
  std::vector<MountOption> mounts;
  bool remove = false;
  std::vector<KeyValue> sysctls;
  std::vector<std::string> devices;
  /// Record the messages of this launch.
  bool trace = false;
  /// Give the container TRACEPARENT.
  bool pass_trace = false;
  bool detach = false;
  bool json = false;
};

struct ExecOptions {
  std::string id;
  std::vector<std::string> args;
  std::vector<std::string> env; ///< "KEY=VALUE"
  std::string workdir;
  std::string user;
  bool json = false;
};

struct PsOptions {
  bool all = false;
  bool quiet = false;
  bool no_trunc = false;
  std::string pool;
  bool json = false;
};

struct InspectOptions {
  std::vector<std::string> ids;
};

struct LogsOptions {
  std::string id;
  bool follow = false;
  bool timestamps = false;
  /// RFC 3339 or a duration; empty: from the beginning.
  std::string since;
  std::optional<uint64_t> tail;
  bool json = false;
};

struct WaitOptions {
  std::vector<std::string> ids;
  bool json = false;
};

struct StopOptions {
  std::vector<std::string> ids;
  bool all = false;
  /// Seconds, decimal; empty: the pool's grace period.
  std::string timeout;
  bool json = false;
};

struct KillOptions {
  std::vector<std::string> ids;
  std::string signal = "KILL";
  bool json = false;
};

struct RmOptions {
  std::vector<std::string> ids;
  bool all = false;
  bool force = false;
  bool json = false;
};

struct StatsOptions {
  std::vector<std::string> ids;
  bool follow = false;
  bool json = false;
};

struct PoolsOptions {
  std::string name;
  bool json = false;
};

struct PlanOptions {
  std::string file; ///< absolute
  bool no_try_out = false;
  std::string timeout;
  uint64_t timeout_ms = 120'000;
  bool allow_fallback = false;
  bool json = false;
};

/// How a change of the configuration is carried out.
struct ChangeFlags {
  std::string timeout;
  uint64_t timeout_ms = 120'000;
  std::string drain = "wait";
  bool allow_fallback = false;
  bool json = false;
};

struct ApplyOptions {
  std::string file; ///< absolute
  ChangeFlags change;
};

struct ReloadOptions {
  ChangeFlags change;
};

struct RollbackOptions {
  /// Empty: the one before the present.
  std::string revision;
  ChangeFlags change;
};

struct HistoryOptions {
  bool json = false;
};

struct DoctorOptions {
  /// Show the ledger of the daemon's start, and nothing else.
  bool reconcile = false;
  std::string config; ///< absolute; empty: the daemon's default
  std::string monitor;
  /// Where the host's /proc, /etc and so on are; empty: at the top.
  std::string prefix;
  std::vector<std::string> checks;
  bool all_platforms = false;
  std::string timeout;
  std::optional<uint64_t> timeout_ms;
  bool json = false;
};

/// `debug bundle`.
struct DebugOptions {
  /// Absolute: an archive if it ends with .tar.gz or .tgz, else a directory.
  std::string output;
  bool force = false;
  /// The daemon's log; empty: from the journal of the service manager.
  std::string log;
  bool no_doctor = false;
  DoctorOptions doctor;
};

struct DrainOptions {
  /// Seconds; empty: at once.
  std::string deadline;
  bool cancel = false;
  bool json = false;
};

struct TraceOptions {
  std::string id;
  std::string trace;
  std::string pool;
  std::string actor;
  std::string message;
  std::string slow;
  bool follow = false;
  /// Empty: leave it as it is.
  std::string record;
  bool status = false;
  bool json = false;
  bool perfetto = false;
};

struct ActorsOptions {
  /// Number of an actor; empty: the list.
  std::string show;
  std::string kind;
  std::string pool;
  bool json = false;
};

struct TopOptions {
  std::chrono::milliseconds delay{2000};
  /// 0: until somebody ends it.
  uint64_t count = 0;
  bool json = false;
};

struct LogOptions {
  /// As they were given.
  std::vector<std::string> words;
  /// Empty: all.
  std::string component;
  /// A level or "reset"; empty: show them.
  std::string level;
  bool json = false;
};

struct EventsOptions {
  std::optional<uint64_t> since;
  bool follow = true;
  std::string types;
  std::string pool;
  std::string container;
  bool json = false;
};

struct OomOptions {
  std::optional<uint64_t> since;
  bool follow = true;
  bool json = false;
};

struct ValidateOptions {
  std::string file;
  bool json = false;
};

struct WhyOptions : NeedsOptions {
  /// Of a container; else `pool` of a launch that has not been.
  std::string id;
  std::string pool;
  bool json = false;
};

struct VersionOptions {
  bool json = false;
};

using VerbOptions =
  std::variant<RunOptions, ExecOptions, PsOptions, InspectOptions, LogsOptions, WaitOptions, StopOptions, KillOptions,
               RmOptions, StatsOptions, PoolsOptions, PlanOptions, ApplyOptions, ReloadOptions, RollbackOptions,
               HistoryOptions, DoctorOptions, DebugOptions, DrainOptions, EventsOptions, OomOptions, TraceOptions,
               ActorsOptions, TopOptions, ValidateOptions, VersionOptions, LogOptions, WhyOptions>;

/// Where the daemon listens.
struct Endpoint {
  std::string socket_path = "/run/berth/berth.sock";
  /// "start it with `berthd --config FILE`"
  std::string start_hint;

  friend bool operator==(const Endpoint&, const Endpoint&) = default;
};

} // namespace berth::cli
