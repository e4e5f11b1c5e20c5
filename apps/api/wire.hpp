#pragma once

#include "messages/actors.hpp"
#include "messages/event.hpp"
#include "messages/ledger.hpp"
#include "messages/log_levels.hpp"
#include "messages/node.hpp"
#include "messages/reload.hpp"
#include "messages/revision.hpp"
#include "messages/self_check.hpp"
#include "messages/trace.hpp"
#include "runtimes/cri_log.hpp"

#include <optional>
#include <string>
#include <string_view>

/// The API's JSON. Reading is strict, because a key that is ignored is a wish that is ignored:
/// every failure is a `bad_request` that names the key by its path (`mounts[1].source`). Writing
/// gives one line of text, keys in camelCase, times in RFC 3339; bytes that are not UTF-8 are
/// replaced, but for container output, which becomes base64.
namespace berth {

struct ContainerStats;

// -- reading ------------------------------------------------------------------------------------

/// The body of a launch. Only its form is checked here; what it may ask for is checked by the node.
Result<LaunchSpec> parse_launch_request(std::string_view body);

/// The body of a question why: of a launch only what decides about it.
Result<ExplainLaunch> parse_why_request(std::string_view body);

/// A process to be run in a container that runs already.
struct ExecOrder {
  Argv args;
  /// "KEY=VALUE" each; added to the container's environment.
  std::vector<std::string> env;
  /// Empty: the container's.
  std::string workdir;
  /// Empty: the container's.
  std::string user;

  friend bool operator==(const ExecOrder&, const ExecOrder&) = default;
};

Result<ExecOrder> parse_exec_order(std::string_view body);

/// The bodies of a plan, an apply, a reload and a rollback. Who asks (`options.origin`) is up to the caller.
Result<PlanConfig> parse_plan_request(std::string_view body);
Result<ApplyConfig> parse_apply_request(std::string_view body);
Result<Reload> parse_reload_request(std::string_view body);
Result<RollBack> parse_rollback_request(std::string_view body);

/// Sets levels of the daemon's log.
struct LogOrder {
  /// One of `log_components`; empty: all that have no level of their own.
  std::string component;
  /// Nothing: go back to what is configured.
  std::optional<LogLevel> level;

  friend bool operator==(const LogOrder&, const LogOrder&) = default;
};

Result<LogOrder> parse_log_request(std::string_view body);

// -- writing: whole answers ---------------------------------------------------------------------

/// What `GET /v1/version` tells.
struct ServerVersion {
  std::string version;
  std::string node;
  Timestamp started_at;
  int pid = 0;
};

/// What `GET /v1/log` tells.
struct LogStatus {
  LogLevels current;
  LogLevels configured;
};

std::string to_wire(const LogStatus& status);
std::string to_wire(const ServerVersion& version);
std::string to_wire(const Health& health);
std::string to_wire(const Error& error);
std::string to_wire(const PoolInfo& pool);
std::string to_wire(const PoolInfos& pools);
std::string to_wire(const ContainerInfo& container);
std::string to_wire(const ContainerInfos& containers);
std::string to_wire(const Explanation& explanation);

std::string to_wire(const Plan& plan);
std::string to_wire(const Receipt& receipt);
std::string to_wire(const RevisionInfos& revisions);
std::string to_wire(const Ledger& ledger);
std::string to_wire(const DrainReport& report);
std::string to_wire(const SpanBatch& batch);
std::string to_wire(const TracingState& state);
std::string to_wire(const std::vector<ActorInfo>& actors);
std::string to_wire(const ActorInfo& actor, const ActorState& state);

/// What a container used at `time`. Values that the kernel does not tell are null.
std::string to_wire(const ContainerInfo& container, const ContainerStats& stats, Timestamp time);

/// The container has come to its end, and the end is known.
bool has_ended(const ContainerInfo& container);

/// 126 and 127 as in a shell for commands that are not executable and not found; 125 for everything
/// else.
int exit_code_of(const Error& error);

/// The status of an HTTP answer that tells this error.
int http_status_of(const Error& error);

// -- writing: lines of streams, newline included ------------------------------------------------

std::string event_line(const Event& event);
std::string span_line(const SpanInfo& span);
std::string gap_line(uint64_t missed);

/// The reader's cursor is of another node, or of a journal that was removed: nobody knows how many events it missed.
std::string restart_line();
std::string error_line(const Error& error);
std::string running_line(const ContainerInfo& container);
std::string exited_line(const ContainerInfo& container);
std::string exited_line(int exit_code);
std::string output_line(LogStream stream, std::string_view bytes);
std::string oom_line(const Event& event);
std::string log_line(const CriLogEntry& entry);

/// Says nothing, but keeps a reader's time limit from passing.
constexpr std::string_view heartbeat_line = "\n";

} // namespace berth
