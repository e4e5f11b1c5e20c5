#include "runtimes/oom_victim.hpp"

#include "tests/support/catch.hpp"

using namespace berth;
using namespace std::literals;

namespace {

constexpr auto head = "6,6945,3838262010,-;";
constexpr auto kill =
    "oom-kill:constraint=CONSTRAINT_MEMCG,nodemask=(null),cpuset=/,mems_allowed=0,"
    "oom_memcg=/berth/web/01,task_memcg=/berth/web/01/run,task=";

std::optional<OomVictim> victim_named(const std::string& name) {
  return parse_oom_record(head + std::string{kill} + name + ",pid=12478,uid=0\n");
}

} // namespace

TEST_CASE("the victim of a memory limit is told with its group") {
  CHECK(parse_oom_record(
            "6,1,2,-;oom-kill:constraint=CONSTRAINT_MEMCG,nodemask=(null),cpuset=/,mems_allowed=0,"
            "oom_memcg=/berth/web/01,task_memcg=/berth/web/01/run,task=dd,pid=12478,uid=0\n")
        == OomVictim{12478, "dd", "/berth/web/01/run"});
}

TEST_CASE("the victim of a host without memory is told with its group") {
  CHECK(parse_oom_record(
            "6,1,2,-;oom-kill:constraint=CONSTRAINT_NONE,nodemask=(null),cpuset=01,mems_allowed=0,"
            "global_oom,task_memcg=/berth/web/01/run,task=dd,pid=12478,uid=1000\n")
        == OomVictim{12478, "dd", "/berth/web/01/run"});
}

TEST_CASE("the line that the kernel always writes tells the victim without its group") {
  struct Row {
    const char* what;
    std::string text;
    std::optional<OomVictim> wanted;
  };
  auto rest =
      " total-vm:1049576kB, anon-rss:16384kB, file-rss:524kB, shmem-rss:0kB, UID:0 pgtables:72kB "
      "oom_score_adj:0\n"s;
  auto row = GENERATE_COPY(values<Row>({
      {"a limit", "Memory cgroup out of memory: Killed process 28 (eat_memory)" + rest,
       OomVictim{28, "eat_memory", ""}},
      {"the host", "Out of memory: Killed process 28 (eat_memory)" + rest,
       OomVictim{28, "eat_memory", ""}},
      {"whoever asked", "Out of memory (oom_kill_allocating_task): Killed process 28 (x)" + rest,
       OomVictim{28, "x", ""}},
      {"an empty name", "Out of memory: Killed process 28 ()" + rest, OomVictim{28, "", ""}},
      {"a name like the rest", "Out of memory: Killed process 28 (x) total-vm:1)" + rest,
       OomVictim{28, "x) total-vm:1", ""}},
      {"a name like the begin", "Out of memory: Killed process 28 (1 (y)" + rest,
       OomVictim{28, "1 (y", ""}},
      {"no pid", "Out of memory: Killed process  (x)" + rest, std::nullopt},
      {"a pid of zero", "Out of memory: Killed process 0 (x)" + rest, std::nullopt},
      {"a negative pid", "Out of memory: Killed process -3 (x)" + rest, std::nullopt},
      {"a huge pid", "Out of memory: Killed process 4294967296 (x)" + rest, std::nullopt},
      {"cut off", "Out of memory: Killed process 28 (x", std::nullopt},
      {"brackets the wrong way round", "Out of memory: Killed process 28) total-vm: (x",
       std::nullopt},
      {"another message", "program: Out of memory: Killed process 28 (x)" + rest, std::nullopt},
  }));
  INFO(row.what);
  CHECK(parse_oom_record("3" + ",9,9,-;"s + row.text) == row.wanted);
}

TEST_CASE("a process cannot pass itself off as another one by its name") {
  auto name = GENERATE(as<std::string>{}, "", "a,b", "x,pid=1,uid=0", ",task=init", ",uid=0",
                       "\\x0aoom-kill:", "a;b", "a=b,c");
  INFO("name: " << name);
  CHECK(victim_named(name) == OomVictim{12478, name, "/berth/web/01/run"});
}

TEST_CASE("records that tell of no victim are passed over") {
  auto record = GENERATE(
      as<std::string>{}, "", ";", "6", "6,1,2,-", "6,1,2,-;",
      "6,1,2,-;oom-kill:", "6,1,2,-;oom-kill:constraint=X,task_memcg=/a",
      "6,1,2,-;oom-kill:,task_memcg=/a,task=x", "6,1,2,-;oom-kill:,task_memcg=/a,task=x,pid=5",
      "6,1,2,-;oom-kill:,task_memcg=/a,task=x,uid=5",
      "6,1,2,-;oom-kill:,task_memcg=/a,task=x,pid=5,uid=",
      "6,1,2,-;oom-kill:,task_memcg=/a,task=x,pid=,uid=5",
      "6,1,2,-;oom-kill:,task_memcg=/a,task=x,pid=5x,uid=5",
      "6,1,2,-;oom-kill:,task_memcg=/a,task=x,uid=5,pid=5",
      "6,1,2,-;oom-kill:,task=x,task_memcg=/a,pid=5,uid=5",
      "6,1,2,-;eat_memory invoked oom-killer: gfp_mask=0xcc0(GFP_KERNEL), order=0",
      "6,1,2,-;usb 1-1: oom-kill:,task_memcg=/a,task=x,pid=5,uid=5",
      "x,1,2,-;oom-kill:,task_memcg=/a,task=x,pid=5,uid=5",
      "oom-kill:,task_memcg=/a,task=x,pid=5,uid=5");
  INFO("record: " << record);
  CHECK(parse_oom_record(record) == std::nullopt);
  CHECK(parse_oom_record(record + '\0') == std::nullopt);
}

TEST_CASE("only the kernel is believed") {
  auto text = ",1,2,-;" + std::string{kill} + "dd,pid=1,uid=0\n";
  CHECK(parse_oom_record("7" + text));
  // 14 is priority 6 of facility 1, which is what a program gets that writes to /dev/kmsg.
  CHECK(!parse_oom_record("14" + text));
  CHECK(!parse_oom_record("8" + text));
}

TEST_CASE("what is attached to a record is no part of it") {
  CHECK(parse_oom_record("6,1,2,-;something\n oom-kill:,task_memcg=/a,task=x,pid=5,uid=5\n")
        == std::nullopt);
  CHECK(victim_named("dd").has_value());
  CHECK(parse_oom_record(head + std::string{kill}
                         + "dd,pid=12478,uid=0\n SUBSYSTEM=cpu\n DEVICE=+cpu:0\n")
        == OomVictim{12478, "dd", "/berth/web/01/run"});
}

TEST_CASE("a victim belongs to a container if its group is the container's or below") {
  struct Row {
    std::string_view cgroup;
    std::string_view path;
    bool wanted;
  };
  auto row = GENERATE(values<Row>({{"/berth/web/01", "/berth/web/01", true},
                                   {"/berth/web/01/run", "/berth/web/01", true},
                                   {"/berth/web/01/run/inner", "/berth/web/01/run", true},
                                   {"/docker/abc/berth/web/01", "/berth/web/01", true},
                                   {"/berth/web/011", "/berth/web/01", false},
                                   {"/berth/web/0", "/berth/web/01", false},
                                   {"/berth/web/02", "/berth/web/01", false},
                                   {"", "/berth/web/01", false},
                                   {"/berth/web/01", "", false}}));
  INFO(row.cgroup << " in " << row.path);
  CHECK(is_in_cgroup({1, "x", std::string{row.cgroup}}, row.path) == row.wanted);
}
