#include "runtimes/linux/cgroup.hpp"

#include "tests/support/cgroup_world.hpp"
#include "tests/support/temp_dir.hpp"

#include <csignal>

using namespace berth;
using namespace berth::test;

namespace {

bool exists(const std::string& path) {
  return ::access(path.c_str(), F_OK) == 0;
}

} // namespace

TEST_CASE("the cgroups of this host are where the kernel says") {
  auto host = detect_cgroup_host();
  REQUIRE(host);
  CHECK(host->controllers.count("memory") == 1);
  CHECK(host->controllers.count("pids") == 1);
  for (auto& [controller, mount_point] : host->controllers) {
    INFO("controller: " << controller);
    CHECK(exists(mount_point + "/cgroup.procs"));
  }
}

TEST_CASE("our tree gives each container the controllers that it needs") {
  auto world = CgroupWorld{};
  auto groups = world.make("one");
  CHECK(exists(groups.memory + (world.is_v2() ? "/memory.events" : "/memory.oom_control")));
  CHECK(exists(groups.pids + "/pids.current"));
  CHECK(exists(groups.cpu_limits + (world.is_v2() ? "/cpu.max" : "/cpu.cfs_quota_us")));
  CHECK(exists(groups.memory_limits + "/cgroup.procs"));
  if (world.is_v2()) {
    CHECK(exists(groups.memory_limits + "/memory.max"));
    CHECK(exists(groups.memory_limits + "/pids.max"));
    CHECK(world.root().has_oom_group());
  }
  // Twice is as good as once: a pool may be prepared again, and a daemon started again.
  CHECK(world.root().prepare_pool(world.pool));
  CHECK(world.root().prepare_container(groups));
}

TEST_CASE("groups are counted, and removed when nothing is in them") {
  auto world = CgroupWorld{};
  auto& root = world.root();
  auto empty = root.count_groups();
  auto groups = world.make("one");
  CHECK(root.count_groups() > empty);
  // Not empty: nothing happens.
  root.remove_pool(world.pool);
  root.remove_all();
  CHECK(exists(groups.memory));
  world.remove(groups);
  root.remove_pool(world.pool);
  CHECK(root.count_groups() == 0);
  root.remove_all();
  for (auto& hierarchy : root.host().hierarchies)
    CHECK(!exists(hierarchy + "/berth-test-" + std::to_string(::getpid())));
}

TEST_CASE("a group is removed with the groups that a container made in it") {
  auto world = CgroupWorld{};
  auto groups = world.make("one");
  auto path = groups.memory_limits;
  for (auto i = 0; i < 20; ++i) {
    path += "/deeper";
    REQUIRE(std::filesystem::create_directory(path));
  }
  REQUIRE(std::filesystem::create_directory(groups.memory_limits + "/wider"));
  CHECK(remove_group(groups.memory));
  CHECK(!exists(groups.memory));
  CHECK(remove_group(groups.memory));
}

TEST_CASE("a group with a process in it is not removed, one whose process has just ended is") {
  auto world = CgroupWorld{};
  auto groups = world.make("one", 64 << 20);
  auto process = Eater{groups, "wait"};
  REQUIRE(process.line() == "joined");
  auto refused = remove_group(groups.memory_limits);
  REQUIRE(!refused);
  CHECK(refused.error().reason == "Device or resource busy");
  CHECK(exists(groups.memory_limits));
  REQUIRE(process.child().kill(SIGKILL));
  REQUIRE(process.child().wait());
  CHECK(remove_group(groups.memory_limits));
}

TEST_CASE("only cgroups are removed") {
  auto directory = TempDir{};
  auto ordinary = directory / "ordinary";
  std::filesystem::create_directory(ordinary);
  CHECK(!remove_group(ordinary));
  CHECK(exists(ordinary));
  CHECK(!remove_group(""));
  auto world = CgroupWorld{};
  auto groups = world.make("one");
  CHECK(!remove_group(world.root().container(world.pool, "").memory));
  CHECK(exists(groups.memory));
}

TEST_CASE("what a container uses can be read while it lives") {
  auto world = CgroupWorld{};
  constexpr auto limit = uint64_t{64} << 20;
  auto groups = world.make("one", limit);
  auto before = read_container_stats(world.root().host(), groups);
  REQUIRE(before);
  CHECK(before->memory_limit == limit);
  CHECK(before->oom_kills == 0);
  CHECK(before->pids == 0u);
  auto process = Eater{groups, "wait"};
  REQUIRE(process.line() == "joined");
  for (auto controller : {&groups.cpu_limits, &groups.cpu_usage, &groups.pids})
    if (!world.is_v2())
      REQUIRE(write_file(*controller + "/cgroup.procs", std::to_string(process.child().pid())));
  auto stats = read_container_stats(world.root().host(), groups);
  REQUIRE(stats);
  CHECK(stats->pids == 1u);
  CHECK(stats->memory_current > 0);
  CHECK(stats->memory_current <= limit);
  REQUIRE(stats->cpu_usage_ns);
  CHECK(stats->cpu_throttled_ns == 0u);
  if (world.is_v2())
    CHECK(*stats->cpu_usage_ns > 1'000'000);
  process.end_input();
  REQUIRE(process.child().wait());
  world.remove(groups);
  auto gone = read_container_stats(world.root().host(), groups);
  REQUIRE(!gone);
  CHECK(gone.error().code == ec::system_error);
}
