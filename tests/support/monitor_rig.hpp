#pragma once

#include "runtimes/linux/cgroup.hpp"
#include "runtimes/linux/process.hpp"
#include "runtimes/monitor_protocol.hpp"
#include "tests/support/temp_dir.hpp"

#include <memory>
#include <optional>

namespace berth::test {

/// One container under a real `berth-monitor`, with the test in the place of the daemon. The
/// runtime is the fake one.
class MonitorRig {
public:
  struct Options {
    Argv args;
    /// For the monitor and thus the runtime: FAKE_FAIL, FAKE_HANG.
    std::vector<std::string> env;
    bool start_by_fifo = true;
    uint64_t log_max_size = 0;
    uint32_t log_max_files = 1;
    uint64_t memory_limit = 0;
  };

  explicit MonitorRig(Options options);
  ~MonitorRig();

  MonitorRig(const MonitorRig&) = delete;
  MonitorRig& operator=(const MonitorRig&) = delete;

  MonitorPlan& plan() {
    return plan_;
  }

  /// Starts the monitor and gives it the plan.
  void launch();

  /// Starts the monitor only.
  void spawn();

  void send(const MonitorCommand& command);

  /// Drops the connection, as a daemon does that dies.
  void disconnect();

  /// Comes back, as the daemon's successor does.
  void reconnect();

  /// The next message; nothing if the connection ends first. Fails the test if neither happens in
  /// time.
  std::optional<MonitorMessage> next();

  /// The next message, which must be of this type.
  template <class T>
  T expect() {
    auto message = next();
    // What it says of its own times is no step of the story.
    while (message && std::holds_alternative<MonitorWork>(*message) && !std::is_same_v<T, MonitorWork>) {
      works_.push_back(std::get<MonitorWork>(*message));
      message = next();
    }
    require(message && std::holds_alternative<T>(*message), message);
    return std::get<T>(*message);
  }

  /// `expect` for created, started, exited.
  MonitorExited run_to_exit();

  /// Waits for the end of the monitor, and checks that nothing of the container is left but its
  /// directory and log.
  void expect_nothing_left();

  /// What it said of its own times, passed by `expect`.
  const std::vector<MonitorWork>& works() const {
    return works_;
  }

  Child& monitor() {
    return *monitor_;
  }

  /// The bytes that one stream of the log reproduces, over all of its files.
  std::string logged(const std::string& stream) const;

  std::string container_directory() const {
    return dir_ / "container";
  }

  std::string path(const std::string& name) const {
    return dir_ / name;
  }

private:
  static void require(bool condition, const std::optional<MonitorMessage>& message);

  std::vector<MonitorWork> works_;
  TempDir dir_;
  Options options_;
  MonitorPlan plan_;
  std::optional<CgroupRoot> cgroups_;
  std::optional<Child> monitor_;
  UniqueFd connection_;
};

/// For messages of failures.
std::string describe(const MonitorMessage& message);

} // namespace berth::test
