#include "tests/support/catch.hpp"
#include "tests/support/command.hpp"
#include "tests/support/eventually.hpp"
#include "tests/support/scripted_daemon.hpp"

#include <csignal>
#include <future>

#include <fcntl.h>
#include <unistd.h>

using namespace berth;
using namespace berth::test;
using namespace std::chrono_literals;

namespace {

constexpr auto patience = 20s;
constexpr auto running = R"({"type":"running","container":{"id":"web","state":"running","warnings":[]}})";

std::string exited(const std::string& exit) {
  return R"({"type":"exited","container":{"id":"web","state":"exited","limits":{"memory":67108864},"exit":)" + exit
         + "}}";
}

Argv run_args(const ScriptedDaemon& daemon) {
  return daemon.command({"run", "--rm", "--pool", "p", "--rootfs", "/", "--", "cmd"});
}

/// A script for an attached container that ends when the test says how.
struct Attached {
  std::promise<std::string> end;
  std::shared_future<std::string> ended = end.get_future().share();

  ScriptedDaemon::Script script() {
    return [this](const Asked& asked, Conversation& talk) {
      if (asked.target != "/v1/containers?attach=true")
        return talk.answer(204, "");
      talk.begin_lines();
      talk.line(running);
      if (ended.wait_for(stretched(patience)) == std::future_status::ready)
        talk.line(ended.get());
      talk.end_lines();
    };
  }
};

bool has_asked(const ScriptedDaemon& daemon, const Asked& wanted) {
  return eventually(patience, [&] {
    auto all = daemon.asked();
    return std::find(all.begin(), all.end(), wanted) != all.end();
  });
}

} // namespace

TEST_CASE("an attached run passes both streams on, byte by byte, and ends with the container's code") {
  auto daemon = ScriptedDaemon{[](const Asked&, Conversation& talk) {
    talk.begin_lines();
    talk.line("");
    talk.line(running);
    talk.line(R"({"type":"output","stream":"stdout","data":"out\n"})");
    talk.line(R"({"type":"output","stream":"stderr","data":"err"})");
    talk.line(R"({"type":"output","stream":"stdout","base64":"AP8K"})");
    talk.line(R"({"type":"something new"})");
    talk.line(exited(R"({"code":3,"signal":0,"oomKilled":false})"));
    talk.end_lines();
  }};
  auto result = run_program(run_args(daemon));
  INFO(describe(result));
  CHECK(result.code == 3);
  CHECK(result.out == std::string("out\n\x00\xff\n", 7));
  CHECK(result.err == "err");
  REQUIRE(daemon.asked().size() == 1);
  CHECK(daemon.asked().front()
        == Asked{"POST", "/v1/containers?attach=true", R"({"pool":"p","rootfs":"/","args":["cmd"],"remove":true})"});
}

TEST_CASE("the end of a container decides the exit code and what is said") {
  struct Row {
    const char* what;
    std::string exit;
    int code;
    const char* err;
  };
  auto row = GENERATE(Row{"success", R"({"code":0,"signal":0,"oomKilled":false})", 0, ""},
                      Row{"signal", R"({"code":143,"signal":15,"oomKilled":false})", 143, ""},
                      Row{"out of memory", R"({"code":137,"signal":9,"oomKilled":true})", 137,
                          "berth: container web was killed at its memory limit of 64.0 MiB\n"});
  auto daemon = ScriptedDaemon{[&](const Asked&, Conversation& talk) {
    talk.begin_lines();
    talk.line(running);
    talk.line(exited(row.exit));
    talk.end_lines();
  }};
  auto result = run_program(run_args(daemon));
  INFO(row.what << "\n" << describe(result));
  CHECK(result.code == row.code);
  CHECK(result.err == row.err);
}

TEST_CASE("a kill of a process in a living container is told at once") {
  auto daemon = ScriptedDaemon{[&](const Asked&, Conversation& talk) {
    talk.begin_lines();
    talk.line(running);
    talk.line(R"({"type":"oom","pool":"p","container":"web","data":{"scope":"process","kills":1,"limit":1048576}})");
    talk.line(exited(R"({"code":0,"signal":0,"oomKilled":false})"));
    talk.end_lines();
  }};
  auto result = run_program(run_args(daemon));
  CHECK(result.code == 0);
  CHECK(result.err
        == "berth: a process of container web (pool p) was killed at its memory limit of 1.0 MiB, the container lives "
           "on: 1 kill so far\n");
}

TEST_CASE("a launch that fails gives the exit code for its reason") {
  struct Row {
    int status;
    const char* body;
    int code;
    const char* err;
  };
  auto row = GENERATE(
    Row{404, R"({"error":{"code":"unknown_pool","message":"unknown_pool: pool \"p\"","exitCode":125}})", 125,
        "berth: unknown_pool: pool \"p\"\n"},
    Row{422, R"({"error":{"code":"command_not_found","message":"no cmd","exitCode":127}})", 127, "berth: no cmd\n"},
    Row{422, R"({"error":{"code":"command_not_executable","message":"no x","exitCode":126}})", 126, "berth: no x\n"},
    Row{500, "<html>\x1b[2J", 125,
        "berth: the daemon answered with status 500 and no explanation (is this the socket of berthd?)\n"});
  auto detach = GENERATE(true, false);
  auto daemon = ScriptedDaemon{[&](const Asked&, Conversation& talk) { talk.answer(row.status, row.body); }};
  auto args = run_args(daemon);
  if (detach)
    args.insert(args.end() - 2, "-d");
  auto result = run_program(args);
  INFO(describe(result));
  CHECK(result.code == row.code);
  CHECK(result.err == row.err);
  CHECK(result.out.empty());
}

TEST_CASE("a failure in the middle of an attached run has its exit code") {
  auto daemon = ScriptedDaemon{[&](const Asked&, Conversation& talk) {
    talk.begin_lines();
    talk.line(running);
    talk.line(R"({"error":{"code":"shutting_down","message":"the node stops","exitCode":125}})");
    talk.end_lines();
  }};
  auto result = run_program(run_args(daemon));
  CHECK(result.code == 125);
  CHECK(result.err == "berth: the node stops\n");
}

TEST_CASE("a connection that is lost is told apart from the end of the container") {
  struct Row {
    const char* what;
    bool is_running;
    bool ends_well;
    const char* says;
  };
  auto row = GENERATE(
    Row{"before it runs", false, false,
        "lost the connection to berthd before it answered; if the container was launched, it goes on"},
    Row{"while it runs", true, false,
        "lost the connection to berthd; container web goes on: follow it with `berth logs -f web`"},
    Row{"stream ended", true, true, "berthd ended the stream before the container ended; container web goes on"});
  auto daemon = ScriptedDaemon{[&](const Asked&, Conversation& talk) {
    if (!row.is_running)
      return;
    talk.begin_lines();
    talk.line(running);
    if (row.ends_well)
      talk.end_lines();
  }};
  auto result = run_program(run_args(daemon));
  INFO(row.what << "\n" << describe(result));
  CHECK(result.code == 125);
  CHECK(result.err.find(row.says) != std::string::npos);
}

TEST_CASE("signals are sent on to the container, and the run goes on until it ends") {
  struct Row {
    int signal;
    const char* name;
  };
  auto row = GENERATE(Row{SIGTERM, "TERM"}, Row{SIGINT, "INT"}, Row{SIGHUP, "HUP"});
  auto attached = Attached{};
  auto daemon = ScriptedDaemon{attached.script()};
  auto command = Background{run_args(daemon)};
  REQUIRE(has_asked(
    daemon, {"POST", "/v1/containers?attach=true", R"({"pool":"p","rootfs":"/","args":["cmd"],"remove":true})"}));
  command.signal(row.signal);
  CHECK(has_asked(daemon, {"POST", "/v1/containers/web/kill?signal=" + std::string{row.name}, ""}));
  attached.end.set_value(exited(R"({"code":7,"signal":0,"oomKilled":false})"));
  auto result = command.finish(patience);
  INFO(describe(result));
  CHECK(result.code == 7);
  CHECK(result.err.empty());
}

TEST_CASE("a signal that comes before the container runs is kept for it") {
  auto may_run = std::promise<void>{};
  auto run_now = may_run.get_future().share();
  auto is_killed = std::promise<void>{};
  auto killed = is_killed.get_future().share();
  auto daemon = ScriptedDaemon{[&](const Asked& asked, Conversation& talk) {
    if (asked.target == "/v1/containers/web/kill?signal=TERM") {
      talk.answer(204, "");
      return is_killed.set_value();
    }
    run_now.wait();
    talk.begin_lines();
    talk.line(running);
    killed.wait_for(stretched(patience));
    talk.line(exited(R"({"code":143,"signal":15,"oomKilled":false})"));
    talk.end_lines();
  }};
  auto command = Background{run_args(daemon)};
  REQUIRE(eventually(patience, [&] { return !daemon.asked().empty(); }));
  command.signal(SIGTERM);
  may_run.set_value();
  CHECK(command.finish(patience).code == 143);
  CHECK(daemon.asked("POST", "/v1/containers/web/kill").size() == 1);
}

TEST_CASE("the third SIGINT gives up and leaves the container alone") {
  auto attached = Attached{};
  auto daemon = ScriptedDaemon{attached.script()};
  auto command = Background{run_args(daemon)};
  for (auto n = size_t{1}; n <= 2; ++n) {
    REQUIRE(eventually(patience, [&] { return !daemon.asked().empty(); }));
    command.signal(SIGINT);
    REQUIRE(
      eventually(patience, [&] { return daemon.asked("POST", "/v1/containers/web/kill?signal=INT").size() == n; }));
  }
  REQUIRE(
    eventually(patience, [&] { return command.err().find("a third one ends this command") != std::string::npos; }));
  command.signal(SIGINT);
  auto result = command.finish(patience);
  attached.end.set_value(exited("{}"));
  INFO(describe(result));
  CHECK(result.code == 130);
  CHECK(result.err.find("container web goes on") != std::string::npos);
  CHECK(daemon.asked("POST", "/v1/containers/web/kill").size() == 2);
}

TEST_CASE("a signal that was ignored from the beginning stays ignored") {
  auto attached = Attached{};
  auto daemon = ScriptedDaemon{attached.script()};
  auto args = Argv{"/bin/sh", "-c", "trap '' HUP; exec \"$@\"", "sh"};
  auto run = run_args(daemon);
  args.insert(args.end(), run.begin(), run.end());
  auto command = Background{args};
  REQUIRE(eventually(patience, [&] { return !daemon.asked().empty(); }));
  command.signal(SIGHUP);
  command.signal(SIGTERM);
  REQUIRE(eventually(patience, [&] { return !daemon.asked("POST", "/v1/containers/web/kill").empty(); }));
  attached.end.set_value(exited(R"({"code":0,"signal":0})"));
  CHECK(command.finish(patience).code == 0);
  REQUIRE(daemon.asked("POST", "/v1/containers/web/kill").size() == 1);
  CHECK(daemon.asked("POST", "/v1/containers/web/kill").front().target == "/v1/containers/web/kill?signal=TERM");
}

TEST_CASE("exec passes streams and exit code on") {
  auto daemon = ScriptedDaemon{[](const Asked&, Conversation& talk) {
    talk.begin_lines();
    talk.line(R"({"type":"output","stream":"stdout","data":"o"})");
    talk.line(R"({"type":"output","stream":"stderr","data":"e"})");
    talk.line(R"({"type":"exited","exitCode":42})");
    talk.end_lines();
  }};
  auto result = run_program(daemon.command({"exec", "-w", "/w", "web", "--", "sh", "-c", "x"}));
  CHECK(result.code == 42);
  CHECK(result.out == "o");
  CHECK(result.err == "e");
  CHECK(daemon.asked().front()
        == Asked{"POST", "/v1/containers/web/exec", R"({"args":["sh","-c","x"],"workdir":"/w"})"});
}

TEST_CASE("exec tells a missing command from a failing one") {
  auto daemon = ScriptedDaemon{[](const Asked&, Conversation& talk) {
    talk.begin_lines();
    talk.line(R"({"error":{"code":"command_not_found","message":"no such","exitCode":127}})");
    talk.end_lines();
  }};
  auto result = run_program(daemon.command({"exec", "web", "--", "nope"}));
  CHECK(result.code == 127);
  CHECK(result.err == "berth: no such\n");
}

TEST_CASE("an attached run with JSON prints all that happens, one object a line") {
  auto end = exited(R"({"code":5,"signal":0,"oomKilled":false})");
  auto daemon = ScriptedDaemon{[&](const Asked&, Conversation& talk) {
    talk.begin_lines();
    talk.line(running);
    talk.line(R"({"type":"output","stream":"stdout","data":"o"})");
    talk.line(end);
    talk.end_lines();
  }};
  auto result = run_program(daemon.command({"run", "-o", "json", "--pool", "p", "--rootfs", "/", "--", "cmd"}));
  CHECK(result.code == 5);
  CHECK(result.out
        == running + std::string{"\n"} + R"({"type":"output","stream":"stdout","data":"o"})" + "\n" + end + "\n");
}

TEST_CASE("when nobody reads the output any more, the run ends and says what becomes of the container") {
  auto daemon = ScriptedDaemon{[](const Asked&, Conversation& talk) {
    talk.begin_lines();
    talk.line(running);
    for (auto i = 0; i < 100; ++i)
      talk.line(R"({"type":"output","stream":"stdout","data":"y\n"})");
    talk.wait_for_hangup();
  }};
  int ends[2];
  REQUIRE(::pipe2(ends, O_CLOEXEC) == 0);
  auto read_end = UniqueFd{ends[0]};
  auto write_end = UniqueFd{ends[1]};
  read_end = UniqueFd{};
  auto err_dir = TempDir{};
  auto err = UniqueFd{::open((err_dir / "err").c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600)};
  auto options = SpawnOptions{};
  options.stdout_fd = write_end.get();
  options.stderr_fd = err.get();
  auto child = Child::spawn(run_args(daemon), options);
  REQUIRE(child);
  auto status = child->wait_for(stretched(patience));
  REQUIRE((status && *status));
  CHECK(**status == ExitStatus{Exited{128 + SIGPIPE}});
  CHECK(text_of(err_dir / "err")
        == "berth: container web goes on without anybody who reads its output; end it with `berth stop web`\n");
}
