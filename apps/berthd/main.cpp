#include "actors/log.hpp"
#include "apps/berthd/daemon.hpp"
#include "config/load_settings.hpp"
#include "runtimes/linux/process.hpp"
#include "runtimes/linux/service_manager.hpp"
#include "runtimes/linux/signals.hpp"

#include <CLI/CLI.hpp>

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <filesystem>

namespace {

/// sysexits.h: the configuration is at fault, so starting again is no use (systemd: RestartPreventExitStatus).
constexpr int exit_config = 78;
constexpr int exit_usage = 2;
constexpr int exit_failure = 1;

constexpr auto description = "berthd - runs the containers of the worker pools of one node";
constexpr auto footer = R"(Examples:
  berthd --config /etc/berth/berth.yaml
  berthd --config berth.yaml --root /tmp/node1 --log-level info

The daemon stays in the foreground and logs to stderr. SIGTERM and SIGINT end it; its containers go on (but for
--stop-containers), and the next berthd takes them over. SIGHUP makes it
read its configuration again and run by it, or change nothing if that is not possible; the log has the receipt.
`berth reload` does the same and waits for it.

Environment, as systemd sets it for Type=notify and WatchdogSec=:
  NOTIFY_SOCKET   told when the daemon is ready, reloads and stops
  WATCHDOG_USEC   told twice in this time that all is well, if every actor answers
  WATCHDOG_PID    the process that this is meant for
Exit codes: 0 ended by a signal, 1 it could not start, 2 usage, 70 an actor died that cannot be started again (a defect: please
report it), 78 the configuration is wrong.)";

std::vector<berth::ConfigFile> files_of(const std::vector<berth::ConfigText>& texts) {
  auto result = std::vector<berth::ConfigFile>{};
  for (const auto& text : texts)
    result.push_back({text.file, text.text});
  return result;
}

berth::Result<std::vector<berth::ConfigFile>> read_again(const std::string& config) {
  auto texts = berth::read_config_files(config);
  if (!texts)
    return berth::failure(berth::to_error(texts.error()));
  return files_of(*texts);
}

/// What the configuration says that may not be meant.
void log_remarks(const berth::Settings& settings) {
  auto about = berth::log::ThreadContext{{"config", {}, {}, {}}};
  for (const auto& notice : settings.notices)
    berth::log::warn("configuration notice",
                     {{"key", notice.path}, {"what", notice.what}, {"origin", to_string(notice.origin)}});
  for (const auto& key : settings.ignored)
    berth::log::info("configuration key ignored",
                     {{"key", key.path}, {"why", key.why}, {"origin", to_string(key.origin)}});
}

struct Options {
  std::string config = "/etc/berth/berth.yaml";
  std::string root;
  std::string monitor;
  std::string socket_group;
  std::string log_level;
  bool stop_containers = false;
};

} // namespace

int main(int argc, char** argv) {
  auto options = Options{};
  auto app = CLI::App{description, "berthd"};
  app.footer(footer);
  app.set_version_flag("--version", std::string{"berthd "} + berth::version);
  app.add_option("--config", options.config, "Configuration file; drop-ins in conf.d/*.yaml beside it are merged in")
    ->type_name("FILE")
    ->capture_default_str();
  app.add_option("--root", options.root, "Keep socket (DIR/berth.sock) and state below this directory")->type_name("DIR");
  app.add_option("--monitor", options.monitor, "The berth-monitor executable (default: beside berthd)")
    ->type_name("FILE");
  app.add_option("--group", options.socket_group, "Group whose members may use the API's socket (default: root's)")
    ->type_name("GROUP");
  app.add_option("--log-level", options.log_level,
                 "debug, info, warn or error, whatever `berth.log` of the configuration says; `berth log level` changes it later")
    ->type_name("LEVEL");
  app.add_flag("--stop-containers", options.stop_containers,
               "Stop all containers when SIGTERM or SIGINT ends the daemon; a second signal leaves the rest running");
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& ex) {
    return app.exit(ex) == 0 ? 0 : exit_usage;
  }
  auto level = berth::parse_log_level(options.log_level);
  if (!level && !options.log_level.empty()) {
    std::fprintf(stderr, "berthd: --log-level: \"%s\" is none of debug, info, warn, error\n", options.log_level.c_str());
    return exit_usage;
  }
  if (level)
    berth::log::set_level(*level);
  // Before the first thread, which would else be interrupted by them, and before anything that takes time: a SIGHUP must not
  // end a daemon that is just starting.
  auto signals = berth::block_signals({SIGINT, SIGTERM, SIGHUP});
  if (!signals) {
    berth::log::error("cannot start", {{"reason", berth::render(signals.error())}});
    return exit_failure;
  }
  auto service = std::make_shared<berth::ServiceManager>(berth::ServiceManager::take_from_environment());
  auto texts = berth::read_config_files(options.config);
  auto settings = texts ? berth::load_settings(*texts) : berth::LoadResult{tl::unexpected{texts.error()}};
  if (!settings) {
    for (const auto& error : settings.error())
      std::fprintf(stderr, "%s\n", berth::render(error).c_str());
    return exit_config;
  }
  berth::configure_log(settings->node, level);
  log_remarks(*settings);
  if (auto raised = berth::raise_descriptor_limit(); !raised)
    berth::log::warn("limit of open files cannot be raised", {{"reason", berth::render(raised.error())}});
  auto root = options.root.empty() ? std::string{} : std::filesystem::absolute(options.root).lexically_normal().string();
  while (root.size() > 1 && root.back() == '/')
    root.pop_back();
  auto daemon = berth::Daemon::start(
    {std::move(*settings), files_of(*texts), [config = options.config] { return read_again(config); }, std::move(service),
     std::move(root), options.monitor, options.socket_group, level});
  if (!daemon) {
    berth::log::error("cannot start", {{"reason", berth::render(daemon.error())}});
    // As below: there may be actors, and nobody waits for them.
    std::_Exit(exit_failure);
  }
  for (;;) {
    auto signal = berth::next_signal(*signals);
    if (!signal || *signal != SIGHUP)
      break;
    (*daemon)->reload("SIGHUP");
  }
  if (options.stop_containers)
    (*daemon)->stop_containers(*signals);
  (*daemon)->stop();
  // The destructor of the actor system would wait for every actor and every thread of theirs, and nothing that they could
  // still do matters: containers and records are in other hands.
  std::_Exit(0);
}
