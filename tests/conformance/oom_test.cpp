#include "tests/conformance/suite.hpp"

#include <fstream>
#include <map>
#include <sstream>

using namespace berth;
using namespace berth::test;
using namespace std::chrono_literals;

namespace {

/// How many starts at a time: enough to keep two processors busy.
constexpr auto workers = 4;
/// Kills of children in one container.
constexpr auto kills_each = 5;

/// In all, half of them of the main process; gVisor's are all of the whole sandbox, and dearer.
int kills_wanted() {
  return runtime().is_gvisor() ? count_from_env("BERTH_TEST_OOM_COUNT_GVISOR", 30, 4)
                               : count_from_env("BERTH_TEST_OOM_COUNT", 100, 10);
}

/// Everything that was told of one container.
struct Story {
  std::vector<Json> events;

  std::vector<Json> of_type(const std::string& type) const {
    auto result = std::vector<Json>{};
    for (auto& event : events)
      if (event["type"] == type)
        result.push_back(event);
    return result;
  }
};

/// By container, what has happened after `since`; events are in order of their numbers.
std::map<std::string, Story> stories_since(const TestNode& node, uint64_t since) {
  auto result = std::map<std::string, Story>{};
  for (auto& event : node.events(since))
    if (auto id = event.value("container", ""); !id.empty())
      result[id].events.push_back(event);
  return result;
}

uint64_t sum_of_new_kills(const Story& story) {
  auto sum = uint64_t{0};
  for (auto& oom : story.of_type("container.oom"))
    sum += oom["data"]["newKills"].get<uint64_t>();
  return sum;
}

/// What must be true of every story with kills in it.
void check_story(const std::string& id, const Story& story, uint64_t kills) {
  INFO(id << ": " << Json(story.events).dump(1));
  auto ooms = story.of_type("container.oom");
  auto exits = story.of_type("container.exited");
  REQUIRE_FALSE(ooms.empty());
  auto told = sum_of_new_kills(story);
  // A sandbox is several processes of the host: now and then the kernel kills its gofer, too.
  if (runtime().is_gvisor())
    CHECK(told >= kills);
  else
    CHECK(told == kills);
  auto so_far = uint64_t{0};
  for (auto& oom : ooms) {
    auto& data = oom["data"];
    so_far += data["newKills"].get<uint64_t>();
    CHECK(data["kills"] == so_far);
    CHECK(data["runtime"] == runtime().name());
    CHECK(oom["pool"] == "main");
    auto limit = data["limit"].get<uint64_t>();
    CHECK(limit >= small_memory_bytes);
    CHECK(limit <= (runtime().is_gvisor() ? 5 : 1) * small_memory_bytes);
    // The kernel does not let a charge fail that it cannot do without, so the peak may be some pages above the limit.
    CHECK(data["peak"].get<uint64_t>() <= limit + limit / 16);
    for (auto& exit : exits)
      CHECK(oom["seq"] < exit["seq"]);
  }
  for (auto& exit : exits)
    CHECK(exit["data"]["oomKills"] == told);
}

/// The host's pid of a container's process that calls itself so; 0 if there is none.
int process_of(const Json& container, const std::string& name) {
  for (auto& hierarchy : cgroup_hierarchies()) {
    auto pids = std::istringstream{text_of(hierarchy + container["cgroup"].get<std::string>() + "/cgroup.procs")};
    for (auto pid = 0; pids >> pid;)
      if (std::string{text_of("/proc/" + std::to_string(pid) + "/cmdline").c_str()} == name)
        return pid;
  }
  return 0;
}

/// A container with the same limit that has nothing to do with it.
std::string start_bystander(const TestNode& node) {
  return node.start("main", {"--id", "bystander", "--memory", small_memory}, {"/bin/sleep", "1000"});
}

void check_bystander(const TestNode& node, const std::map<std::string, Story>& stories) {
  CHECK(node.inspect("bystander")["state"] == "running");
  CHECK(node.inspect("bystander")["oomKills"] == 0);
  auto story = stories.find("bystander");
  REQUIRE(story != stories.end());
  CHECK(story->second.of_type("container.oom").empty());
}

} // namespace

TEST_CASE("every OOM kill of a main process is told, once, and before the exit", "[oom]") {
  BERTH_SUITE_NODE(node);
  auto since = node.last_event();
  start_bystander(node);
  auto count = kills_wanted();
  auto codes = std::vector<int>(count);
  in_parallel(count, workers, [&](int i) {
    codes[i] = node.run("main", {"--id", "main-" + std::to_string(i), "--memory", small_memory}, {inside(), "eat"}, 120s).code;
  });
  auto stories = stories_since(node, since);
  for (auto i = 0; i < count; ++i) {
    auto id = "main-" + std::to_string(i);
    CHECK(codes[i] == 137);
    auto& story = stories[id];
    check_story(id, story, 1);
    auto ooms = story.of_type("container.oom");
    auto exits = story.of_type("container.exited");
    auto running = story.of_type("container.running");
    REQUIRE(exits.size() == 1);
    REQUIRE(running.size() == 1);
    CHECK(ooms[0]["data"]["scope"] == "container");
    CHECK(exits[0]["data"]["oomKilled"] == true);
    CHECK(exits[0]["data"]["exitCode"] == 137);
    // The kernel's log is a hint that it may suppress, but it must not name somebody else.
    if (ooms[0]["data"].contains("victimPid") && runtime().has_host_processes())
      CHECK(ooms[0]["data"]["victimPid"] == running[0]["data"]["pid"]);
  }
  auto last = node.inspect("main-0");
  CHECK(last["exit"]["oomKilled"] == true);
  CHECK(last["oomKills"] == sum_of_new_kills(stories["main-0"]));
  check_bystander(node, stories);
}

TEST_CASE("every OOM kill of a child is told while its container lives on", "[oom]") {
  BERTH_SUITE_NODE(node);
  if (is_beyond_gvisor("a kill always takes the whole sandbox"))
    return;
  auto since = node.last_event();
  start_bystander(node);
  auto containers = (kills_wanted() + kills_each - 1) / kills_each;
  auto script = "/bin/inside eat-in-child " + std::to_string(kills_each) + "; " + idle_loop();
  auto ids = std::vector<std::string>{};
  for (auto i = 0; i < containers; ++i)
    ids.push_back("child-" + std::to_string(i));
  auto codes = std::vector<int>(containers);
  in_parallel(containers, workers, [&](int i) {
    codes[i] = node.run("main", {"-d", "--id", ids[i], "--memory", small_memory}, shell(script)).code;
  });
  CHECK(std::count(codes.begin(), codes.end(), 0) == containers);
  auto wanted = std::to_string(kills_each) + " of " + std::to_string(kills_each) + " children killed\nready\n";
  for (auto& id : ids) {
    CHECK(eventually(60s, [&] { return node.berth({"logs", id}).out == wanted; }));
    // Told while it lives, not only at its end.
    CHECK(eventually(10s, [&] { return node.inspect(id)["oomKills"] == kills_each; }));
    CHECK(node.inspect(id)["state"] == "running");
  }
  in_parallel(containers, workers, [&](int i) {
    node.berth({"kill", ids[i]});
    node.berth({"wait", ids[i]});
  });
  auto stories = stories_since(node, since);
  for (auto& id : ids) {
    auto& story = stories[id];
    check_story(id, story, kills_each);
    for (auto& oom : story.of_type("container.oom")) {
      CHECK(oom["data"]["scope"] == "process");
      if (oom["data"].contains("victimPid"))
        CHECK(oom["data"]["victimPid"] != story.of_type("container.running")[0]["data"]["pid"]);
    }
    // It was killed, but by us.
    auto exits = story.of_type("container.exited");
    REQUIRE(exits.size() == 1);
    CHECK(exits[0]["data"]["oomKilled"] == false);
    CHECK(exits[0]["data"]["exitCode"] == 137);
  }
  check_bystander(node, stories);
}

TEST_CASE("an OOM kill in the last millisecond of a container is not lost", "[oom]") {
  BERTH_SUITE_NODE(node);
  if (is_beyond_gvisor("a kill always takes the whole sandbox"))
    return;
  auto since = node.last_event();
  auto count = count_from_env("BERTH_TEST_OOM_LAST", 20, 4);
  auto codes = std::vector<int>(count);
  // With --rm the cgroup goes at once, too.
  in_parallel(count, workers, [&](int i) {
    auto id = "last-" + std::to_string(i);
    codes[i] = node.run("main", {"--rm", "--id", id, "--memory", small_memory}, {inside(), "eat-and-end", "5"}).code;
  });
  auto stories = stories_since(node, since);
  for (auto i = 0; i < count; ++i) {
    auto id = "last-" + std::to_string(i);
    CHECK(codes[i] == 5);
    check_story(id, stories[id], 1);
    auto exits = stories[id].of_type("container.exited");
    REQUIRE(exits.size() == 1);
    CHECK(stories[id].of_type("container.oom")[0]["data"]["scope"] == "process");
    CHECK(exits[0]["data"]["oomKilled"] == false);
    CHECK(exits[0]["data"]["exitCode"] == 5);
  }
}

TEST_CASE("with gVisor an OOM kill of any process is one of the container", "[oom]") {
  BERTH_SUITE_NODE(node);
  if (is_beyond_host("its processes are killed one by one"))
    return;
  auto since = node.last_event();
  auto done = node.run("main", {"--id", "sandboxed", "--memory", small_memory}, shell("/bin/inside eat-in-child 1; echo lives on"));
  INFO(describe(done));
  CHECK(done.code == 137);
  CHECK(done.out == "");
  auto stories = stories_since(node, since);
  check_story("sandboxed", stories["sandboxed"], 1);
  CHECK(stories["sandboxed"].of_type("container.oom")[0]["data"]["scope"] == "container");
  CHECK(node.inspect("sandboxed")["exit"]["oomKilled"] == true);
}

TEST_CASE("with gVisor an OOM kill that hits the gofer is one of the container, and its end is told so", "[oom]") {
  BERTH_SUITE_NODE(node);
  if (is_beyond_host("there is no gofer"))
    return;
  auto since = node.last_event();
  auto id = node.start("main", {"--memory", small_memory}, {inside(), "eat-slowly"});
  auto gofer = process_of(node.inspect(id), "runsc-gofer");
  REQUIRE(gofer != 0);
  // The kernel's first choice; without the gofer the sandbox ends itself, as if by an exit.
  auto preference = std::ofstream{"/proc/" + std::to_string(gofer) + "/oom_score_adj"};
  preference << 1000 << std::flush;
  REQUIRE(preference);
  CHECK(node.berth({"wait", id}, 120s).out == "137\n");
  auto stories = stories_since(node, since);
  check_story(id, stories[id], 1);
  auto exits = stories[id].of_type("container.exited");
  REQUIRE(exits.size() == 1);
  CHECK(exits[0]["data"]["oomKilled"] == true);
  CHECK(exits[0]["data"]["reason"].get<std::string>().find("killed at its memory limit") == 0);
}

TEST_CASE("a container that is killed or stopped by hand was not OOM-killed", "[oom]") {
  BERTH_SUITE_NODE(node);
  auto since = node.last_event();
  auto killed = node.start("main", {"--memory", small_memory}, {"/bin/sleep", "1000"});
  auto stopped = node.start("main", {"--memory", small_memory}, shell("trap '' TERM; " + idle_loop()));
  REQUIRE(is_ready(node, stopped));
  CHECK(node.berth({"kill", killed}).code == 0);
  CHECK(node.berth({"stop", "-t", "0.1", stopped}).code == 0);
  CHECK(node.berth({"wait", killed, stopped}).out == "137\n137\n");
  auto stories = stories_since(node, since);
  for (auto& id : {killed, stopped}) {
    CHECK(stories[id].of_type("container.oom").empty());
    CHECK(node.inspect(id)["exit"]["oomKilled"] == false);
  }
}

TEST_CASE("the command oom and the log tell of a kill", "[oom]") {
  BERTH_SUITE_NODE(node);
  auto since = node.last_event();
  auto follower = node.berth_beside({"oom", "--since", std::to_string(since), "-o", "json"});
  auto done = node.run("main", {"--id", "greedy", "--memory", small_memory}, {inside(), "eat"});
  CHECK(done.code == 137);
  CHECK(done.err.find("greedy was killed at its memory limit") != std::string::npos);
  REQUIRE(eventually(10s, [&] { return follower->out().ends_with("\n"); }));
  auto told = Json::parse(lines_of(follower->out()).at(0));
  CHECK(told["type"] == "container.oom");
  CHECK(told["container"] == "greedy");
  auto text = node.berth({"oom", "--since", std::to_string(since), "--no-follow"});
  CHECK(text.code == 0);
  auto lines = lines_of(text.out);
  CHECK(lines.size() == stories_since(node, since)["greedy"].of_type("container.oom").size());
  for (auto& line : lines)
    CHECK(line.find("greedy") != std::string::npos);
  CHECK(node.logs({"INFO  OOM kill detected via cgroup watcher", "container_id=greedy", "pool=main"}));
}
