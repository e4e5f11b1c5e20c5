#pragma once

#include "messages/error.hpp"
#include "messages/types.hpp"

#include <chrono>
#include <string_view>
#include <variant>

/// What `berthd` and a container's `berth-monitor` say to each other.
///
///     BERTHD                                   MONITOR
///       | -- spawn, cwd = container directory --> |
///       | -- MonitorPlan (first packet) --------> |  mounts the root file system, runs `create`
///       | <------------------- MonitorCreated --- |  init exists and waits
///       |    (OOM watch placed, pidfd held)       |
///       | -- StartCommand ----------------------> |  exec.fifo or `start`
///       | <------------------- MonitorStarted --- |
///       | <-------------------- MonitorExited --- |  written to the file `exit` first; may
///       |                                         |  overtake MonitorStarted
///       | <------------------- MonitorDeleted --- |  runtime record, cgroup, mount, layer are gone
///                                                    the monitor ends
///
/// In between, `MonitorWork` tells how long the monitor's steps took.
///
/// `MonitorFailed` ends the story early: nothing of the container is left, and the monitor ends. It
/// comes only for a container whose program never ran; an init that ends between create and start,
/// by itself or by `AbortCommand`, is told as `MonitorExited` like any other.
///
/// The log is complete and closed before `MonitorExited` is sent: whoever reads it for an attached
/// client has read all when it comes to the end of the file after that message. (If something goes
/// on holding the container's pipes, the monitor waits for it for one second and no longer.)
///
/// One packet of a SOCK_SEQPACKET socket is one message. The first connection is the inherited
/// descriptor 3; whoever comes back later connects to `monitor.sock` in the container directory and
/// is told the present state first (all the messages that were ever sent, in order, but for
/// `MonitorSignalFailed`). `monitor.sock` goes when all is told and done; who comes after that finds all of it in the file
/// `story`. If nobody listens, the monitor does its work all the same, but a
/// container that nobody comes back for to start it is given up (`alone_limit_ms`).
namespace berth {

/// Descriptor of the socket that a monitor inherits.
constexpr int monitor_socket_fd = 3;
/// Names below the container directory, which is the monitor's working directory.
constexpr auto monitor_socket_name = "monitor.sock";
constexpr auto monitor_exit_name = "exit";
/// Everything that the monitor has told, before it told it: what somebody has missed who comes back when it has ended.
constexpr auto monitor_story_name = "story";
constexpr auto monitor_pid_name = "pid";
constexpr auto monitor_runtime_log_name = "runtime.log";
/// Root of the container as the runtime sees it: `bundle/rootfs`, mounted in the monitor's own
/// mount namespace only.
constexpr auto bundle_name = "bundle";
constexpr auto rootfs_name = "rootfs";
/// Largest packet either side sends or accepts.
constexpr size_t monitor_packet_limit = 128 * 1024;

/// A monitor that gets no plan ends.
constexpr auto monitor_plan_deadline = std::chrono::seconds{10};
/// When a monitor gives up a `create` or a start by itself, in case no daemon is there to abort it
/// sooner.
constexpr auto monitor_launch_deadline = std::chrono::seconds{120};
constexpr auto monitor_delete_deadline = std::chrono::seconds{30};
constexpr auto monitor_kill_deadline = std::chrono::seconds{10};

/// Everything a monitor has to know; plain data, so that it decides nothing.
struct MonitorPlan {
  /// For `ps`: shown as the process title's argument only.
  std::string container;
  std::string runtime_id;
  /// Complete argument vectors of the runtime. `create` gets the container's stdio. In
  /// `delete_argv` the id is the last one; `--force` is put in front of it where that is needed.
  Argv create_argv;
  Argv start_argv;
  Argv delete_argv;
  /// Without the signal, which is appended as a number: `runsc --root R kill ID`.
  Argv kill_argv;
  /// Non-empty: start by reading this FIFO instead of `start_argv` (`exec.fifo` of runc).
  std::string start_fifo;
  /// The user's root file system, used as the lower layer of an overlay; never written to. Empty:
  /// nothing is mounted, and the container uses `bundle/rootfs` itself.
  std::string rootfs_lower;
  /// Directory for the overlay's upper and work directories; made and removed by the monitor.
  /// Absolute.
  std::string layer_dir;
  /// Absolute path of the log file; its directory exists.
  std::string log_path;
  uint64_t log_max_size = 0;
  uint32_t log_max_files = 1;
  /// cgroup v2: directory of our own parent group, created before `create` and removed after
  /// `delete`. Empty on v1.
  std::string cgroup_parent;
  /// Directory whose memory counters are read between exit and delete: on v2 `cgroup_parent`, on v1
  /// the container's own group in the memory hierarchy.
  std::string memory_cgroup;
  /// cgroup v1: further directories that are removed after `delete` if the runtime left them.
  /// Deepest first.
  std::vector<std::string> leftover_cgroups;
  bool cgroup_v2 = false;
  /// Directory of the runtime's own records. When the runtime cannot remove its own, what is left
  /// is found by the beginning of its name: `<runtime_id>` or `runsc-<runtime_id>`.
  std::string state_root;
  /// How long a container that was not told to start is kept while no daemon is connected; then it
  /// is ended as by `AbortCommand`. 0 is for probes: they end with their daemon, whatever they do.
  uint32_t alone_limit_ms = 120'000;

  friend bool operator==(const MonitorPlan&, const MonitorPlan&) = default;
};

/// BERTHD -> MONITOR: let the created container run.
struct StartCommand {
  friend bool operator==(const StartCommand&, const StartCommand&) = default;
};

/// BERTHD -> MONITOR: deliver a signal through the runtime's `kill` verb (for runtimes whose init
/// takes no signals).
struct SignalCommand {
  int signal = 0;
  friend bool operator==(const SignalCommand&, const SignalCommand&) = default;
};

/// BERTHD -> MONITOR: kill every process below you, clean up and report as usual. Ends a start that
/// hangs, too.
struct AbortCommand {
  friend bool operator==(const AbortCommand&, const AbortCommand&) = default;
};

using MonitorCommand = std::variant<MonitorPlan, StartCommand, SignalCommand, AbortCommand>;

/// Which step of a launch failed.
enum class LaunchStage : uint8_t { plan, mount, create, start };

const char* to_string(LaunchStage stage);

struct MonitorCreated {
  /// Host pid of the container's init, or of the sandbox.
  int32_t pid = 0;
  /// Field 22 of /proc/PID/stat, in clock ticks since boot.
  uint64_t start_time = 0;
  friend bool operator==(const MonitorCreated&, const MonitorCreated&) = default;
};

struct MonitorStarted {
  Timestamp at;
  friend bool operator==(const MonitorStarted&, const MonitorStarted&) = default;
};

/// How the init process ended, and the memory counters at that moment.
struct MonitorExited {
  /// As from waitpid(2).
  int32_t wait_status = 0;
  Timestamp at;
  /// Value of the cgroup's `oom_kill` counter; 0 if it could not be read.
  uint64_t oom_kills = 0;
  /// v2: value of `oom_group_kill`, if the kernel has it.
  uint64_t oom_group_kills = 0;
  /// Bytes; 0 if unknown.
  uint64_t memory_peak = 0;
  /// Bytes; 0 means no limit.
  uint64_t memory_limit = 0;
  friend bool operator==(const MonitorExited&, const MonitorExited&) = default;
};

struct MonitorFailed {
  LaunchStage stage = LaunchStage::plan;
  /// As from waitpid(2) of the runtime; 0 if it was not a process that failed.
  int32_t wait_status = 0;
  /// What the runtime logged (JSON lines) and printed, or a system call with its error; at most 8
  /// KiB.
  std::string message;
  friend bool operator==(const MonitorFailed&, const MonitorFailed&) = default;
};

/// The result of a `SignalCommand` that failed. Success is silent: the exit tells.
struct MonitorSignalFailed {
  int signal = 0;
  std::string message;
  friend bool operator==(const MonitorSignalFailed&, const MonitorSignalFailed&) = default;
};

struct MonitorDeleted {
  /// Empty: everything is gone. Else: what could not be removed and why.
  std::string leftovers;
  friend bool operator==(const MonitorDeleted&, const MonitorDeleted&) = default;
};

/// What a monitor does for its container.
enum class MonitorPhase : uint8_t { prepare, create, start, record, remove };

/// How long one of these took; told before what it led to.
struct MonitorWork {
  MonitorPhase phase = MonitorPhase::prepare;
  /// Nanoseconds of CLOCK_MONOTONIC.
  int64_t began = 0;
  int64_t ended = 0;
  friend bool operator==(const MonitorWork&, const MonitorWork&) = default;
};

using MonitorMessage = std::variant<MonitorCreated, MonitorStarted, MonitorExited, MonitorFailed,
                                    MonitorSignalFailed, MonitorDeleted, MonitorWork>;

std::string encode(const MonitorCommand& command);
std::string encode(const MonitorMessage& message);

/// Fails with `bad_request` on anything that is not exactly one well-formed packet of this version.
Result<MonitorCommand> decode_monitor_command(std::string_view packet);
Result<MonitorMessage> decode_monitor_message(std::string_view packet);

/// A packet as it stands in the file `story`: its length (32 bits, byte order of the machine) is in front of it.
std::string story_entry(std::string_view packet);
/// The packets of a `story`, but for one at its end that is cut off.
std::vector<std::string> read_story(std::string_view text);
/// It is the last one that a monitor tells: nothing is left of the container but files.
bool ends_story(std::string_view packet);
/// Longest `story` that is read; a handful of packets.
constexpr size_t story_limit = 1024 * 1024;

/// Text of the file `exit`: one JSON object with waitStatus, finishedAt, oomKills, oomGroupKills,
/// memoryPeak, memoryLimit.
std::string render_exit_record(const MonitorExited& exited);
Result<MonitorExited> parse_exit_record(std::string_view text);

} // namespace berth
