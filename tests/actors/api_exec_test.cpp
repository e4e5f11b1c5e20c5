#include "runtimes/linux/pidfd.hpp"
#include "tests/actors/api_world.hpp"
#include "tests/support/alive.hpp"

#include <filesystem>
#include <fstream>

using namespace berth;
using namespace berth::test;
using namespace std::chrono_literals;

namespace {

constexpr auto order =
    R"({"args":["/bin/thing","now"],"env":["A=1"],"workdir":"/tmp","user":"5:6"})";

/// A world with a running container, whose runtime is a script. `$log` and `$pidfile` are the files
/// that the script was told to write, `$process` the one that it was told to read.
class ExecWorld : public ApiWorld {
public:
  explicit ExecWorld(const std::string& commands) {
    auto runtime = dir / "runtime";
    {
      auto out = std::ofstream{runtime};
      out << "#!/bin/sh\n"
             "echo \"$@\" > "
          << (dir / "arguments")
          << "\n"
             "while [ $# -gt 0 ]; do\n"
             "  case $1 in\n"
             "    --log) log=$2 ;;\n"
             "    --process) process=$2 ;;\n"
             "    --pid-file) pidfile=$2 ;;\n"
             "  esac\n"
             "  shift\n"
             "done\n"
          << commands << "\n";
    }
    std::filesystem::permissions(runtime, std::filesystem::perms{0700});
    std::filesystem::create_directory(dir / "container");
    auto container = running_container("c-1");
    container.directory = dir / "container";
    container.profile.binary = runtime;
    container.profile.root = "/root-of-runtime";
    container.spec.args = {"/bin/sleep"};
    add(container);
  }

  HttpAnswer exec(const std::string& body = order) const {
    return post("/v1/containers/c-1/exec", body);
  }

  std::string text_of(const std::string& name) const {
    auto in = std::ifstream{dir / name};
    return {std::istreambuf_iterator<char>{in}, {}};
  }

  /// What the calls have left in the container's directory.
  size_t leftovers() const {
    return static_cast<size_t>(
        std::distance(std::filesystem::directory_iterator{dir / "container"}, {}));
  }
};

/// A script of the runtime whose program puts its pid into the file, whole, and then prints it; `rest` is shell code.
std::string program_with_pid_file(const std::string& rest) {
  return "sh -c 'echo $$ >\"$1.new\"; mv \"$1.new\" \"$1\"; echo $$; " + rest
         + "' x $pidfile & wait $!; wait $!; exit 143";
}

} // namespace

TEST_CASE("exec streams both outputs and ends with the exit code", "[api]") {
  auto world = ExecWorld{"echo to stdout; echo to stderr >&2; exit 5"};
  auto answer = world.exec();
  CHECK(answer.status == 200);
  auto lines = lines_in(answer.body);
  REQUIRE(lines.size() == 3);
  CHECK(lines[0] == Json({{"type", "output"}, {"stream", "stdout"}, {"data", "to stdout\n"}}));
  CHECK(lines[1] == Json({{"type", "output"}, {"stream", "stderr"}, {"data", "to stderr\n"}}));
  CHECK(lines[2] == Json({{"type", "exited"}, {"exitCode", 5}}));
  CHECK(world.text_of("arguments").starts_with("--root /root-of-runtime --log "));
  CHECK(world.text_of("arguments").find(" r-c-1\n") != std::string::npos);
  CHECK(world.leftovers() == 0);
}

TEST_CASE("the process of exec is what was asked for", "[api]") {
  auto world = ExecWorld{"cat $process"};
  auto lines = lines_in(world.exec().body);
  REQUIRE(lines.size() >= 2);
  auto process = Json::parse(lines[0]["data"].get<std::string>());
  CHECK(process["args"] == Json({"/bin/thing", "now"}));
  CHECK(process["cwd"] == "/tmp");
  CHECK(process["user"]["uid"] == 5);
  CHECK(process["user"]["gid"] == 6);
  CHECK(process["noNewPrivileges"] == true);
}

TEST_CASE("much output arrives complete and in order", "[api]") {
  auto world = ExecWorld{"i=0; while [ $i -lt 20000 ]; do echo line $i of many; i=$((i+1)); done"};
  auto text = std::string{};
  for (const auto& line : lines_in(world.exec().body))
    text += line.value("data", "");
  auto wanted = std::string{};
  for (auto i = 0; i < 20000; ++i)
    wanted += "line " + std::to_string(i) + " of many\n";
  CHECK((text == wanted));
}

TEST_CASE("a program that is killed ends with 128 and the signal", "[api]") {
  auto world = ExecWorld{"kill -9 $$"};
  CHECK(lines_in(world.exec().body).back() == Json({{"type", "exited"}, {"exitCode", 137}}));
}

TEST_CASE("a runtime that cannot run the program says why, and only once", "[api]") {
  // runc writes the log first, runsc its stderr.
  auto script = GENERATE(values<std::string>(
      {"echo '{\"level\":\"error\",\"msg\":\"exec failed: unable to start container process: exec: "
       "\\\"/bin/thing\\\": stat /bin/thing: no such file or directory\"}' >> $log; echo noise "
       ">&2; exit 255",
       "echo noise >&2; echo '{\"level\":\"error\",\"msg\":\"exec failed: unable to start "
       "container process: "
       "exec: \\\"/bin/thing\\\": stat /bin/thing: no such file or directory\"}' >> $log; exit "
       "255"}));
  auto world = ExecWorld{script};
  auto lines = lines_in(world.exec().body);
  REQUIRE(lines.size() == 1);
  CHECK(lines[0]["error"]["code"] == "command_not_found");
  CHECK(lines[0]["error"]["exitCode"] == 127);
  CHECK(world.leftovers() == 0);
}

TEST_CASE("a runtime that is missing is an error and not an answer", "[api]") {
  auto world = ExecWorld{""};
  std::filesystem::remove(world.dir / "runtime");
  auto answer = world.exec();
  CHECK(answer.status == 500);
  CHECK(error_in(answer)["code"] == "system_error");
  CHECK(world.leftovers() == 0);
}

TEST_CASE("exec takes only orders that make sense, and only in a container that runs", "[api]") {
  auto world = ExecWorld{"exit 0"};
  CHECK(error_in(world.exec("{}"))["code"] == "bad_request");
  CHECK(error_in(world.exec(R"({"args":[]})"))["code"] == "bad_request");
  CHECK(error_in(world.exec(R"({"args":["x"],"env":["NOVALUE"]})"))["code"] == "bad_request");
  CHECK(error_in(world.exec(R"({"args":["x"],"workdir":"relative"})"))["code"] == "bad_request");
  CHECK(error_in(world.exec(R"({"args":["x"],"tty":true})"))["code"] == "bad_request");
  world.end("c-1", 0);
  CHECK(error_in(world.exec())["code"] == "wrong_state");
}

TEST_CASE("a program that leaves a process behind has ended all the same", "[api]") {
  auto world = ExecWorld{"sleep 100 & echo $!; exit 0"};
  auto lines = lines_in(world.exec().body);
  REQUIRE(lines.size() == 2);
  CHECK(lines[1] == Json({{"type", "exited"}, {"exitCode", 0}}));
  auto left = lines[0]["data"].get<std::string>();
  auto pidfd = open_pidfd(std::atoi(left.c_str()), *process_start_time(std::atoi(left.c_str())));
  REQUIRE(pidfd);
  CHECK(send_signal(*pidfd, 9));
}

TEST_CASE("a program ends with its client", "[api]") {
  // As runc does: the process is a child of the runtime, its pid is in the file before it says
  // anything, and the runtime ends with it.
  auto world = ExecWorld{program_with_pid_file("exec sleep 1000")};
  auto client =
      std::make_unique<StreamClient>(world.socket, "POST", "/v1/containers/c-1/exec", order);
  auto pid = std::stoi(client->lines(1).at(0)["data"].get<std::string>());
  REQUIRE(is_alive(pid));
  SECTION("when that goes away") {
    client.reset();
    CHECK(eventually(20s, [&] { return !is_alive(pid); }));
    CHECK(eventually(20s, [&] { return world.leftovers() == 0; }));
  }
  SECTION("when the server stops") {
    auto began = std::chrono::steady_clock::now();
    world.server->stop();
    CHECK(std::chrono::steady_clock::now() - began < stretched(1s));
    CHECK(eventually(20s, [&] { return !is_alive(pid); }));
    CHECK(client->connection().read_to_end());
    CHECK(lines_in(client->answer().body).back()["error"]["code"] == "shutting_down");
    CHECK(world.leftovers() == 0);
  }
}

TEST_CASE("a program that ignores SIGTERM is killed when the server stops", "[api]") {
  auto world = ExecWorld{program_with_pid_file("trap \"\" TERM; exec sleep 1000")};
  auto client = StreamClient{world.socket, "POST", "/v1/containers/c-1/exec", order};
  auto pid = std::stoi(client.lines(1).at(0)["data"].get<std::string>());
  auto began = std::chrono::steady_clock::now();
  world.server->stop();
  CHECK(std::chrono::steady_clock::now() - began < stretched(2s));
  CHECK(eventually(20s, [&] { return !is_alive(pid); }));
}
