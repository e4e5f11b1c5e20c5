#include "tests/e2e/nodes.hpp"

using namespace berth;
using namespace berth::test;
using namespace std::chrono_literals;

namespace {

constexpr auto count_for_ever = "i=0; while :; do echo tick $i; i=$((i+1)); sleep 0.02; done";

/// An attached client that has seen some output.
std::unique_ptr<Background> attach(const TestNode& node, const Argv& flags, const std::string& script) {
  auto client = node.berth_beside(TestNode::run_arguments("plain", flags, shell(script)));
  REQUIRE(eventually(20s, [&] { return contains(client->out(), "tick 3"); }));
  return client;
}

} // namespace

TEST_CASE("a container goes on when its client is killed", "[clients]") {
  BERTH_NEEDS_RUNC();
  auto node = TestNode{plain_config()};
  attach(node, {"--id", "left"}, count_for_ever)->signal(SIGKILL);
  auto size = node.berth({"logs", "left"}).out.size();
  CHECK(eventually(10s, [&] { return node.berth({"logs", "left"}).out.size() > size + 100; }));
  CHECK(node.inspect("left")["state"] == "running");
  CHECK(node.berth({"stop", "-t", "0.1", "left"}).code == 0);
  CHECK(node.inspect("left")["state"] == "exited");
}

TEST_CASE("with --rm a container whose client was killed is removed after its end", "[clients]") {
  BERTH_NEEDS_RUNC();
  auto node = TestNode{plain_config()};
  attach(node, {"--id", "brief", "--rm"}, "for i in 0 1 2 3; do echo tick $i; done; sleep 1")->signal(SIGKILL);
  CHECK(types_of(node.events_until("brief", "container.removed")).back() == "container.removed");
  CHECK(node.query({"ps", "-a"}).empty());
}

TEST_CASE("an exec whose client was killed leaves nothing of Berth's behind", "[clients]") {
  BERTH_NEEDS_RUNC();
  auto node = TestNode{plain_config()};
  auto id = node.start("plain", {}, {"/bin/sleep", "1000"});
  node.berth({"exec", id, "--", "/bin/true"});
  auto before = node.census();
  auto client = node.berth_beside({"exec", id, "--", "/bin/sh", "-c", count_for_ever});
  REQUIRE(eventually(20s, [&] { return contains(client->out(), "tick 3"); }));
  client->signal(SIGKILL);
  // What the shell has started belongs to the container, whose first process here reaps nobody.
  auto gone = [&] {
    for (auto& line : lines_of(difference(before, node.census())))
      if (!contains(line, "(zombie)"))
        return false;
    return true;
  };
  CHECK(eventually(10s, gone));
  INFO(difference(before, node.census()));
  CHECK(gone());
  CHECK(node.inspect(id)["state"] == "running");
}

TEST_CASE("a client that does not read its output stops neither the container nor the daemon", "[clients]") {
  BERTH_NEEDS_RUNC();
  auto node = TestNode{plain_config("  logs: {maxSize: 1Mi, maxFiles: 2}\n")};
  auto body = Json{{"pool", "plain"}, {"rootfs", test_rootfs()}, {"args", {"/bin/inside", "burst", "8000000"}}, {"id", "loud"}};
  auto deaf = RawConnection{node.socket()};
  REQUIRE(deaf.send(http_request("POST", "/v1/containers?attach=true", body.dump())));
  CHECK(node.events_until("loud", "container.exited").size() >= 3);
  CHECK(node.run("plain", {"--rm"}, {"/bin/true"}).code == 0);
  // When it reads at last it is told that something is gone, and how it ended.
  CHECK(deaf.read_to_end());
  auto lines = lines_of(parse_answer(deaf.received()).body);
  REQUIRE_FALSE(lines.empty());
  auto last = Json::parse(lines.back(), nullptr, false);
  REQUIRE(last.is_object());
  CHECK(last["type"] == "exited");
  CHECK(last["container"]["exit"]["code"] == 0);
}

TEST_CASE("output is not lost when its reader closes", "[clients]") {
  BERTH_NEEDS_RUNC();
  auto node = TestNode{plain_config()};
  auto done = run_program({"/bin/sh", "-c",
                           built_program("berth") + " --root " + node.root() + " run --id piped --pool plain --rootfs "
                             + test_rootfs() + " -- /bin/inside lines 2000 2>/dev/null | head -n 1"});
  CHECK(done.out == "line 0\n");
  CHECK(node.berth({"wait", "piped"}).out == "0\n");
  CHECK(lines_of(node.berth({"logs", "piped"}).out).size() == 1000);
}

TEST_CASE("the command tells what to do when there is no daemon", "[clients]") {
  auto dir = TempDir{};
  for (auto& args : {Argv{"ps"}, Argv{"events"}, Argv{"stop", "x"}}) {
    auto argv = Argv{built_program("berth"), "--root", dir.path()};
    argv.insert(argv.end(), args.begin(), args.end());
    auto done = run_program(argv, 10s);
    INFO(describe(done));
    CHECK(done.code == 1);
    CHECK(contains(done.err, "berthd --config"));
  }
  // The command has a version of its own, whether or not there is a daemon.
  auto version = run_program({built_program("berth"), "--root", dir.path(), "version"}, 10s);
  CHECK(version.code == 0);
  CHECK(contains(version.out, "berthd --config"));
}
