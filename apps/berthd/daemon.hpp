#pragma once

#include "actors/node_context.hpp"
#include "config/settings.hpp"
#include "messages/error.hpp"
#include "messages/reload.hpp"
#include "messages/revision.hpp"
#include "runtimes/linux/unique_fd.hpp"
#include "runtimes/linux/service_manager.hpp"

#include <memory>
#include <optional>
#include <string>

namespace berth {

constexpr auto version = "0.1.0";

struct DaemonOptions {
  Settings settings;
  /// What the settings were read from.
  std::vector<ConfigFile> files;
  /// Reads these files again, for a reload. Called by any thread, which it may block.
  ReadConfig read_config;
  /// Who has started the process; null: nobody who wants to know.
  std::shared_ptr<ServiceManager> service;
  /// Absolute, or empty for the system's directories.
  std::string root;
  /// Empty: the one beside this program.
  std::string monitor_binary;
  /// Whose members may use the API beside root; empty: that of the process.
  std::string socket_group;
  /// Of all components, whatever the configuration says.
  std::optional<LogLevel> log_level;
  RestartLimits restart_limits;
  /// Told of every actor that is started again when it dies, when it is spawned, from any thread: for tests that kill them.
  ActorWatch on_spawn;
};

/// Logs as these settings want it, or all from `level` on if there is one.
void configure_log(const NodeSettings& settings, std::optional<LogLevel> level);

/// The whole node in one process: makes the directories, spawns the actors, serves the API.
class Daemon {
public:
  /// Returns when the API answers; the pools may still be preparing their runtimes.
  static Result<std::unique_ptr<Daemon>> start(DaemonOptions options);

  ~Daemon();

  /// Runs by the configured files as they are now, or changes nothing. Does not wait for it: the log tells what came of it.
  void reload(const std::string& origin);

  /// Takes no launches any more, and stops all containers with the grace periods of their pools. Returns when none runs, or as
  /// soon as `interrupt` is readable.
  void stop_containers(const UniqueFd& interrupt);

  /// Stops serving. The containers go on: each has its own monitor.
  void stop();

private:
  struct Parts;

  explicit Daemon(std::unique_ptr<Parts> parts);

  std::unique_ptr<Parts> parts_;
};

} // namespace berth
