#pragma once

#include "apps/berth/failure.hpp"
#include "messages/types.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace berth::cli {

// What the command shows of the daemon's answers. The daemon may be older or newer than the command: what is missing or
// of another type is left at its default here, and what is unknown is passed on in `json` only.

struct ExitView {
  int code = 0;
  int signal = 0;
  bool oom_killed = false;
  std::string reason;
};

struct ContainerView {
  std::string id;
  std::string pool;
  std::string state;
  std::string runtime;
  std::string configured_runtime;
  /// configured, gpu, checkpoint, fallback
  std::string selection_reason;
  Timestamp accepted_at;
  Timestamp started_at;
  std::optional<ExitView> exit;
  std::vector<std::string> args;
  uint64_t memory_limit = 0;
  std::vector<std::string> warnings;
  /// All of it, on one line.
  std::string json;
};

struct PoolView {
  std::string name;
  std::string state;
  std::string configured_runtime;
  std::string effective_runtime;
  std::string version;
  std::string platform;
  std::string reason;
  uint64_t running = 0;
  uint64_t starting = 0;
  uint64_t queued = 0;
  uint64_t queue_length = 0;
  uint64_t max_containers = 0;
  uint64_t generation = 0;
  uint64_t restarts = 0;
  /// Old generations that still have containers: "2 (gvisor): 3, 1 (runc): 1".
  std::string draining;
  std::string json;
};

struct StatsView {
  std::string id;
  std::string pool;
  std::string runtime;
  uint64_t memory = 0;
  uint64_t memory_peak = 0;
  uint64_t memory_limit = 0;
  uint64_t cpu_ns = 0;
  uint64_t cpu_limit_millis = 0;
  uint64_t pids = 0;
  uint64_t pids_limit = 0;
  uint64_t oom_kills = 0;
  Timestamp time;
  std::string json;
};

struct ServerVersionView {
  std::string version;
  std::string api;
  std::string node;
  uint64_t pid = 0;
  Timestamp started_at;
  std::string json;
};

/// An event, or the gap where some are gone.
struct EventView {
  uint64_t seq = 0;
  std::string time;
  std::string type;
  std::string pool;
  std::string container;
  /// What else it says, values as text.
  std::vector<std::pair<std::string, std::string>> data;
  /// Of a gap: how many events are gone, and whether the daemon has begun to count anew.
  uint64_t missed = 0;
  bool restarted = false;

  /// A value of `data`; empty if there is none.
  std::string_view operator[](std::string_view key) const;
  /// The same as a number; 0 if there is none.
  uint64_t number(std::string_view key) const;
};

/// One line of a container's log, or a gap in it.
struct LogLine {
  std::string time;
  bool from_stderr = false;
  std::string data;
  /// The line goes on in the next one.
  bool partial = false;
  uint64_t missed = 0;
};

/// One line of the stream of an attached container or of `exec`.
struct StreamLine {
  enum class Kind {
    /// A type of a newer daemon: ignore it.
    unknown,
    running,
    output,
    gap,
    oom,
    exited,
  };
  Kind kind = Kind::unknown;
  /// Of `running`, and of `exited` after `run`.
  ContainerView container;
  /// Of `exited` after `exec`.
  std::optional<int> exit_code;
  bool from_stderr = false;
  std::string data;
  uint64_t missed = 0;
  EventView oom;
};

Answer<ContainerView> read_container(std::string_view json);
Answer<std::vector<ContainerView>> read_containers(std::string_view json);
Answer<std::vector<PoolView>> read_pools(std::string_view json);
Answer<PoolView> read_pool(std::string_view json);
Answer<StatsView> read_stats(std::string_view json);
Answer<ServerVersionView> read_version(std::string_view json);

/// Lines of streams. The line with which the daemon ends a stream that it cannot go on with gives its failure.
Answer<EventView> read_event(std::string_view json);
Answer<LogLine> read_log_line(std::string_view json);
Answer<StreamLine> read_stream_line(std::string_view json);

/// The failure in the body of an answer with an error status; makes one up if the body is nothing of the kind.
Failure read_failure(int status, std::string_view body);

/// JSON laid out for people, keys in the order in which they came. What is not JSON comes back as it is.
std::string pretty(std::string_view json);

/// One line of JSON: an object of JSON texts.
std::string one_line_object(const std::vector<std::pair<std::string, std::string>>& members);

/// Those objects of a JSON array that have these values; an empty value stands for any.
std::string pick_members(std::string_view json, const std::vector<std::pair<std::string, std::string>>& wanted);

/// A list of JSON texts as one JSON array, laid out for people.
std::string pretty_list(const std::vector<std::string>& items);

/// The code that a container's end gives the command: its own, or 128+n after signal n.
int exit_code(const ExitView& exit);

/// "running", "exited (0)", "exited (137, out of memory)".
std::string describe_state(const ContainerView& container);

/// "gvisor", "runc (gpu)": a runtime that is not the pool's configured one is never shown without its reason.
std::string describe_runtime(const ContainerView& container);

} // namespace berth::cli
