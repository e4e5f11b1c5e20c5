// Version 2 hides the interface of listeners behind this.
#define CATCH_CONFIG_EXTERNAL_INTERFACES
#include "tests/support/test_node.hpp"

#include "tests/support/alive.hpp"

#include "tests/support/after_run.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/eventually.hpp"

#include <algorithm>
#include <atomic>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <mutex>
#include <set>
#include <thread>

#include <fcntl.h>
#include <pthread.h>
#include <unistd.h>

namespace fs = std::filesystem;
using namespace std::chrono_literals;

namespace berth::test {

namespace {

std::atomic<int> failures = 0;

#if CATCH_VERSION_MAJOR >= 3
using ListenerBase = Catch::EventListenerBase;
using ListenerResult = void;
#else
using ListenerBase = Catch::TestEventListenerBase;
using ListenerResult = bool;
#endif

class FailureCounter : public ListenerBase {
public:
  using ListenerBase::ListenerBase;

  ListenerResult assertionEnded(const Catch::AssertionStats& stats) override {
    if (!stats.assertionResult.isOk())
      ++failures;
    return ListenerResult(true);
  }
};

CATCH_REGISTER_LISTENER(FailureCounter)

/// The roots of all nodes of this program, for the case that it is told to end in the middle of a test.
class LiveNodes {
public:
  void add(const std::string& root, int pid) {
    auto lock = std::lock_guard{mutex_};
    nodes_[root] = pid;
  }

  void remove(const std::string& root) {
    auto lock = std::lock_guard{mutex_};
    nodes_.erase(root);
  }

  void end_all() {
    auto lock = std::lock_guard{mutex_};
    for (auto& [root, pid] : nodes_) {
      if (pid > 0)
        ::kill(pid, SIGKILL);
      sweep(root);
      auto ignored = std::error_code{};
      fs::remove_all(root, ignored);
    }
  }

private:
  std::mutex mutex_;
  std::map<std::string, int> nodes_;
};

LiveNodes& live_nodes() {
  // Lives as long as the thread below, which is never ended.
  static auto nodes = new LiveNodes;
  return *nodes;
}

/// Ctrl-C in the middle of a test must not leave containers behind.
void clean_up_on_signals() {
  static auto once = std::once_flag{};
  std::call_once(once, [] {
    auto set = sigset_t{};
    ::sigemptyset(&set);
    ::sigaddset(&set, SIGINT);
    ::sigaddset(&set, SIGTERM);
    ::sigaddset(&set, SIGHUP);
    ::pthread_sigmask(SIG_BLOCK, &set, nullptr);
    std::thread{[set] {
      auto number = 0;
      ::sigwait(&set, &number);
      live_nodes().end_all();
      ::_exit(128 + number);
    }}.detach();
  });
}

std::string make_root() {
  // Short: sockets below it must fit into 107 bytes, and runsc makes some of its own.
  auto pattern = std::string{"/tmp/berth-t-XXXXXX"};
  if (::mkdtemp(pattern.data()) == nullptr)
    throw std::runtime_error("cannot make a directory in /tmp");
  return pattern;
}

std::string log_path(const std::string& root) {
  return root + "/berthd.log";
}

} // namespace

int failed_assertions() {
  return failures;
}

std::vector<std::string> types_of(const std::vector<Json>& events) {
  auto result = std::vector<std::string>{};
  for (auto& event : events)
    result.push_back(event.value("type", ""));
  return result;
}

void in_parallel(int n, int threads, const std::function<void(int)>& work) {
  auto next = std::atomic<int>{0};
  auto workers = std::vector<std::thread>{};
  for (auto i = 0; i < threads; ++i)
    workers.emplace_back([&] {
      for (auto item = next++; item < n; item = next++)
        work(item);
    });
  for (auto& worker : workers)
    worker.join();
}

TestNode::TestNode(const std::string& config, Start start) : root_(make_root()), failures_before_(failures) {
  clean_up_on_signals();
  std::ofstream{config_path()} << config;
  start_again(start);
}

TestNode::TestNode(const std::string& config, std::string program)
  : root_(make_root()), program_(std::move(program)), failures_before_(failures) {
  clean_up_on_signals();
  std::ofstream{config_path()} << config;
  start_again();
}

std::unique_ptr<TestNode> TestNode::with_program(const std::string& program, const std::string& config) {
  return std::unique_ptr<TestNode>{new TestNode{config, program}};
}

TestNode::TestNode(const std::string& config, const std::map<std::string, std::string>& drop_ins)
  : root_(make_root()), failures_before_(failures) {
  clean_up_on_signals();
  std::ofstream{config_path()} << config;
  fs::create_directory(root_ + "/conf.d");
  for (auto& [name, text] : drop_ins)
    std::ofstream{root_ + "/conf.d/" + name} << text;
  start_again();
}

TestNode::~TestNode() {
  auto problems = daemon_ ? stop() : sweep_and_remove();
  live_nodes().remove(root_);
  // In a destructor a failed assertion must not throw, which CHECK does not.
  if (!problems.empty()) {
    UNSCOPED_INFO(problems);
    CHECK(problems.empty());
  }
  if (failures > failures_before_ || std::uncaught_exceptions() > 0)
    std::cout << "--- log of berthd in " << root_ << "\n" << log() << "--- end of the log\n";
  auto ignored = std::error_code{};
  fs::remove_all(root_, ignored);
}

void TestNode::spawn() {
  auto log = UniqueFd{::open(log_path(root_).c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600)};
  auto options = SpawnOptions{};
  options.stdout_fd = log.get();
  options.stderr_fd = log.get();
  options.env = environment_;
  options.env.push_back(std::string{census_marker} + "=" + root_);
  auto argv = Argv{built_program(program_), "--config", config_path(), "--root", root_};
  argv.insert(argv.end(), arguments_.begin(), arguments_.end());
  auto child = Child::spawn(argv, options);
  if (!child)
    throw std::runtime_error(render(child.error()));
  daemon_ = std::make_unique<Child>(std::move(*child));
  live_nodes().add(root_, daemon_->pid());
}

void TestNode::start_again(Start start) {
  spawn();
  if (start == Start::and_wait)
    wait_until_settled();
}

void TestNode::wait_until_settled() {
  auto last = Output{};
  auto settled = [&] {
    if (auto ended = daemon_->wait_for(0ms); !ended || *ended)
      throw std::runtime_error("berthd has ended: " + log());
    if (!fs::exists(socket()))
      return false;
    last = berth({"pools", "-o", "json"});
    auto pools = Json::parse(last.out, nullptr, false);
    return last.code == 0 && pools.is_array()
           && std::none_of(pools.begin(), pools.end(), [](auto& pool) { return pool.value("state", "") == "preparing"; });
  };
  if (!eventually(40s, settled))
    throw std::runtime_error("berthd did not settle: " + describe(last) + "\n" + log());
}

int TestNode::pid() const noexcept {
  return daemon_ ? daemon_->pid() : 0;
}

std::string TestNode::log() const {
  return text_of(log_path(root_));
}

bool TestNode::logs(const std::vector<std::string>& parts, std::chrono::milliseconds within) const {
  return eventually(within, [&] {
    auto lines = lines_of(log());
    return std::any_of(lines.begin(), lines.end(), [&](const std::string& line) {
      return std::all_of(parts.begin(), parts.end(),
                         [&](const std::string& part) { return line.find(part) != std::string::npos; });
    });
  });
}

Output TestNode::berth(const Argv& args, std::chrono::milliseconds limit) const {
  auto argv = Argv{built_program("berth"), "--root", root_};
  argv.insert(argv.end(), args.begin(), args.end());
  return run_program(argv, limit);
}

std::unique_ptr<Background> TestNode::berth_beside(const Argv& args) const {
  auto argv = Argv{built_program("berth"), "--root", root_};
  argv.insert(argv.end(), args.begin(), args.end());
  return std::make_unique<Background>(argv);
}

Json TestNode::query(Argv args) const {
  args.insert(args.end(), {"-o", "json"});
  auto done = berth(args);
  INFO(describe(done));
  REQUIRE(done.code == 0);
  auto json = Json::parse(done.out, nullptr, false);
  REQUIRE_FALSE(json.is_discarded());
  return json;
}

Json TestNode::inspect(const std::string& id) const {
  auto json = query({"inspect", id});
  // One id gives one object or a list with one: both are documented forms of other tools.
  if (json.is_array()) {
    REQUIRE(json.size() == 1);
    return json.front();
  }
  return json;
}

Argv TestNode::run_arguments(const std::string& pool, const Argv& flags, const Argv& command) {
  auto args = Argv{"run", "--pool", pool, "--rootfs", test_rootfs()};
  args.insert(args.end(), flags.begin(), flags.end());
  args.push_back("--");
  args.insert(args.end(), command.begin(), command.end());
  return args;
}

Output TestNode::run(const std::string& pool, const Argv& flags, const Argv& command, std::chrono::milliseconds limit) const {
  return berth(run_arguments(pool, flags, command), limit);
}

std::string TestNode::start(const std::string& pool, const Argv& flags, const Argv& command) const {
  auto with_detach = flags;
  with_detach.push_back("-d");
  auto done = run(pool, with_detach, command);
  INFO(describe(done));
  REQUIRE(done.code == 0);
  auto lines = lines_of(done.out);
  REQUIRE(lines.size() == 1);
  return lines.front();
}

std::vector<Json> TestNode::events(uint64_t since) const {
  auto done = berth({"events", "--since", std::to_string(since), "--no-follow", "-o", "json"});
  auto result = std::vector<Json>{};
  for (auto& line : lines_of(done.out))
    if (auto json = Json::parse(line, nullptr, false); json.is_object())
      result.push_back(std::move(json));
  return result;
}

std::vector<Json> TestNode::events_until(const std::string& container, const std::string& type, uint64_t since,
                                         std::chrono::milliseconds within) const {
  auto found = std::vector<Json>{};
  eventually(within, [&] {
    found = events(since);
    std::erase_if(found, [&](auto& event) { return event.value("container", "") != container; });
    auto types = types_of(found);
    return std::find(types.begin(), types.end(), type) != types.end();
  });
  return found;
}

uint64_t TestNode::last_event() const {
  auto all = events();
  return all.empty() ? 0 : all.back().value("seq", uint64_t{0});
}

Census TestNode::census() const {
  auto last = take_census(root_, pid());
  eventually(2s, [&] {
    auto before = std::exchange(last, take_census(root_, pid()));
    return difference(before, last).empty();
  });
  return last;
}

std::string TestNode::leaks_since(const Census& before) const {
  auto leaks = std::string{};
  auto slow = std::string{};
  auto begin = std::chrono::steady_clock::now();
  eventually(10s, [&] {
    leaks = difference(before, take_census(root_, pid()));
    if (!leaks.empty() && std::chrono::steady_clock::now() - begin > stretched(2s))
      slow = leaks;
    return leaks.empty();
  });
  if (leaks.empty() && !slow.empty())
    std::cout << "\ntook more than 2 s to go away:\n" << slow << std::flush;
  return leaks;
}

Output TestNode::remove_all() const {
  return berth({"rm", "--all", "--force"});
}

std::string TestNode::stop() {
  auto problems = std::string{};
  if (auto removed = remove_all(); removed.code != 0)
    problems += "berth rm --all --force: " + describe(removed) + "\n";
  if (auto code = terminate(); code != 0)
    problems += "berthd ended with code " + std::to_string(code) + (code < 0 ? " (it had to be killed)" : "") + "\n";
  auto left = Census{};
  auto is_clean = [&] {
    left = take_census(root_, 0);
    return left.processes.empty() && left.groups.empty() && left.mounts.empty();
  };
  if (!eventually(10s, is_clean)) {
    left.files.clear();
    left.shared_memory.clear();
    problems += "left behind:\n" + difference({}, left);
  }
  sweep(root_);
  return problems;
}

int TestNode::terminate(std::chrono::milliseconds limit) {
  (void)daemon_->kill(SIGTERM);
  return wait_for_exit(limit);
}

int TestNode::wait_for_exit(std::chrono::milliseconds limit) {
  auto status = daemon_->wait_for(stretched(limit));
  auto code = -1;
  if (status && *status) {
    auto* exited = std::get_if<Exited>(&**status);
    code = exited != nullptr ? exited->code : 128 + std::get<Signaled>(**status).signal;
  }
  daemon_.reset(); // kills it if it lives
  live_nodes().add(root_, 0);
  return code;
}

bool TestNode::has_ended() const {
  return !daemon_ || !is_alive(daemon_->pid());
}

void TestNode::kill_daemon() {
  (void)daemon_->kill(SIGKILL);
  wait_for_exit(10s);
}

std::string TestNode::sweep_and_remove() {
  auto remains = std::string{};
  for (auto& item : sweep(root_))
    remains += "cannot be removed: " + item + "\n";
  return remains;
}

} // namespace berth::test
