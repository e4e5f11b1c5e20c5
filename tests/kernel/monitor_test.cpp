#include "tests/support/monitor_rig.hpp"

#include "runtimes/linux/file.hpp"
#include "runtimes/linux/monitor_connection.hpp"
#include "runtimes/linux/pidfd.hpp"
#include "runtimes/linux/unix_socket.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/eventually.hpp"

#include <csignal>
#include <filesystem>
#include <sstream>

#include <unistd.h>

using namespace berth;
using namespace std::chrono_literals;
using test::eventually;
using test::MonitorRig;

namespace {

constexpr size_t text_limit = 1 << 20;

MonitorRig::Options shell(std::string script) {
  auto options = MonitorRig::Options{};
  options.args = {"sh", "-c", std::move(script)};
  return options;
}

bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

bool runs(int pid, uint64_t start_time) {
  auto present = process_start_time(pid);
  return present && *present == start_time;
}

} // namespace

TEST_CASE("a container is created, started, logged, its end recorded and all of it removed") {
  auto options = shell("echo out; echo err >&2; echo changed >/etc/passwd; exit 42");
  options.start_by_fifo = GENERATE(true, false);
  INFO("start by FIFO: " << options.start_by_fifo);
  auto rig = MonitorRig{options};
  rig.launch();
  auto created = rig.expect<MonitorCreated>();
  CHECK(process_start_time(created.pid) == Result<uint64_t>{created.start_time});
  auto before = now();
  rig.send(StartCommand{});
  CHECK(rig.expect<MonitorStarted>().at >= before);
  auto exited = rig.expect<MonitorExited>();
  CHECK((to_exit_status(exited.wait_status) == ExitStatus{Exited{42}}));
  CHECK(exited.at >= before);
  CHECK(exited.oom_kills == 0);
  // Both are complete when the exit is told.
  CHECK(rig.logged("stdout") == "out\n");
  CHECK(rig.logged("stderr") == "err\n");
  auto record = read_file(rig.container_directory() + "/" + monitor_exit_name, text_limit);
  REQUIRE(record);
  CHECK((parse_exit_record(*record) == Result<MonitorExited>{exited}));
  CHECK(rig.expect<MonitorDeleted>().leftovers.empty());
  CHECK_FALSE(rig.next());
  rig.expect_nothing_left();
  CHECK(contains(*read_file(rig.plan().rootfs_lower + "/etc/passwd", text_limit), "worker"));
}

TEST_CASE("many short containers each tell one start, one exit and one removal") {
  for (auto round = 0; round < 20; ++round) {
    auto rig = MonitorRig{shell("exit 0")};
    rig.launch();
    CHECK(rig.run_to_exit().wait_status == 0);
    CHECK(rig.expect<MonitorDeleted>().leftovers.empty());
    rig.expect_nothing_left();
  }
}

TEST_CASE("a start order that comes before the container exists is carried out") {
  auto rig = MonitorRig{shell("exit 3")};
  rig.launch();
  rig.send(StartCommand{});
  rig.send(StartCommand{});
  rig.expect<MonitorCreated>();
  rig.expect<MonitorStarted>();
  CHECK((to_exit_status(rig.expect<MonitorExited>().wait_status) == ExitStatus{Exited{3}}));
  rig.expect<MonitorDeleted>();
  rig.expect_nothing_left();
}

TEST_CASE("what cannot be created is told with the runtime's words, and those are not in the log") {
  struct Row {
    const char* what;
    Argv args;
    std::vector<std::string> env;
    std::string wanted;
  };
  auto row = GENERATE(
      Row{"missing program",
          {"nope"},
          {},
          "exec: \\\"nope\\\": executable file not found in $PATH"},
      Row{"not executable", {"/etc/passwd"}, {}, "exec: \\\"/etc/passwd\\\": permission denied"},
      Row{"runtime fails",
          {"sh"},
          {"FAKE_FAIL=create"},
          "runc create failed: it was asked to fail"});
  INFO(row.what);
  auto rig = MonitorRig{{row.args, row.env}};
  rig.launch();
  auto failed = rig.expect<MonitorFailed>();
  CHECK(failed.stage == LaunchStage::create);
  CHECK((to_exit_status(failed.wait_status) == ExitStatus{Exited{1}}));
  INFO(failed.message);
  CHECK(contains(failed.message, row.wanted));
  CHECK(rig.logged("stdout").empty());
  CHECK(rig.logged("stderr").empty());
  CHECK_FALSE(rig.next());
  rig.expect_nothing_left();
}

TEST_CASE(
    "a runtime that does not exist, and a plan that makes no sense, are told as what they are") {
  struct Row {
    const char* what;
    std::function<void(MonitorPlan&)> spoil;
    LaunchStage stage;
    std::string wanted;
  };
  auto row = GENERATE(
      Row{"no runtime", [](MonitorPlan& x) { x.create_argv[0] = "/nonexistent/runc"; },
          LaunchStage::create,
          "system_error: posix_spawn /nonexistent/runc: No such file or directory"},
      Row{"no command line", [](MonitorPlan& x) { x.kill_argv = {}; }, LaunchStage::plan,
          "incomplete command line"},
      Row{"nothing", [](MonitorPlan& x) { x = MonitorPlan{}; }, LaunchStage::plan,
          "incomplete command line"},
      Row{"no log", [](MonitorPlan& x) { x.log_path = "/nonexistent/log"; }, LaunchStage::plan,
          "system_error: open /nonexistent/log: No such file or directory"},
      Row{"no root", [](MonitorPlan& x) { x.rootfs_lower = "/nonexistent"; }, LaunchStage::mount,
          "system_error: open /nonexistent: No such file or directory"},
      Row{"root is a file", [](MonitorPlan& x) { x.rootfs_lower = "/etc/passwd"; },
          LaunchStage::mount, "system_error: open /etc/passwd: Not a directory"});
  INFO(row.what);
  auto rig = MonitorRig{shell("exit 0")};
  auto plan = rig.plan();
  row.spoil(plan);
  rig.spawn();
  rig.send(plan);
  auto failed = rig.expect<MonitorFailed>();
  INFO(failed.message);
  CHECK(failed.stage == row.stage);
  CHECK(contains(failed.message, row.wanted));
  CHECK_FALSE(rig.next());
  rig.expect_nothing_left();
}

TEST_CASE("a start that fails is told, and the created container is removed") {
  auto options = shell("exit 0");
  options.start_by_fifo = false;
  options.env = {"FAKE_FAIL=start"};
  auto rig = MonitorRig{options};
  rig.launch();
  auto created = rig.expect<MonitorCreated>();
  rig.send(StartCommand{});
  auto failed = rig.expect<MonitorFailed>();
  CHECK(failed.stage == LaunchStage::start);
  CHECK(contains(failed.message, "runc start failed: it was asked to fail"));
  CHECK_FALSE(runs(created.pid, created.start_time));
  rig.expect_nothing_left();
}

TEST_CASE("a runtime that does not delete leaves nothing behind all the same") {
  auto options = shell("exit 0");
  options.env = {"FAKE_FAIL=delete"};
  auto rig = MonitorRig{options};
  rig.launch();
  rig.run_to_exit();
  CHECK(rig.expect<MonitorDeleted>().leftovers.empty());
  rig.expect_nothing_left();
}

TEST_CASE("a runtime that hangs is ended on request with all that it has made") {
  auto verb = GENERATE(as<std::string>{}, "create", "start");
  INFO(verb);
  auto options = shell("sleep 1000");
  options.start_by_fifo = false;
  options.env = {"FAKE_HANG=" + verb};
  auto rig = MonitorRig{options};
  rig.launch();
  if (verb == "start") {
    rig.expect<MonitorCreated>();
    rig.send(StartCommand{});
  } else {
    // It hangs when it has written its record, with init already made.
    REQUIRE(eventually(20s, [&] {
      return std::filesystem::exists(rig.plan().state_root + "/" + rig.plan().runtime_id
                                     + "/state.json");
    }));
  }
  rig.send(AbortCommand{});
  auto failed = rig.expect<MonitorFailed>();
  CHECK(failed.stage == (verb == "start" ? LaunchStage::start : LaunchStage::create));
  CHECK((to_exit_status(failed.wait_status) == ExitStatus{Signaled{SIGKILL}}));
  CHECK(contains(failed.message, "ended on request"));
  rig.expect_nothing_left();
}

TEST_CASE("a container that is aborted ends like any other, with every process in it") {
  auto started = GENERATE(false, true);
  INFO("started: " << started);
  auto rig = MonitorRig{shell("trap '' TERM; (setsid sleep 1000 &); sleep 1000 & echo here; wait")};
  rig.launch();
  rig.expect<MonitorCreated>();
  if (started) {
    rig.send(StartCommand{});
    rig.expect<MonitorStarted>();
    REQUIRE(eventually(20s, [&] { return rig.logged("stdout") == "here\n"; }));
  }
  rig.send(AbortCommand{});
  auto exited = rig.expect<MonitorExited>();
  CHECK((to_exit_status(exited.wait_status) == ExitStatus{Signaled{SIGKILL}}));
  CHECK(rig.expect<MonitorDeleted>().leftovers.empty());
  rig.expect_nothing_left();
}

TEST_CASE("an init that dies before the start is told as an exit") {
  auto rig = MonitorRig{shell("exit 0")};
  rig.launch();
  auto created = rig.expect<MonitorCreated>();
  auto init = open_pidfd(created.pid, created.start_time);
  REQUIRE(init);
  REQUIRE(send_signal(*init, SIGKILL));
  CHECK((to_exit_status(rig.expect<MonitorExited>().wait_status) == ExitStatus{Signaled{SIGKILL}}));
  rig.expect<MonitorDeleted>();
  rig.expect_nothing_left();
}

TEST_CASE("a container outlives its daemon, and whoever comes back is told everything in order") {
  auto rig = MonitorRig{shell("trap 'exit 7' USR1; echo ready; while :; do sleep 0.05; done")};
  rig.launch();
  auto created = rig.expect<MonitorCreated>();
  rig.send(StartCommand{});
  auto started = rig.expect<MonitorStarted>();
  REQUIRE(eventually(20s, [&] { return rig.logged("stdout") == "ready\n"; }));
  for (auto round = 0; round < 3; ++round) {
    rig.disconnect();
    rig.reconnect();
    CHECK((rig.expect<MonitorCreated>() == created));
    CHECK((rig.expect<MonitorStarted>() == started));
  }
  rig.send(SignalCommand{SIGUSR1});
  CHECK((to_exit_status(rig.expect<MonitorExited>().wait_status) == ExitStatus{Exited{7}}));
  rig.expect<MonitorDeleted>();
  rig.expect_nothing_left();
}

TEST_CASE("an exit that nobody listens to is recorded and cleaned up after") {
  auto rig = MonitorRig{shell("echo last words; exit 9")};
  rig.launch();
  rig.expect<MonitorCreated>();
  rig.send(StartCommand{});
  rig.disconnect();
  rig.expect_nothing_left();
  auto record = read_file(rig.container_directory() + "/" + monitor_exit_name, text_limit);
  REQUIRE(record);
  auto exited = parse_exit_record(*record);
  REQUIRE(exited);
  CHECK((to_exit_status(exited->wait_status) == ExitStatus{Exited{9}}));
  CHECK(rig.logged("stdout") == "last words\n");
}

TEST_CASE("who comes back after the end finds all that the monitor has told, and that it was all") {
  auto fails = GENERATE(false, true);
  auto options = shell("exit 9");
  if (fails)
    options.env.push_back("FAKE_FAIL=create");
  auto rig = MonitorRig{options};
  rig.launch();
  if (!fails) {
    rig.expect<MonitorCreated>();
    rig.send(StartCommand{});
  }
  rig.disconnect();
  rig.expect_nothing_left();
  auto story = read_monitor_story(rig.container_directory());
  auto kinds = std::string{};
  for (const auto& packet : story) {
    CHECK(ends_story(packet) == (&packet == &story.back()));
    auto message = decode_monitor_message(packet).value();
    if (!std::holds_alternative<MonitorWork>(message))
      kinds += std::to_string(message.index());
  }
  // created, started, exited, deleted; or failed.
  CHECK(kinds == (fails ? "3" : "0125"));
  // The same comes by the link, which knows that there is nobody any more.
  auto link = MonitorConnection::find(rig.container_directory());
  auto heard = std::vector<std::string>{};
  auto gone = 0;
  link->listen({[&](std::string packet) { heard.push_back(std::move(packet)); }, [&] { ++gone; }});
  CHECK(heard == story);
  CHECK(gone == 1);
  CHECK_FALSE(link->send(AbortCommand{}));
  CHECK_FALSE(std::filesystem::exists(rig.container_directory() + "/" + monitor_socket_name));
}

TEST_CASE("a monitor tells how long its steps took, each before what it led to") {
  auto rig = MonitorRig{shell("exit 0")};
  rig.launch();
  rig.run_to_exit();
  rig.expect<MonitorDeleted>();
  auto phases = std::vector<MonitorPhase>{};
  auto last = int64_t{0};
  for (const auto& work : rig.works()) {
    phases.push_back(work.phase);
    CHECK(work.began >= last);
    CHECK(work.ended >= work.began);
    last = work.ended;
  }
  CHECK(phases
        == std::vector{MonitorPhase::prepare, MonitorPhase::create, MonitorPhase::start, MonitorPhase::record,
                       MonitorPhase::remove});
  rig.expect_nothing_left();
}

TEST_CASE("a story that is cut off in the middle of a packet is told up to there") {
  auto text = story_entry("one") + story_entry("") + story_entry("three");
  for (auto size = size_t{0}; size <= text.size(); ++size) {
    auto expected = size >= text.size() ? size_t{3} : size >= 11 ? size_t{2} : size >= 7 ? size_t{1} : size_t{0};
    CHECK(read_story(text.substr(0, size)).size() == expected);
  }
}

TEST_CASE("a container that no daemon comes back to start is given up, one that was told to start is not") {
  auto rig = MonitorRig{shell("exit 9")};
  auto started = GENERATE(false, true);
  rig.plan().alone_limit_ms = 50;
  rig.launch();
  rig.expect<MonitorCreated>();
  if (started)
    rig.send(StartCommand{});
  rig.disconnect();
  rig.expect_nothing_left();
  auto record = read_file(rig.container_directory() + "/" + monitor_exit_name, text_limit);
  REQUIRE(record);
  auto ended = to_exit_status(parse_exit_record(*record).value().wait_status);
  CHECK((ended == (started ? ExitStatus{Exited{9}} : ExitStatus{Signaled{SIGKILL}})));
}

TEST_CASE("a daemon that comes back in time finds the container waiting") {
  auto rig = MonitorRig{shell("exit 9")};
  rig.launch();
  auto created = rig.expect<MonitorCreated>();
  rig.disconnect();
  rig.reconnect();
  CHECK((rig.expect<MonitorCreated>() == created));
  rig.send(StartCommand{});
  rig.expect<MonitorStarted>();
  CHECK((to_exit_status(rig.expect<MonitorExited>().wait_status) == ExitStatus{Exited{9}}));
  rig.expect<MonitorDeleted>();
  rig.expect_nothing_left();
}

TEST_CASE("a probe ends with its daemon, even while the runtime is at work or the container runs") {
  auto options = shell("while :; do sleep 0.05; done");
  auto hangs = GENERATE(false, true);
  if (hangs)
    options.env = {"FAKE_HANG=create"};
  auto rig = MonitorRig{options};
  rig.plan().alone_limit_ms = 0;
  rig.launch();
  if (!hangs) {
    rig.expect<MonitorCreated>();
    rig.send(StartCommand{});
    rig.expect<MonitorStarted>();
  }
  rig.disconnect();
  rig.expect_nothing_left();
}

TEST_CASE("a monitor without a daemon and without a plan ends") {
  auto rig = MonitorRig{shell("exit 0")};
  rig.spawn();
  rig.disconnect();
  auto status = rig.monitor().wait_for(test::stretched(5s));
  REQUIRE(status);
  CHECK((*status == ExitStatus{Exited{1}}));
}

TEST_CASE("stray signals, foreign bytes and too many visitors do not disturb a monitor") {
  auto rig = MonitorRig{shell("trap 'exit 5' USR1; echo ready; while :; do sleep 0.05; done")};
  rig.launch();
  rig.expect<MonitorCreated>();
  rig.send(StartCommand{});
  rig.expect<MonitorStarted>();
  REQUIRE(eventually(20s, [&] { return rig.logged("stdout") == "ready\n"; }));
  for (auto signal : {SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGPIPE, SIGUSR1, SIGUSR2})
    REQUIRE(rig.monitor().kill(signal));
  auto directory = open_directory(rig.container_directory());
  REQUIRE(directory);
  auto visitors = std::vector<UniqueFd>{};
  for (auto n = 0; n < 12; ++n) {
    auto visitor = seqpacket_connect(*directory, monitor_socket_name);
    if (!visitor) // the queue of those who wait is full
      continue;
    static_cast<void>(send_packet(*visitor, std::string(static_cast<size_t>(n) * 1000 + 1, 'x')));
    visitors.push_back(std::move(*visitor));
  }
  rig.send(rig.plan()); // a second plan changes nothing
  rig.send(SignalCommand{SIGUSR1});
  CHECK((to_exit_status(rig.expect<MonitorExited>().wait_status) == ExitStatus{Exited{5}}));
  rig.expect<MonitorDeleted>();
  rig.expect_nothing_left();
}

TEST_CASE("a signal that cannot be delivered is answered with the reason") {
  auto options = shell("sleep 1000");
  options.env = {"FAKE_FAIL=kill"};
  auto rig = MonitorRig{options};
  rig.spawn();
  rig.send(SignalCommand{SIGTERM});
  auto refused = rig.expect<MonitorSignalFailed>();
  CHECK(refused.signal == SIGTERM);
  CHECK(refused.message == "the container does not run");
  rig.send(rig.plan());
  rig.expect<MonitorCreated>();
  rig.send(StartCommand{});
  rig.expect<MonitorStarted>();
  rig.send(SignalCommand{SIGINT});
  refused = rig.expect<MonitorSignalFailed>();
  CHECK(refused.signal == SIGINT);
  CHECK(contains(refused.message, "it was asked to fail"));
  rig.send(AbortCommand{});
  rig.expect<MonitorExited>();
  rig.expect<MonitorDeleted>();
  rig.expect_nothing_left();
}

TEST_CASE("a log is rotated between entries and keeps as many files as asked for") {
  auto options = MonitorRig::Options{};
  options.args = {"inside", "burst", "320000"};
  options.log_max_size = 32 * 1024;
  options.log_max_files = 3;
  auto rig = MonitorRig{options};
  rig.launch();
  CHECK(rig.run_to_exit().wait_status == 0);
  auto& path = rig.plan().log_path;
  for (auto name : {path, path + ".1", path + ".2"}) {
    INFO(name);
    auto text = read_file(name, text_limit);
    REQUIRE(text);
    CHECK(text->size() <= options.log_max_size);
    CHECK(text->size() > (name == path ? 0 : options.log_max_size - 200));
  }
  auto files = std::filesystem::directory_iterator{rig.path("logs")};
  CHECK(std::distance(files, {}) == 3);
  // The end of what was written is there without a gap: lines of 63 digits.
  auto kept = rig.logged("stdout");
  CHECK(kept.size() % 64 == 0);
  CHECK(kept.size() > 30'000);
  auto lines = std::istringstream{kept};
  for (std::string line; std::getline(lines, line);)
    REQUIRE(line.size() == 63);
  rig.expect<MonitorDeleted>();
  rig.expect_nothing_left();
}

TEST_CASE("every byte and a last line without an end come out as they went in") {
  auto rig = MonitorRig{{{"inside", "bytes"}, {}}};
  rig.launch();
  CHECK(rig.run_to_exit().wait_status == 0);
  auto wanted = std::string{};
  for (auto byte = 0; byte < 256; ++byte)
    wanted += static_cast<char>(byte);
  CHECK(rig.logged("stdout") == wanted);
  rig.expect<MonitorDeleted>();
  rig.expect_nothing_left();
}

TEST_CASE("a prompt without a newline is in the log while its program waits") {
  auto rig = MonitorRig{shell("printf 'name: '; sleep 1000")};
  rig.launch();
  rig.expect<MonitorCreated>();
  rig.send(StartCommand{});
  rig.expect<MonitorStarted>();
  CHECK(eventually(20s, [&] { return rig.logged("stdout") == "name: "; }));
  rig.send(AbortCommand{});
  rig.expect<MonitorExited>();
  rig.expect<MonitorDeleted>();
  rig.expect_nothing_left();
}

TEST_CASE("a container that never stops talking does not keep its monitor from listening") {
  auto options = shell("yes");
  options.log_max_size = 64 * 1024;
  auto rig = MonitorRig{options};
  rig.launch();
  rig.expect<MonitorCreated>();
  rig.send(StartCommand{});
  rig.expect<MonitorStarted>();
  REQUIRE(eventually(20s, [&] { return rig.logged("stdout").size() > 1000; }));
  rig.send(SignalCommand{SIGKILL});
  CHECK((to_exit_status(rig.expect<MonitorExited>().wait_status) == ExitStatus{Signaled{SIGKILL}}));
  rig.expect<MonitorDeleted>();
  rig.expect_nothing_left();
}

TEST_CASE("the memory counters at the end are those of the container") {
  auto options = MonitorRig::Options{};
  options.memory_limit = 32 << 20;
  SECTION("its main process is killed by the kernel") {
    options.args = {"inside", "eat"};
    auto rig = MonitorRig{options};
    rig.launch();
    auto exited = rig.run_to_exit();
    CHECK((to_exit_status(exited.wait_status) == ExitStatus{Signaled{SIGKILL}}));
    CHECK(exited.oom_kills == 1);
    CHECK(exited.memory_limit == options.memory_limit);
    CHECK(exited.memory_peak > options.memory_limit / 2);
    // The kernel lets no charge fail that it cannot do without.
    CHECK(exited.memory_peak <= options.memory_limit + options.memory_limit / 16);
    rig.expect<MonitorDeleted>();
    rig.expect_nothing_left();
  }
  SECTION("its main process is killed before the runtime has answered the start") {
    options.args = {"inside", "eat"};
    options.start_by_fifo = false;
    options.env = {"FAKE_FAIL=started"};
    auto rig = MonitorRig{options};
    rig.launch();
    rig.expect<MonitorCreated>();
    rig.send(StartCommand{});
    CHECK(rig.expect<MonitorExited>().oom_kills == 1);
    rig.expect<MonitorDeleted>();
    rig.expect_nothing_left();
  }
  SECTION("a child of it is killed in its last moment") {
    options.args = {"inside", "eat-and-end", "7"};
    auto rig = MonitorRig{options};
    rig.launch();
    auto exited = rig.run_to_exit();
    CHECK((to_exit_status(exited.wait_status) == ExitStatus{Exited{7}}));
    CHECK(exited.oom_kills == 1);
    rig.expect<MonitorDeleted>();
    rig.expect_nothing_left();
  }
}

TEST_CASE("a monitor is small, and its container inherits nothing of it") {
  auto rig = MonitorRig{shell("cat /proc/self/oom_score_adj; ls /proc/self/fd; grep Sig[BI] "
                              "/proc/self/status; sleep 1000")};
  rig.launch();
  rig.expect<MonitorCreated>();
  rig.send(StartCommand{});
  rig.expect<MonitorStarted>();
  auto adjustment = read_file("/proc/self/oom_score_adj", text_limit);
  REQUIRE(adjustment);
  auto wanted = *adjustment + "0\n1\n2\n3\nSigBlk:\t0000000000000000\nSigIgn:\t0000000180000000\n";
  CHECK(eventually(20s, [&] { return rig.logged("stdout") == wanted; }));
  CHECK(rig.logged("stdout") == wanted);
  auto pid = std::to_string(rig.monitor().pid());
  auto rollup = read_file("/proc/" + pid + "/smaps_rollup", text_limit);
  REQUIRE(rollup);
  INFO(*rollup);
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
  // Resident at all, the program's own pages included, which many monitors share.
  auto field = rollup->find("Rss:");
  REQUIRE(field != std::string::npos);
  CHECK(std::stoi(rollup->substr(field + 4)) <= 1024); // KiB
#endif
  CHECK(contains(*read_file("/proc/" + pid + "/cmdline", text_limit),
                 std::string{"--container\0rig", 15}));
  rig.send(AbortCommand{});
  rig.expect<MonitorExited>();
  rig.expect<MonitorDeleted>();
  rig.expect_nothing_left();
}
