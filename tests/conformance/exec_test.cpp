#include "tests/conformance/suite.hpp"

using namespace berth;
using namespace berth::test;
using namespace std::chrono_literals;

namespace {

Output exec(const TestNode& node, const std::string& id, const Argv& flags, const Argv& command) {
  auto args = Argv{"exec"};
  args.insert(args.end(), flags.begin(), flags.end());
  args.push_back(id);
  args.push_back("--");
  args.insert(args.end(), command.begin(), command.end());
  return node.berth(args);
}

} // namespace

TEST_CASE("exec ends with the exit code of its command", "[exec]") {
  BERTH_SUITE_NODE(node);
  auto id = node.start("main", {}, {"/bin/sleep", "1000"});
  for (auto code : {0, 1, 42, 255}) {
    auto done = exec(node, id, {}, shell("echo out; echo err >&2; exit " + std::to_string(code)));
    INFO(describe(done));
    CHECK(done.code == code);
    CHECK(done.out == "out\n");
    CHECK(done.err == "err\n");
  }
  CHECK(node.inspect(id)["state"] == "running");
}

TEST_CASE("exec passes output through as it is", "[exec]") {
  BERTH_SUITE_NODE(node);
  auto id = node.start("main", {}, {"/bin/sleep", "1000"});
  auto bytes = exec(node, id, {}, {inside(), "bytes"});
  CHECK(bytes.code == 0);
  CHECK(bytes.out.size() == 256);
  auto burst = exec(node, id, {}, {inside(), "burst", "1048576"});
  CHECK(burst.code == 0);
  CHECK(burst.out.size() == 1'048'576);
}

TEST_CASE("exec tells a command that does not exist from one that cannot be executed", "[exec]") {
  BERTH_SUITE_NODE(node);
  auto id = node.start("main", {}, {"/bin/sleep", "1000"});
  auto missing = exec(node, id, {}, {"/no/such/program"});
  INFO(describe(missing));
  CHECK(missing.code == 127);
  CHECK(missing.err.find("command_not_found") != std::string::npos);
  auto name = exec(node, id, {}, {"no-such-program"});
  CHECK(name.code == 127);
  auto text = exec(node, id, {}, {"/etc/not-a-program"});
  INFO(describe(text));
  CHECK(text.code == 126);
  CHECK(text.err.find("command_not_executable") != std::string::npos);
  CHECK(exec(node, id, {}, {"true"}).code == 0); // found in PATH
}

TEST_CASE("exec knows the users that the container has by now", "[exec]") {
  BERTH_SUITE_NODE(node);
  auto id = node.start("main", {}, {"/bin/sleep", "1000"});
  CHECK(exec(node, id, {"--user", "bob"}, {"id", "-u"}).code == 125);
  CHECK(exec(node, id, {}, shell("echo bob:x:1234:1234:::/bin/sh >>/etc/passwd")).code == 0);
  auto bob = exec(node, id, {"--user", "bob"}, {"id", "-u"});
  INFO(describe(bob));
  CHECK(bob.code == 0);
  CHECK(bob.out == "1234\n");
}

TEST_CASE("exec takes variables, a working directory and a user", "[exec]") {
  BERTH_SUITE_NODE(node);
  auto id = node.start("main", {"--env", "FROM_RUN=r"}, {"/bin/sleep", "1000"});
  auto script = "echo $FROM_RUN $FROM_EXEC; pwd; id -u; id -g";
  auto done = exec(node, id, {"--env", "FROM_EXEC=e", "--workdir", "/tmp", "--user", "worker"}, shell(script));
  INFO(describe(done));
  CHECK(done.code == 0);
  CHECK(done.out == "r e\n/tmp\n1000\n1000\n");
  auto plain = exec(node, id, {}, shell("pwd; id -u"));
  CHECK(plain.out == "/\n0\n");
}

TEST_CASE("exec sees the processes of its container", "[exec]") {
  BERTH_SUITE_NODE(node);
  auto id = node.start("main", {}, {"/bin/sleep", "12345"});
  // Right after the start it may still be on its way from the runtime to the program.
  CHECK(eventually(5s, [&] {
    return exec(node, id, {}, shell("tr '\\0' ' ' </proc/1/cmdline")).out == "/bin/sleep 12345 ";
  }));
}

TEST_CASE("exec works only in a container that runs", "[exec]") {
  BERTH_SUITE_NODE(node);
  CHECK(node.run("main", {"--id", "gone"}, {"/bin/true"}).code == 0);
  auto ended = exec(node, "gone", {}, {"/bin/true"});
  INFO(describe(ended));
  CHECK(ended.code == 125);
  CHECK(ended.err.find("wrong_state") != std::string::npos);
  auto unknown = exec(node, "never-was", {}, {"/bin/true"});
  CHECK(unknown.code == 125);
  CHECK(unknown.err.find("unknown_container") != std::string::npos);
}

TEST_CASE("an exec ends with its container", "[exec]") {
  BERTH_SUITE_NODE(node);
  auto id = node.start("main", {}, {"/bin/sleep", "1000"});
  auto running = node.berth_beside({"exec", id, "--", "/bin/sh", "-c", "echo ready; sleep 1000"});
  REQUIRE(eventually(20s, [&] { return running->out() == "ready\n"; }));
  CHECK(node.berth({"kill", id}).code == 0);
  auto done = running->finish(20s);
  INFO(describe(done));
  CHECK(done.code > 0);
}

TEST_CASE("several execs run side by side", "[exec]") {
  BERTH_SUITE_NODE(node);
  auto id = node.start("main", {}, {"/bin/sleep", "1000"});
  auto codes = std::vector<int>(8);
  in_parallel(8, 8, [&](int i) { codes[i] = exec(node, id, {}, shell("exit " + std::to_string(10 + i))).code; });
  CHECK(codes == std::vector<int>{10, 11, 12, 13, 14, 15, 16, 17});
}
