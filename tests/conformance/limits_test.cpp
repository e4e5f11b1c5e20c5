#include "tests/conformance/suite.hpp"

#include <filesystem>

using namespace berth;
using namespace berth::test;
using namespace std::chrono_literals;
namespace fs = std::filesystem;

namespace {

using Clock = std::chrono::steady_clock;

/// The text of the first of these files that the container's cgroup has in any hierarchy. The names are those of v2 and v1.
std::string limit_file(const Json& container, const std::vector<std::string>& names) {
  auto cgroup = container["cgroup"].get<std::string>();
  for (auto& hierarchy : cgroup_hierarchies())
    for (auto& name : names) {
      auto path = hierarchy + cgroup + "/" + name;
      if (fs::exists(path))
        return text_of(path);
    }
  return "no such file";
}

uint64_t number(const std::string& text) {
  return std::strtoull(text.c_str(), nullptr, 10);
}

/// What the runtime under test needs for itself: of runc nothing, of gVisor something, but not without end.
bool is_limit_for(uint64_t value, uint64_t asked, uint64_t most_extra) {
  return runtime().is_gvisor() ? value > asked && value <= asked + most_extra : value == asked;
}

uint64_t memory_limit(const Json& container) {
  return number(limit_file(container, {"memory.max", "memory.limit_in_bytes"}));
}

uint64_t pids_limit(const Json& container) {
  return number(limit_file(container, {"pids.max"}));
}

constexpr uint64_t mib = 1024 * 1024;

std::string state_in_pool(const TestNode& node, const char* key) {
  return node.query({"pools", "small"})[key].dump();
}

} // namespace

TEST_CASE("limits are those of the container's cgroup", "[limits]") {
  BERTH_SUITE_NODE(node);
  auto id = node.start("main", {"--memory", "96M", "--cpu", "0.25", "--pids", "40"}, {"/bin/sleep", "1000"});
  auto container = node.inspect(id);
  CHECK(container["limits"]["memory"] == 96 * mib);
  CHECK(container["limits"]["cpuMillis"] == 250);
  CHECK(container["limits"]["pids"] == 40);
  CHECK(is_limit_for(memory_limit(container), 96 * mib, 128 * mib));
  CHECK(is_limit_for(pids_limit(container), 40, 4096));
  // v2: "QUOTA PERIOD", v1: the quota for a period of 100 ms.
  if (!is_beyond_fake("it has no CPU limits"))
    CHECK(number(limit_file(container, {"cpu.max", "cpu.cfs_quota_us"})) == 25'000);
}

TEST_CASE("without limits the pool's defaults count, and without those there are none", "[limits]") {
  BERTH_SUITE_NODE(node);
  auto limited = node.inspect(node.start("limited", {}, {"/bin/sleep", "1000"}));
  CHECK(limited["limits"] == Json{{"memory", 64 * mib}, {"cpuMillis", 500}, {"pids", 64}});
  CHECK(is_limit_for(memory_limit(limited), 64 * mib, 128 * mib));
  auto raised = node.inspect(node.start("limited", {"--memory", "128M", "--cpu", "1"}, {"/bin/sleep", "1000"}));
  CHECK(raised["limits"] == Json{{"memory", 128 * mib}, {"cpuMillis", 1000}, {"pids", 64}});
  auto free = node.inspect(node.start("main", {}, {"/bin/sleep", "1000"}));
  CHECK(free["limits"] == Json{{"memory", 0}, {"cpuMillis", 0}, {"pids", 0}});
  auto text = limit_file(free, {"memory.max", "memory.limit_in_bytes"});
  CHECK((text == "max\n" || number(text) > uint64_t{1} << 60));
}

TEST_CASE("a container cannot have more processes than its limit", "[limits]") {
  BERTH_SUITE_NODE(node);
  if (is_beyond_gvisor("its limit counts the tasks of the sandbox on the host, not the processes inside"))
    return;
  auto script = "for i in 1 2 3 4 5 6 7 8 9 10 11 12; do sleep 100 & done 2>/dev/null; echo not reached";
  auto done = node.run("main", {"--rm", "--pids", "8"}, shell(script));
  INFO(describe(done));
  CHECK(done.out == "");
  CHECK(done.code != 0);
}

TEST_CASE("stats tell what a container uses", "[limits]") {
  BERTH_SUITE_NODE(node);
  auto busy = "i=0; while [ $i -lt 20000 ]; do i=$((i+1)); done; " + idle_loop();
  auto id = node.start("main", {"--memory", "128M", "--pids", "50"}, shell(busy));
  REQUIRE(is_ready(node, id));
  auto stats = node.query({"stats", id});
  INFO(stats.dump(2));
  CHECK(stats["id"] == id);
  CHECK(stats["pool"] == "main");
  CHECK(stats["runtime"] == runtime().name());
  CHECK(stats["memory"]["current"] > 0);
  CHECK(stats["memory"]["current"] <= stats["memory"]["limit"]);
  CHECK(is_limit_for(stats["memory"]["limit"].get<uint64_t>(), 128 * mib, 128 * mib));
  if (!is_beyond_fake("it has no group in which CPU time is counted"))
    CHECK(stats["cpu"]["usageNs"] > 1'000'000);
  CHECK(stats["pids"]["current"] >= 1);
  CHECK(stats["oomKills"] == 0);
  auto all = node.query({"stats"});
  REQUIRE(all.size() == 1);
  CHECK(all[0]["id"] == id);
  CHECK(node.berth({"kill", id}).code == 0);
  CHECK(node.berth({"wait", id}).code == 0);
  CHECK(node.berth({"stats", id}).code == 1);
}

TEST_CASE("a pool runs no more containers than it may, and queues the next ones", "[limits]") {
  BERTH_SUITE_NODE(node);
  node.start("small", {"--id", "first"}, {"/bin/sleep", "1000"});
  node.start("small", {"--id", "second"}, {"/bin/sleep", "1000"});
  auto third = node.berth_beside(TestNode::run_arguments("small", {"--id", "third", "-d"}, {"/bin/sleep", "1000"}));
  REQUIRE(eventually(10s, [&] { return state_in_pool(node, "queued") == "1"; }));
  CHECK(state_in_pool(node, "running") == "2");
  auto fourth = node.run("small", {"--id", "fourth"}, {"/bin/true"});
  INFO(describe(fourth));
  CHECK(fourth.code == 125);
  CHECK(fourth.err.find("limit_reached") != std::string::npos);
  // A place is free when the processes have ended, not when somebody has removed the container.
  CHECK(node.berth({"kill", "first"}).code == 0);
  auto launched = third->finish();
  INFO(describe(launched));
  CHECK(launched.code == 0);
  CHECK(node.inspect("third")["state"] == "running");
  CHECK(state_in_pool(node, "running") == "2");
}

TEST_CASE("a launch waits in the queue for as long as it may", "[limits]") {
  BERTH_SUITE_NODE(node);
  node.start("impatient", {}, {"/bin/sleep", "1000"});
  auto begin = Clock::now();
  auto late = node.run("impatient", {"--id", "late"}, {"/bin/true"});
  INFO(describe(late));
  CHECK(Clock::now() - begin >= 1s);
  CHECK(late.code == 125);
  CHECK(late.err.find("queue_timeout") != std::string::npos);
  CHECK(node.query({"pools", "impatient"})["queued"] == 0);
}

TEST_CASE("a launch that waits in the queue can be taken back", "[limits]") {
  BERTH_SUITE_NODE(node);
  node.start("small", {}, {"/bin/sleep", "1000"});
  node.start("small", {}, {"/bin/sleep", "1000"});
  auto waiting = node.berth_beside(TestNode::run_arguments("small", {"--id", "queued", "-d"}, {"/bin/sleep", "1000"}));
  REQUIRE(eventually(10s, [&] { return state_in_pool(node, "queued") == "1"; }));
  CHECK(node.berth({"rm", "-f", "queued"}).code == 0);
  auto launched = waiting->finish();
  INFO(describe(launched));
  CHECK(launched.code == 125);
  CHECK(launched.err.find("cancelled") != std::string::npos);
  CHECK(state_in_pool(node, "queued") == "0");
}

TEST_CASE("a client that gives up waiting in the queue takes its launch along", "[limits]") {
  BERTH_SUITE_NODE(node);
  node.start("small", {"--id", "first"}, {"/bin/sleep", "1000"});
  node.start("small", {}, {"/bin/sleep", "1000"});
  auto waiting = node.berth_beside(TestNode::run_arguments("small", {"--id", "given-up"}, {"/bin/sleep", "1000"}));
  REQUIRE(eventually(10s, [&] { return state_in_pool(node, "queued") == "1"; }));
  waiting->signal(SIGKILL);
  CHECK(eventually(10s, [&] { return state_in_pool(node, "queued") == "0"; }));
  CHECK(node.berth({"inspect", "given-up"}).code == 1);
}
