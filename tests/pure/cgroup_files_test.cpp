#include "runtimes/cgroup_files.hpp"

#include "tests/support/catch.hpp"

using namespace berth;
using namespace std::literals;

namespace {

constexpr auto nothing = std::optional<uint64_t>{};

std::vector<std::string> mount_points(std::string_view mountinfo) {
  auto result = std::vector<std::string>{};
  for (auto& mount : parse_cgroup_mounts(mountinfo))
    result.push_back(mount.mount_point);
  return result;
}

using Paths = std::vector<std::string>;

} // namespace

TEST_CASE("a count is digits and at most one newline") {
  struct Row {
    std::string_view text;
    std::optional<uint64_t> wanted;
  };
  auto row = GENERATE(values<Row>({{"0", 0},
                                   {"17\n", 17},
                                   {"18446744073709551615", UINT64_MAX},
                                   {"18446744073709551616", nothing},
                                   {"", nothing},
                                   {"\n", nothing},
                                   {"17\n\n", nothing},
                                   {" 17", nothing},
                                   {"17 ", nothing},
                                   {"-1", nothing},
                                   {"+1", nothing},
                                   {"0x10", nothing},
                                   {"1e3", nothing},
                                   {"17\r\n", nothing},
                                   {"1\0007"sv, nothing},
                                   {"max", nothing}}));
  INFO("text: " << row.text);
  CHECK(parse_counter(row.text) == row.wanted);
}

TEST_CASE("a flat file gives the value of exactly the key that is asked for") {
  struct Row {
    const char* what;
    std::string_view text;
    std::optional<uint64_t> wanted;
  };
  auto row = GENERATE(values<Row>({
      {"the only line", "oom_kill 3\n", 3},
      {"without a newline at the end", "oom_kill 3", 3},
      {"behind keys that begin alike", "oom 1\noom_group_kill 2\noom_kill 3\n", 3},
      {"the first of two", "oom_kill 3\noom_kill 4\n", 3},
      {"no text", "", nothing},
      {"only newlines", "\n\n\n", nothing},
      {"a longer key", "oom_kills 3\n", nothing},
      {"a shorter key", "oom 3\n", nothing},
      {"a key in the middle of a line", "x oom_kill 3\n", nothing},
      {"no value", "oom_kill\n", nothing},
      {"an empty value", "oom_kill \n", nothing},
      {"two spaces", "oom_kill  3\n", nothing},
      {"a tab", "oom_kill\t3\n", nothing},
      {"two values", "oom_kill 3 4\n", nothing},
      {"a word", "oom_kill many\n", nothing},
      {"a negative number", "oom_kill -1\n", nothing},
      {"a number that does not fit", "oom_kill 99999999999999999999\n", nothing},
      {"a zero byte in the key", "oom\0kill 3\n"sv, nothing},
  }));
  INFO(row.what);
  CHECK(flat_value(row.text, "oom_kill") == row.wanted);
}

TEST_CASE("a limit is bytes, and none is zero") {
  struct Row {
    std::string_view text;
    std::optional<uint64_t> wanted;
  };
  auto row = GENERATE(values<Row>({{"16777216\n", 16777216},
                                   {"max\n", 0},
                                   {"max", 0},
                                   {"9223372036854771712\n", 0},
                                   {"9223372036854710272\n", 0},
                                   {"18446744073709551615\n", 0},
                                   {"4611686018427387903\n", 4611686018427387903},
                                   {"maximal\n", nothing},
                                   {"max\n\n", nothing},
                                   {"", nothing},
                                   {"-1\n", nothing}}));
  INFO("text: " << row.text);
  CHECK(parse_limit(row.text) == row.wanted);
}

TEST_CASE("the OOM kills of cgroup v2 are told apart from its other events") {
  auto events =
      parse_memory_events("low 1\nhigh 2\nmax 300\noom 4\noom_kill 5\noom_group_kill 6\n");
  REQUIRE(events);
  CHECK(*events == MemoryEvents{5, 6});
  auto old_kernel = parse_memory_events("low 0\nhigh 0\nmax 0\noom 0\noom_kill 7\n");
  REQUIRE(old_kernel);
  CHECK(*old_kernel == MemoryEvents{7, std::nullopt});
}

TEST_CASE("the OOM kills of cgroup v1 are read from the control file") {
  auto control = parse_oom_control("oom_kill_disable 0\nunder_oom 1\noom_kill 9\n");
  REQUIRE(control);
  CHECK(*control == OomControl{9, true});
}

TEST_CASE("files without a count of OOM kills are errors that name the file") {
  auto text = GENERATE(as<std::string>{}, "", "oom_kill_disable 0\nunder_oom 0\n", "oom 1\n",
                       "oom_kill x\n", "garbage");
  INFO("text: " << text);
  auto events = parse_memory_events(text);
  REQUIRE(!events);
  CHECK(render(events.error()) == "system_error: memory.events: no count of OOM kills in it");
  auto control = parse_oom_control(text);
  REQUIRE(!control);
  CHECK(render(control.error()) == "system_error: memory.oom_control: no count of OOM kills in it");
}

TEST_CASE("CPU times are nanoseconds, whichever version tells them") {
  struct Row {
    const char* what;
    std::string_view text;
    CpuTimes wanted;
  };
  auto row = GENERATE(values<Row>({
      {"v2",
       "usage_usec 1500\nuser_usec 1000\nsystem_usec 500\nnr_periods 2\nnr_throttled 1\n"
       "throttled_usec 70\n",
       {1'500'000, 70'000}},
      {"v2 without the cpu controller",
       "usage_usec 2\nuser_usec 1\nsystem_usec 1\n",
       {2000, nothing}},
      {"v1", "nr_periods 5\nnr_throttled 2\nthrottled_time 12345\n", {nothing, 12345}},
      {"too large for nanoseconds", "usage_usec 18446744073709551615\n", {nothing, nothing}},
      {"nothing", "", {nothing, nothing}},
  }));
  INFO(row.what);
  CHECK(parse_cpu_stat(row.text) == row.wanted);
}

TEST_CASE("a cgroup mount tells its place, its root and its options") {
  auto mounts = parse_cgroup_mounts(
      "31 23 0:28 / /sys/fs/cgroup rw,relatime - tmpfs tmpfs rw,mode=755\n"
      "35 31 0:32 / /sys/fs/cgroup/memory rw,nosuid shared:9 master:1 - cgroup cgroup rw,memory\n"
      "32 31 0:29 /a\\040b /mnt/c\\134d rw - cgroup cgroup rw,cpu,cpuacct\n"
      "41 31 0:38 / /sys/fs/cgroup/unified rw - cgroup2 none rw,nsdelegate\n");
  REQUIRE(mounts.size() == 3);
  CHECK(mounts[0] == CgroupMount{"/a b", "/mnt/c\\d", false, {"rw", "cpu", "cpuacct"}});
  CHECK(mounts[1] == CgroupMount{"/", "/sys/fs/cgroup/memory", false, {"rw", "memory"}});
  CHECK(mounts[2] == CgroupMount{"/", "/sys/fs/cgroup/unified", true, {"rw", "nsdelegate"}});
}

TEST_CASE("a mount that lies under another one is not counted") {
  constexpr auto memory = "35 31 0:32 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n";
  struct Row {
    const char* what;
    std::string more;
    Paths wanted;
  };
  auto row = GENERATE_COPY(values<Row>({
      {"alone", "", {"/sys/fs/cgroup/memory"}},
      {"a file system on the same place",
       "50 35 0:9 / /sys/fs/cgroup/memory rw - tmpfs t rw\n",
       {}},
      {"a file system on a directory above", "50 31 0:9 / /sys/fs/cgroup rw - tmpfs t rw\n", {}},
      {"a file system below",
       "50 35 0:9 / /sys/fs/cgroup/memory/x rw - tmpfs t rw\n",
       {"/sys/fs/cgroup/memory"}},
      {"a neighbour whose name begins alike",
       "50 31 0:9 / /sys/fs/cgroup/mem rw - tmpfs t rw\n",
       {"/sys/fs/cgroup/memory"}},
      {"the file system that it is mounted on",
       "31 1 0:9 / /sys/fs/cgroup rw - tmpfs t rw\n",
       {"/sys/fs/cgroup/memory"}},
      {"a mount that was moved here later, with an older number",
       "31 40 0:9 / /sys/fs/cgroup rw - tmpfs t rw\n40 1 0:9 / / rw - ext4 d rw\n",
       {"/sys/fs/cgroup/memory"}},
      {"mounts that claim to lie on each other",
       "31 40 0:9 / /sys/fs/cgroup rw - tmpfs t rw\n40 31 0:9 / / rw - ext4 d rw\n",
       {"/sys/fs/cgroup/memory"}},
  }));
  INFO(row.what);
  CHECK(mount_points(memory + row.more) == row.wanted);
}

TEST_CASE("lines that are no mounts are skipped") {
  auto line =
      GENERATE(as<std::string>{}, "", "garbage", " - ", "a b c d e f - cgroup cgroup rw,memory",
               "1 2 0:1 / - cgroup cgroup rw,memory", "1 2 0:1 / /m rw cgroup cgroup rw,memory",
               "1 2 0:1 / /m rw - cgroup", "1 2 0:1 / /m rw - cgroup cgroup", "1 2 0:1 / /m rw -  ",
               "-1 2 0:1 / /m rw - cgroup cgroup rw,memory");
  INFO("line: " << line);
  CHECK(mount_points(line + "\n35 31 0:32 / /good rw - cgroup cgroup rw,memory\n")
        == Paths{"/good"});
}

TEST_CASE("half an escape stays as it is") {
  auto mounts = parse_cgroup_mounts("1 2 0:1 / /a\\04 rw - cgroup2 c rw\n"
                                    "2 9 0:1 / /b\\ rw - cgroup2 c rw\n"
                                    "3 9 0:1 / /c\\777 rw - cgroup2 c rw\n"
                                    "4 9 0:1 / /d\\0489 rw - cgroup2 c rw\n");
  REQUIRE(mounts.size() == 4);
  CHECK(mounts[0].mount_point == "/a\\04");
  CHECK(mounts[1].mount_point == "/b\\");
  CHECK(mounts[2].mount_point == "/c\\777");
  CHECK(mounts[3].mount_point == "/d\\0489");
}

TEST_CASE("the names of the controllers are the first column below the heading") {
  CHECK(parse_proc_cgroups("#subsys_name\thierarchy\tnum_cgroups\tenabled\n"
                           "cpuset\t3\t2\t1\nmemory\t4\t12\t0\n\n\t1\t2\t3\n")
        == std::vector<std::string>{"cpuset", "memory"});
  CHECK(parse_proc_cgroups("").empty());
}

TEST_CASE("words may be separated by any number of spaces and newlines") {
  CHECK(split_words(" cpuset cpu  io\nmemory\n\n")
        == std::vector<std::string>{"cpuset", "cpu", "io", "memory"});
  CHECK(split_words("").empty());
}
