#include "runtimes/oci_command.hpp"

#include "tests/support/catch.hpp"

using namespace berth;

namespace {

const auto runc = [] {
  auto profile = RuntimeProfile{};
  profile.binary = "/usr/sbin/runc";
  profile.root = "/run/berth/runc/web";
  return profile;
}();

const auto gvisor = [] {
  auto profile = RuntimeProfile{};
  profile.kind = RuntimeKind::gvisor;
  profile.binary = "/usr/bin/runsc";
  profile.root = "/run/gvisor/web";
  profile.flags = {"--platform=ptrace", "--network=none"};
  return profile;
}();

const auto id = std::string{"abcdefghijklmnopqrstuvwxyz"};

} // namespace

TEST_CASE("the command lines of runc") {
  auto call = RuntimeCall{runc, "log.json", id};
  auto common = Argv{"/usr/sbin/runc", "--root", "/run/berth/runc/web", "--log", "log.json",
                     "--log-format",   "json"};
  struct Row {
    Argv argv;
    Argv verb;
  };
  auto row = GENERATE_COPY(values<Row>({
    {create_argv(call, "bundle", "pid"), {"create", "--bundle", "bundle", "--pid-file", "pid", id}},
    {start_argv(call), {"start", id}},
    {kill_argv(call), {"kill", id}},
    {delete_argv(call), {"delete", id}},
    {delete_argv(call, true), {"delete", "--force", id}},
    {exec_argv(call, "process.json"), {"exec", "--process", "process.json", id}},
    {exec_argv(call, "process.json", "pid"),
     {"exec", "--process", "process.json", "--pid-file", "pid", id}},
    {state_argv(call), {"state", id}},
  }));
  auto expected = common;
  expected.insert(expected.end(), row.verb.begin(), row.verb.end());
  CHECK(row.argv == expected);
}

TEST_CASE("a runtime's flags stand between its log and the verb") {
  auto argv = start_argv({gvisor, "/c/runtime.log", id});
  CHECK(argv
        == Argv{"/usr/bin/runsc", "--root", "/run/gvisor/web", "--log", "/c/runtime.log",
                "--log-format", "json", "--platform=ptrace", "--network=none", "start", id});
}

TEST_CASE("a process inside a sandbox is signalled through the runtime") {
  auto profile = gvisor;
  profile.has_host_processes = false;
  profile.flags = {};
  auto call = RuntimeCall{profile, "log", id};
  auto common = Argv{"/usr/bin/runsc", "--root", "/run/gvisor/web", "--log", "log", "--log-format",
                     "json"};
  auto exec = common;
  exec.insert(exec.end(), {"exec", "--process", "process.json", "--internal-pid-file", "pid", id});
  CHECK(exec_argv(call, "process.json", "pid") == exec);
  auto kill = common;
  kill.insert(kill.end(), {"kill", "--pid", "7", id});
  CHECK(kill_process_argv(call, 7) == kill);
}

TEST_CASE("the start FIFO lies in the runtime's record of the container") {
  CHECK(start_fifo_path(runc, id) == "/run/berth/runc/web/abcdefghijklmnopqrstuvwxyz/exec.fifo");
}
