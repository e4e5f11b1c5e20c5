#include "runtimes/linux/kernel_log.hpp"

#include "tests/support/cgroup_world.hpp"

#include <chrono>

#include <fcntl.h>

using namespace berth;
using namespace berth::test;
using namespace std::chrono_literals;

TEST_CASE("the kernel log names the victim of an OOM kill") {
  auto log = KernelLog::open();
  REQUIRE(log.why_unavailable() == "");
  auto world = CgroupWorld{};
  auto groups = world.make("one");
  auto process = Eater{groups, "self"};
  auto pid = process.child().pid();
  REQUIRE(process.child().wait());
  auto found = std::vector<OomVictim>{};
  // The log is filled by the kernel in its own time.
  for (auto end = std::chrono::steady_clock::now() + 10s;
       found.empty() && std::chrono::steady_clock::now() < end;)
    for (auto& victim : log.drain().victims)
      if (victim.pid == pid)
        found.push_back(victim);
  REQUIRE(found.size() == 1);
  CHECK(found[0].name == "eat_memory");
  // The line with the group is left out when there are many kills.
  if (!found[0].cgroup.empty())
    CHECK(is_in_cgroup(found[0], groups.oci_path));
}

TEST_CASE("what a program writes into the kernel log is not believed") {
  auto log = KernelLog::open();
  REQUIRE(log.why_unavailable() == "");
  auto writer = UniqueFd{::open("/dev/kmsg", O_WRONLY | O_CLOEXEC)};
  REQUIRE(writer);
  auto line = std::string{"oom-kill:constraint=X,task_memcg=/berth,task=berth-test,pid=1,uid=0\n"};
  REQUIRE(::write(writer.get(), line.data(), line.size()) == static_cast<ssize_t>(line.size()));
  for (auto& victim : log.drain().victims)
    CHECK(victim.name != "berth-test");
}
