#pragma once

#include "tests/support/census.hpp"
#include "tests/support/command.hpp"
#include "tests/support/rootfs.hpp"

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

namespace berth::test {

using Json = nlohmann::json;

/// A `berthd` with a root directory of its own, driven through the command `berth` as a user would.
///
/// At the end all containers are removed and the daemon is told to go; if anything is left then, or if it has to be killed,
/// the test fails. When a test has failed, the daemon's log is printed.
class TestNode {
public:
  enum class Start {
    /// Waits until every pool has settled.
    and_wait,
    /// For daemons that are not expected to come up.
    only,
  };

  /// Writes `config` into a file below a fresh root and starts the daemon with it.
  explicit TestNode(const std::string& config, Start start = Start::and_wait);

  /// The same with another program in the place of `berthd`.
  static std::unique_ptr<TestNode> with_program(const std::string& program, const std::string& config);

  /// The same with drop-ins beside the configuration: name in conf.d and text.
  TestNode(const std::string& config, const std::map<std::string, std::string>& drop_ins);

  TestNode(const TestNode&) = delete;
  TestNode& operator=(const TestNode&) = delete;

  ~TestNode();

  const std::string& root() const noexcept {
    return root_;
  }

  std::string socket() const {
    return root_ + "/berth.sock";
  }

  std::string config_path() const {
    return root_ + "/berth.yaml";
  }

  /// Of the daemon; 0 if it is not running any more.
  int pid() const noexcept;

  /// The daemon's log so far.
  std::string log() const;

  /// True as soon as a line of the log has all these parts.
  bool logs(const std::vector<std::string>& parts, std::chrono::milliseconds within = std::chrono::seconds{5}) const;

  /// `berth --root ROOT ARGS…`. Asserts nothing, so any thread may call it.
  Output berth(const Argv& args, std::chrono::milliseconds limit = usual_patience) const;

  /// The same beside the test.
  std::unique_ptr<Background> berth_beside(const Argv& args) const;

  /// The same with `-o json`, which has to succeed.
  Json query(Argv args) const;

  /// `berth inspect ID`, the one container.
  Json inspect(const std::string& id) const;

  /// `berth run` in the pool with the test's root file system.
  Output run(const std::string& pool, const Argv& flags, const Argv& command,
             std::chrono::milliseconds limit = usual_patience) const;

  /// `berth run -d`, which has to succeed; the id.
  std::string start(const std::string& pool, const Argv& flags, const Argv& command) const;

  /// The arguments of `run` after "berth --root ROOT".
  static Argv run_arguments(const std::string& pool, const Argv& flags, const Argv& command);

  /// All events after `since` that are kept.
  std::vector<Json> events(uint64_t since = 0) const;

  /// The events of one container after `since`, once there is one of `type`, or at the deadline.
  std::vector<Json> events_until(const std::string& container, const std::string& type, uint64_t since = 0,
                                 std::chrono::milliseconds within = std::chrono::seconds{20}) const;

  /// The number of the newest event.
  uint64_t last_event() const;

  /// Once nothing comes and goes any more: a monitor ends a moment after the removal of its container was told.
  Census census() const;

  /// What is there now and was not then, or the other way round, once that does not get better any more.
  std::string leaks_since(const Census& before) const;

  /// `berth rm --all --force`; what that said.
  Output remove_all() const;

  /// Removes all containers, ends the daemon and looks for leftovers; empty if all went well. To be called once.
  std::string stop();

  /// Ends only the daemon, politely; its exit code as a shell gives it, -1 if it had to be killed.
  int terminate(std::chrono::milliseconds limit = std::chrono::seconds{20});

  /// kill -9.
  void kill_daemon();

  /// Waits for a daemon that ends by itself.
  int wait_for_exit(std::chrono::milliseconds limit = std::chrono::seconds{20});

  /// Starts another daemon on the same root. The old one is gone.
  void start_again(Start start = Start::and_wait);

  /// What the next daemon is, has in its environment ("KEY=VALUE"), and gets as arguments beside the usual ones.
  void become(std::string program, Argv environment, Argv arguments = {}) {
    program_ = std::move(program);
    environment_ = std::move(environment);
    arguments_ = std::move(arguments);
  }

  /// Whether the daemon has ended by itself, without waiting.
  bool has_ended() const;

private:
  TestNode(const std::string& config, std::string program);

  void spawn();
  void wait_until_settled();
  std::string sweep_and_remove();

  std::string root_;
  std::string program_ = "berthd";
  Argv environment_;
  Argv arguments_;
  std::unique_ptr<Child> daemon_;
  int failures_before_ = 0;
};

/// Number of assertions that have failed in this run.
int failed_assertions();

/// Types of a list of events, in order.
std::vector<std::string> types_of(const std::vector<Json>& events);

/// Calls `work(i)` for 0 to n-1 on so many threads. `work` must not use assertions.
void in_parallel(int n, int threads, const std::function<void(int)>& work);

} // namespace berth::test
