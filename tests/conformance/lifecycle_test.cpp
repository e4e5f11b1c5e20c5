#include "tests/conformance/suite.hpp"

#include <set>

using namespace berth;
using namespace berth::test;
using namespace std::chrono_literals;

namespace {

using Clock = std::chrono::steady_clock;

/// `wait ID` has returned, and this is the container's exit.
Json exit_of(const TestNode& node, const std::string& id) {
  auto waited = node.berth({"wait", id});
  INFO(describe(waited));
  REQUIRE(waited.code == 0);
  return node.inspect(id)["exit"];
}

bool contains(const std::vector<Json>& containers, const std::string& id) {
  return std::any_of(containers.begin(), containers.end(), [&](auto& container) { return container["id"] == id; });
}

} // namespace

TEST_CASE("an attached run ends with the exit code of its container", "[lifecycle]") {
  BERTH_SUITE_NODE(node);
  for (auto code : {0, 1, 42, 255}) {
    auto id = "code-" + std::to_string(code);
    auto done = node.run("main", {"--id", id}, shell("exit " + std::to_string(code)));
    INFO(describe(done));
    CHECK(done.code == code);
    auto container = node.inspect(id);
    CHECK(container["state"] == "exited");
    CHECK(container["exit"]["code"] == code);
    CHECK(container["exit"]["signal"] == 0);
    CHECK(container["exit"]["oomKilled"] == false);
    CHECK(container["pid"] == 0);
  }
}

TEST_CASE("a detached run prints the id as soon as the container runs", "[lifecycle]") {
  BERTH_SUITE_NODE(node);
  auto id = node.start("main", {}, {"/bin/sleep", "1000"});
  auto container = node.inspect(id);
  CHECK(container["state"] == "running");
  CHECK(container["pool"] == "main");
  CHECK(container["runtime"] == runtime().name());
  CHECK(container["configuredRuntime"] == runtime().name());
  CHECK(container["exit"].is_null());
  auto pid = container["pid"].get<int>();
  REQUIRE(pid > 0);
  CHECK(process_name(pid) != "");
  auto other = node.start("main", {}, {"/bin/sleep", "1000"});
  CHECK(other != id);
}

TEST_CASE("signals reach the first process of a container", "[lifecycle]") {
  BERTH_SUITE_NODE(node);
  struct Row {
    std::string signal;
    std::string caught;
    int code;
  };
  for (auto& row : {Row{"USR1", "USR1", 9}, Row{"SIGHUP", "HUP", 10}, Row{"12", "USR2", 11}}) {
    INFO(row.signal);
    auto code = std::to_string(row.code);
    auto id = node.start("main", {}, shell("trap 'exit " + code + "' " + row.caught + "; " + idle_loop()));
    REQUIRE(is_ready(node, id));
    auto killed = node.berth({"kill", "-s", row.signal, id});
    INFO(describe(killed));
    CHECK(killed.code == 0);
    CHECK(exit_of(node, id)["code"] == row.code);
  }
}

TEST_CASE("SIGKILL ends any container with code 137", "[lifecycle]") {
  BERTH_SUITE_NODE(node);
  auto id = node.start("main", {}, shell("trap '' TERM HUP INT; " + idle_loop()));
  CHECK(node.berth({"kill", id}).code == 0);
  auto exit = exit_of(node, id);
  CHECK(exit["code"] == 137);
  CHECK(exit["signal"] == 9);
  CHECK(exit["oomKilled"] == false);
  auto again = node.berth({"kill", id});
  CHECK(again.code == 1);
  CHECK(again.err.find("wrong_state") != std::string::npos);
}

TEST_CASE("an attached command ends with 128 and the signal that ended its container", "[lifecycle]") {
  BERTH_SUITE_NODE(node);
  auto attached = node.berth_beside(TestNode::run_arguments("main", {"--id", "shot"}, {"/bin/sleep", "1000"}));
  REQUIRE(eventually(20s, [&] { return node.berth({"inspect", "shot"}).out.find("\"running\"") != std::string::npos; }));
  CHECK(node.berth({"kill", "shot"}).code == 0);
  CHECK(attached->finish().code == 137);
}

TEST_CASE("the command passes SIGTERM on to the container that it is attached to", "[lifecycle]") {
  BERTH_SUITE_NODE(node);
  auto script = "trap 'exit 23' TERM; " + idle_loop();
  auto attached = node.berth_beside(TestNode::run_arguments("main", {"--id", "relayed"}, shell(script)));
  REQUIRE(eventually(20s, [&] { return attached->out().find("ready") != std::string::npos; }));
  attached->signal(SIGTERM);
  CHECK(attached->finish().code == 23);
}

TEST_CASE("stop waits for a container that ends on SIGTERM, and no longer", "[lifecycle]") {
  BERTH_SUITE_NODE(node);
  auto id = node.start("main", {}, shell("trap 'exit 7' TERM; " + idle_loop()));
  REQUIRE(is_ready(node, id));
  auto begin = Clock::now();
  CHECK(node.berth({"stop", "-t", "100", id}).code == 0);
  CHECK(Clock::now() - begin < stretched(10s));
  auto exit = node.inspect(id)["exit"];
  CHECK(exit["code"] == 7);
  CHECK(exit["signal"] == 0);
  // There is nothing left to stop, so this succeeds, too.
  CHECK(node.berth({"stop", id}).code == 0);
}

TEST_CASE("stop kills a container that ignores SIGTERM, on time and not before", "[lifecycle]") {
  BERTH_SUITE_NODE(node);
  auto id = node.start("main", {}, shell("trap '' TERM; " + idle_loop()));
  REQUIRE(is_ready(node, id));
  auto begin = Clock::now();
  CHECK(node.berth({"stop", "-t", "1", id}).code == 0);
  auto took = Clock::now() - begin;
  CHECK(took >= 1s);
  CHECK(took < 1s + stretched(3s));
  auto exit = node.inspect(id)["exit"];
  CHECK(exit["code"] == 137);
  CHECK(exit["signal"] == 9);
}

TEST_CASE("without -t the pool's grace period counts, and with -t 0 there is none", "[lifecycle]") {
  BERTH_SUITE_NODE(node);
  auto stubborn = shell("trap '' TERM; " + idle_loop());
  auto patient = node.start("limited", {}, stubborn);
  auto hasty = node.start("main", {}, stubborn);
  REQUIRE(is_ready(node, patient));
  REQUIRE(is_ready(node, hasty));
  auto begin = Clock::now();
  CHECK(node.berth({"stop", patient}).code == 0);
  CHECK(Clock::now() - begin >= 2s);
  begin = Clock::now();
  CHECK(node.berth({"stop", "-t", "0", hasty}).code == 0);
  CHECK(Clock::now() - begin < stretched(10s)); // the grace period of the pool is 30 s
}

TEST_CASE("every client that waits is told the exit code", "[lifecycle]") {
  BERTH_SUITE_NODE(node);
  auto id = node.start("main", {}, shell("trap 'exit 42' USR1; " + idle_loop()));
  REQUIRE(is_ready(node, id));
  auto clients = std::vector<std::unique_ptr<Background>>{};
  for (auto i = 0; i < 4; ++i)
    clients.push_back(node.berth_beside({"wait", id}));
  CHECK(node.berth({"kill", "-s", "USR1", id}).code == 0);
  for (auto& client : clients) {
    auto done = client->finish();
    INFO(describe(done));
    CHECK(done.code == 0);
    CHECK(done.out == "42\n");
  }
  CHECK(node.berth({"wait", id}).out == "42\n");
  CHECK(node.berth({"wait", "no-such"}).code == 1);
}

TEST_CASE("a container is removed by rm, and by force if it runs", "[lifecycle]") {
  BERTH_SUITE_NODE(node);
  CHECK(node.run("main", {"--id", "ended"}, {"/bin/true"}).code == 0);
  auto id = node.start("main", {"--id", "runs"}, {"/bin/sleep", "1000"});
  auto refused = node.berth({"rm", id});
  CHECK(refused.code == 1);
  CHECK(refused.err.find("wrong_state") != std::string::npos);
  CHECK(contains(node.query({"ps", "-a"}), "ended"));
  CHECK_FALSE(contains(node.query({"ps"}), "ended"));
  CHECK(contains(node.query({"ps"}), "runs"));
  CHECK(node.berth({"rm", "ended"}).code == 0);
  CHECK(node.berth({"rm", "-f", "runs"}).code == 0);
  CHECK(node.query({"ps", "-a"}).empty());
  CHECK(node.berth({"inspect", "runs"}).code == 1);
  CHECK(node.berth({"rm", "runs"}).code == 1);
  // The name is free again.
  CHECK(node.run("main", {"--id", "runs", "--rm"}, {"/bin/true"}).code == 0);
}

TEST_CASE("with --rm nothing is left after the end, attached or not", "[lifecycle]") {
  BERTH_SUITE_NODE(node);
  auto attached = node.run("main", {"--rm", "--id", "attached"}, shell("echo last words; exit 3"));
  CHECK(attached.code == 3);
  CHECK(attached.out == "last words\n");
  node.start("main", {"--rm", "--id", "detached"}, shell("exit 4"));
  CHECK(types_of(node.events_until("attached", "container.removed")).back() == "container.removed");
  CHECK(types_of(node.events_until("detached", "container.removed")).back() == "container.removed");
  CHECK(node.query({"ps", "-a"}).empty());
}

TEST_CASE("events tell the life of a container in order and without gaps", "[lifecycle]") {
  BERTH_SUITE_NODE(node);
  auto since = node.last_event();
  CHECK(node.run("main", {"--rm", "--id", "told"}, shell("exit 5")).code == 5);
  auto told = node.events_until("told", "container.removed", since);
  CHECK(types_of(told)
        == std::vector<std::string>{"container.accepted", "container.running", "container.exited", "container.removed"});
  for (auto& event : told) {
    CHECK(event["pool"] == "main");
    CHECK(event["generation"] == 1);
    CHECK(event["time"].get<std::string>().ends_with("Z"));
  }
  CHECK(told[2]["data"]["exitCode"] == 5);
  auto next = since;
  for (auto& event : node.events(since))
    CHECK(event["seq"] == ++next);
  CHECK(node.events(next).empty());
}

TEST_CASE("thirty containers at once do not get in each other's way", "[lifecycle]") {
  BERTH_SUITE_NODE(node);
  auto count = count_from_env("BERTH_TEST_BURST", 30, 8);
  auto results = std::vector<Output>(count);
  in_parallel(count, count, [&](int i) {
    auto number = std::to_string(i);
    results[i] = node.run("main", {"--rm"}, shell("echo out " + number + "; echo err " + number + " >&2; exit " + number),
                          120s);
  });
  for (auto i = 0; i < count; ++i) {
    INFO(describe(results[i]));
    CHECK(results[i].code == i);
    CHECK(results[i].out == "out " + std::to_string(i) + "\n");
    CHECK(results[i].err == "err " + std::to_string(i) + "\n");
  }
}

TEST_CASE("ps and inspect have the keys that scripts rely on", "[lifecycle]") {
  BERTH_SUITE_NODE(node);
  auto id = node.start("main", {"--label", "app=web", "--env", "A=b"}, {"/bin/sleep", "1000"});
  auto container = node.inspect(id);
  auto list = node.query({"ps", "-a"});
  REQUIRE(list.size() == 1);
  for (auto& json : {container, list[0]})
    for (auto key : {"id", "pool", "state", "pid", "runtime", "configuredRuntime", "selection", "generation", "exit",
                     "runtimeId", "runtimeVersion", "runtimeBinary", "args", "env", "labels", "rootfs", "limits", "acceptedAt",
                     "startedAt", "cgroup", "logPath"}) {
      INFO(key);
      CHECK(json.contains(key));
    }
  CHECK(container["selection"]["reason"] == "configured");
  CHECK(container["selection"]["override"] == false);
  CHECK(container["selection"]["source"] == "worker");
  CHECK(container["generation"] == 1);
  CHECK(container["labels"] == Json{{"app", "web"}});
  CHECK(container["args"] == Json{"/bin/sleep", "1000"});
  CHECK(container["env"] == Json{"A=b"});
  CHECK(container["rootfs"] == test_rootfs());
  CHECK(container["runtimeBinary"] == runtime().binary);
  CHECK(container["acceptedAt"] <= container["startedAt"]);
  CHECK(node.berth({"kill", id}).code == 0);
  auto exit = exit_of(node, id);
  for (auto key : {"code", "signal", "oomKilled", "at", "reason"}) {
    INFO(key);
    CHECK(exit.contains(key));
  }
}

TEST_CASE("a duplicate id is refused while the first container is known", "[lifecycle]") {
  BERTH_SUITE_NODE(node);
  node.start("main", {"--id", "twin"}, {"/bin/sleep", "1000"});
  auto refused = node.run("main", {"--id", "twin"}, {"/bin/true"});
  INFO(describe(refused));
  CHECK(refused.code == 125);
  CHECK(refused.err.find("duplicate_id") != std::string::npos);
  CHECK(node.inspect("twin")["state"] == "running");
  // Of several at once one wins.
  auto codes = std::vector<int>(8);
  in_parallel(8, 8, [&](int i) { codes[i] = node.run("main", {"-d", "--id", "race"}, {"/bin/sleep", "1000"}).code; });
  CHECK(std::count(codes.begin(), codes.end(), 0) == 1);
  CHECK(std::count(codes.begin(), codes.end(), 125) == 7);
}
