#include "apps/berth/command_line.hpp"
#include "apps/berth/request.hpp"

#include "tests/support/catch.hpp"

#include <map>

using namespace berth::cli;

namespace {

using Args = std::vector<std::string>;

Surroundings surroundings(std::map<std::string, std::string> variables = {}) {
  auto find = [variables = std::move(variables)](const std::string& name) -> std::optional<std::string> {
    auto i = variables.find(name);
    return i == variables.end() ? std::nullopt : std::optional{i->second};
  };
  return {find, "/home/me"};
}

/// The options of a command line that is right.
template <class T>
T parse(const Args& args, std::map<std::string, std::string> variables = {}) {
  auto result = parse_command_line(args, surroundings(std::move(variables)));
  INFO((result ? "" : result.error().text));
  REQUIRE(result);
  REQUIRE(std::holds_alternative<T>(result->verb));
  return std::get<T>(result->verb);
}

std::string request_of(const Args& args, std::map<std::string, std::string> variables = {}) {
  return launch_request(parse<RunOptions>(args, std::move(variables)));
}

/// What stderr says about a command line that is wrong.
std::string complaint(const Args& args) {
  auto result = parse_command_line(args, surroundings());
  REQUIRE_FALSE(result);
  CHECK(result.error().exit_code == 2);
  return result.error().text;
}

const auto all_verbs = Args{"run",  "exec",  "stop", "kill",   "rm",  "ps",    "inspect", "logs",
                            "stats", "wait", "events", "oom", "pools", "validate", "version", "reload",
                            "why"};

} // namespace

TEST_CASE("a launch asks for nothing but what the command line says") {
  CHECK(request_of({"run", "--pool", "p", "--rootfs", "/img", "--", "true"})
        == R"({"pool":"p","rootfs":"/img","args":["true"]})");
}

TEST_CASE("every flag of run has its place in the request") {
  auto args =
    Args{"run",      "--rm",    "--pool=p",   "--rootfs",  "img",         "--id",    "a",     "-e",    "A=1",
         "--env",    "B=",      "-e",         "HOME",      "-e",          "NONE",    "-m",    "64M",   "--cpus",
         "0.5",      "--pids",  "10",         "--mount",   "src:/dst:ro", "--mount", "/a:/b", "-w",    "/w",
         "-u",       "1:2",     "--hostname", "h",         "-l",          "k=v=w",   "--gpu", "2",     "--checkpoint",
         "--sysctl", "net.x=1", "--device",   "/dev/fuse", "--",          "sh",      "-c",    "exit 3"};
  CHECK(
    request_of(args, {{"HOME", "/root"}})
    == R"({"pool":"p","rootfs":"/home/me/img","args":["sh","-c","exit 3"],"id":"a","env":["A=1","B=","HOME=/root"],)"
       R"("workdir":"/w","user":"1:2","hostname":"h","labels":{"k":"v=w"},)"
       R"("mounts":[{"source":"/home/me/src","destination":"/dst","readOnly":true},)"
       R"({"source":"/a","destination":"/b","readOnly":false}],)"
       R"("memory":"64M","cpu":"0.5","pids":10,"gpus":2,"checkpoint":true,"remove":true,)"
       R"("sysctls":{"net.x":"1"},"devices":["/dev/fuse"]})");
}

TEST_CASE("what follows the separator belongs to the container, whatever it looks like") {
  auto command = GENERATE(Args{"--help"}, Args{"--", "x"}, Args{"ps", "--pool", "q"},
                          Args{"", "[a,b]", "{}", "-1", "%%"}, Args{"-o", "json"});
  auto args = Args{"run", "--pool", "p", "--rootfs", "/r", "--"};
  args.insert(args.end(), command.begin(), command.end());
  CHECK(parse<RunOptions>(args).args == command);
}

TEST_CASE("values are taken as they are") {
  auto value = GENERATE(as<std::string>{}, "A=[1,2]", "A={}", "A=a b,c", "A=\"x\"", "A=--pool", "A=%1", "A=a=b");
  CHECK(parse<RunOptions>({"run", "--pool", "p", "--rootfs", "/r", "-e", value, "--", "x"}).env == Args{value});
}

TEST_CASE("directories are found from the working directory") {
  struct Row {
    const char* given;
    const char* absolute;
  };
  auto row = GENERATE(Row{"img", "/home/me/img"}, Row{"./img/", "/home/me/img"}, Row{".", "/home/me"}, Row{"/", "/"},
                      Row{"/a//b/./c", "/a/b/c"}, Row{"../img", "/home/me/../img"});
  INFO(row.given);
  CHECK(parse<RunOptions>({"run", "--pool", "p", "--rootfs", row.given, "--", "x"}).rootfs == row.absolute);
}

TEST_CASE("a flag that may be repeated does not swallow what follows") {
  auto exec = parse<ExecOptions>({"exec", "-e", "A=1", "web", "--", "env"});
  CHECK(exec.id == "web");
  CHECK(exec.env == Args{"A=1"});
  CHECK(exec_request(exec) == R"({"args":["env"],"env":["A=1"]})");
  auto stop = parse<StopOptions>({"stop", "a", "-t", "2.5", "b"});
  CHECK(stop.ids == Args{"a", "b"});
  CHECK(std::stod(stop.timeout) == 2.5);
}

TEST_CASE("containers may have the names of verbs") {
  for (auto& verb : all_verbs)
    CHECK(parse<InspectOptions>({"inspect", verb, "x"}).ids == Args{verb, "x"});
}

TEST_CASE("verbs read their flags") {
  auto ps = parse<PsOptions>({"ps", "-aq", "--pool", "p", "--no-trunc", "-o", "json"});
  CHECK((ps.all && ps.quiet && ps.no_trunc && ps.json && ps.pool == "p"));
  auto logs = parse<LogsOptions>({"logs", "-f", "-t", "--since", "10m", "--tail", "5", "web"});
  CHECK((logs.follow && logs.timestamps && logs.since == "10m" && logs.tail == 5u && logs.id == "web"));
  CHECK_FALSE(parse<LogsOptions>({"logs", "--tail", "all", "web"}).tail);
  CHECK(parse<KillOptions>({"kill", "a"}).signal == "KILL");
  CHECK(parse<KillOptions>({"kill", "-s", "HUP", "a"}).signal == "HUP");
  auto events =
    parse<EventsOptions>({"events", "--since", "7", "--no-follow", "--type", "a,b", "--container", "c", "-o", "json"});
  CHECK((events.since == 7u && !events.follow && events.types == "a,b" && events.container == "c" && events.json));
  CHECK(parse<OomOptions>({"oom"}).follow);
  CHECK(parse<StopOptions>({"stop", "--all"}).all);
  CHECK(parse<RmOptions>({"rm", "-f", "a"}).force);
  CHECK(parse<PoolsOptions>({"pools", "p"}).name == "p");
  CHECK(parse<ValidateOptions>({"validate", "f.yaml"}).file == "f.yaml");
  CHECK_FALSE(parse<VersionOptions>({"version", "-o", "text"}).json);
}

TEST_CASE("the daemon is found by flags, then by the environment") {
  struct Row {
    Args flags;
    std::map<std::string, std::string> env;
    const char* socket;
  };
  auto row = GENERATE(Row{{}, {}, "/run/berth/berth.sock"}, Row{{"--root", "r"}, {}, "/home/me/r/berth.sock"},
                      Row{{"--host", "unix:///x.sock"}, {}, "/x.sock"},
                      Row{{}, {{"BERTH_ROOT", "/e"}}, "/e/berth.sock"}, Row{{}, {{"BERTH_HOST", "unix:///e"}}, "/e"},
                      Row{{}, {{"BERTH_ROOT", "/e"}, {"BERTH_HOST", "unix:///h"}}, "/h"},
                      Row{{"--root", "/r"}, {{"BERTH_HOST", "unix:///h"}}, "/r/berth.sock"},
                      Row{{}, {{"BERTH_ROOT", ""}, {"BERTH_HOST", ""}}, "/run/berth/berth.sock"});
  auto before = row.flags;
  before.push_back("ps");
  auto after = Args{"ps"};
  after.insert(after.end(), row.flags.begin(), row.flags.end());
  for (auto& args : {before, after}) {
    auto result = parse_command_line(args, surroundings(row.env));
    REQUIRE(result);
    CHECK(result->endpoint.socket_path == row.socket);
  }
}

TEST_CASE("a command line that makes no sense is refused with what to do") {
  struct Row {
    Args args;
    const char* says;
  };
  auto row =
    GENERATE(Row{{}, "Usage: berth"}, Row{{"rnu"}, "unknown verb \"rnu\" (did you mean run?)"},
             Row{{"--rot", "x", "ps"}, "unknown flag \"--rot\" (did you mean --root?)"},
             Row{{"run", "--memroy", "1"}, "unknown flag \"--memroy\" (did you mean --memory?)"},
             Row{{"ps", "x"}, "unexpected argument \"x\""}, Row{{"ps", "--", "x"}, "unexpected argument \"x\""},
             Row{{"ps", "-o", "yaml"}, "--output \"yaml\": use json or table"},
             Row{{"run", "--rootfs", "/r", "--", "x"}, "--pool is missing"},
             Row{{"run", "--pool", "p", "--", "x"}, "--rootfs is missing"},
             Row{{"run", "--pool", "p", "--rootfs", "/r"}, "the command to run is missing"},
             Row{{"run", "--pool", "p", "--rootfs", "/r", "--"}, "the command to run is missing"},
             Row{{"run", "--pool", "p", "--rootfs", "/r", "sh", "-c", "x"}, "must follow after \"--\""},
             Row{{"exec", "web", "sh"}, "must follow after \"--\""}, Row{{"exec", "--", "sh"}, "which container?"},
             Row{{"run", "--pool", "p", "--rootfs", "/r", "-m", "64Q", "--", "x"}, "--memory \"64Q\""},
             Row{{"run", "--pool", "p", "--rootfs", "/r", "--cpus", "many", "--", "x"}, "--cpu \"many\""},
             Row{{"run", "--pool", "p", "--rootfs", "/r", "--pids", "-1", "--", "x"}, "--pids"},
             Row{{"run", "--pool", "p", "--rootfs", "/r", "--mount", "/a", "--", "x"}, "--mount \"/a\""},
             Row{{"run", "--pool", "p", "--rootfs", "/r", "--mount", "/a:b", "--", "x"}, "not absolute"},
             Row{{"run", "--pool", "p", "--rootfs", "/r", "--mount", "/a:/b:rx", "--", "x"}, "neither ro nor rw"},
             Row{{"run", "--pool", "p", "--rootfs", "/r", "-e", "=x", "--", "x"}, "--env \"=x\""},
             Row{{"run", "--pool", "p", "--rootfs", "/r", "-l", "x", "--", "x"}, "--label \"x\""},
             Row{{"run", "--pool", "p", "--rootfs", "/r", "--id", "../x", "--", "x"}, "is no container id"},
             Row{{"run", "--pool", "p", "--rootfs", "/r", "--", "\xff"}, "is not UTF-8"},
             Row{{"inspect", "a/stop"}, "is no container id"}, Row{{"rm"}, "which container?"},
             Row{{"rm", "--all", "x"}, "goes without"}, Row{{"stop", "-t", "soon", "x"}, "--timeout \"soon\""},
             Row{{"logs", "--tail", "x", "web"}, "--tail \"x\""}, Row{{"events", "--since", "-1"}, "--since"},
             Row{{"--root", "a", "--host", "unix:///b", "ps"}, "exclude each other"},
             Row{{"--host", "tcp://x", "ps"}, "--host \"tcp://x\": write unix:///PATH"},
             Row{{"--host", "unix://", "ps"}, "write unix:///"}, Row{{"--host", "/run/x.sock", "ps"}, "write unix:///"},
             Row{{"validate"}, "which file?"});
  INFO(row.says);
  auto text = complaint(row.args);
  INFO(text);
  CHECK(text.find(row.says) != std::string::npos);
}

TEST_CASE("every verb explains itself with its flags and examples") {
  for (auto& verb : all_verbs) {
    auto result = parse_command_line({verb, "--help"}, surroundings());
    REQUIRE_FALSE(result);
    auto& help = result.error();
    INFO(help.text);
    CHECK(help.exit_code == 0);
    CHECK(help.text.starts_with("Usage: berth " + verb));
    CHECK(help.text.find("-o,--output FORMAT") != std::string::npos);
    auto examples = help.text.find("Examples:");
    REQUIRE(examples != std::string::npos);
    auto first = help.text.find("berth " + verb, examples);
    REQUIRE(first != std::string::npos);
    CHECK(help.text.find("berth " + verb, first + 1) != std::string::npos);
  }
}

TEST_CASE("the version can be asked for without a verb") {
  auto result = parse_command_line({"--version"}, surroundings());
  REQUIRE_FALSE(result);
  CHECK(result.error().exit_code == 0);
  CHECK(result.error().text.starts_with("berth "));
}

TEST_CASE("the main help lists every verb once") {
  auto result = parse_command_line({"--help"}, surroundings());
  REQUIRE_FALSE(result);
  CHECK(result.error().exit_code == 0);
  auto list = result.error().text.substr(0, result.error().text.find("Environment:"));
  for (auto& verb : all_verbs) {
    auto line = "\n  " + verb + " ";
    auto first = list.find(line);
    INFO(verb);
    REQUIRE(first != std::string::npos);
    CHECK(list.find(line, first + 1) == std::string::npos);
  }
}
