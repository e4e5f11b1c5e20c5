#include "runtimes/linux/fd_monitor.hpp"
#include "runtimes/linux/oom_watch.hpp"

#include "tests/support/cgroup_world.hpp"
#include "tests/support/temp_dir.hpp"

#include <algorithm>
#include <atomic>
#include <future>
#include <set>
#include <thread>

using namespace berth;
using namespace berth::test;
using namespace std::chrono_literals;

namespace {

using Clock = std::chrono::steady_clock;

constexpr auto patience = 20s;

std::unique_ptr<OomWatch> open_watch(const CgroupWorld& world) {
  auto watch = OomWatch::open(world.root().host().version);
  REQUIRE(watch);
  return std::move(*watch);
}

bool wait_readable(const OomWatch& watch, std::chrono::milliseconds time) {
  auto watched = pollfd{watch.descriptor()->get(), POLLIN, 0};
  return ::poll(&watched, 1, static_cast<int>(time.count())) == 1;
}

/// Waits for news of one watch. False if none comes.
bool wait_for_news(OomWatch& watch, OomWatch::WatchId id) {
  for (auto end = Clock::now() + patience; Clock::now() < end;)
    if (wait_readable(watch, 100ms)) {
      auto news = watch.drain();
      if (std::find(news.begin(), news.end(), id) != news.end())
        return true;
    }
  return false;
}

/// The count after news of a kill: at the latest after all the follow-ups on v1, and by further news on v2.
uint64_t kills_after_news(OomWatch& watch, OomWatch::WatchId id) {
  auto time = watch.follow_ups().empty() ? std::chrono::milliseconds{patience} : 0ms;
  for (auto pause : watch.follow_ups())
    time += pause;
  for (auto end = Clock::now() + time;;) {
    auto counters = watch.read(id);
    if (!counters || counters->oom_kills > 0 || Clock::now() > end)
      return counters ? counters->oom_kills : 0;
    if (wait_readable(watch, 1ms))
      watch.drain();
  }
}

size_t open_descriptors() {
  auto i = std::filesystem::directory_iterator{"/proc/self/fd"};
  return static_cast<size_t>(std::distance(begin(i), end(i)));
}

constexpr auto killed = Signaled{9};

} // namespace

TEST_CASE("the kill of a container's only process is told and counted") {
  auto world = CgroupWorld{};
  auto groups = world.make("one");
  auto watch = open_watch(world);
  auto id = watch->add(groups.memory);
  REQUIRE(id);
  auto before = watch->read(*id);
  REQUIRE(before);
  CHECK(before->oom_kills == 0);
  CHECK(before->memory_limit == 16 << 20);
  CHECK(!wait_readable(*watch, 0ms));
  auto process = Eater{groups, "self"};
  REQUIRE(wait_for_news(*watch, *id));
  CHECK(kills_after_news(*watch, *id) == 1);
  CHECK(process.child().wait() == Result<ExitStatus>{killed});
  auto after = watch->read(*id);
  REQUIRE(after);
  CHECK(after->oom_kills == 1);
  CHECK(after->oom_group_kills == 0);
  CHECK(after->memory_limit == 16 << 20);
  CHECK(after->memory_peak > 15 << 20);
  // On v2 it is that of our own group, which counts a little more than the runtime's in it.
  CHECK(after->memory_peak <= 17 << 20);
}

TEST_CASE("the kill of a child is told while the container lives on") {
  auto world = CgroupWorld{};
  auto groups = world.make("one");
  auto watch = open_watch(world);
  auto id = watch->add(groups.memory);
  REQUIRE(id);
  auto process = Eater{groups, "child"};
  REQUIRE(wait_for_news(*watch, *id));
  CHECK(kills_after_news(*watch, *id) == 1);
  CHECK(process.line() == "child killed");
  CHECK(process.child().wait_for(0ms) == Result<std::optional<ExitStatus>>{std::nullopt});
  process.end_input();
  CHECK(process.child().wait() == Result<ExitStatus>{Exited{0}});
}

TEST_CASE("each kill in a container that lives on is counted") {
  auto world = CgroupWorld{};
  auto groups = world.make("one");
  auto watch = open_watch(world);
  auto id = watch->add(groups.memory);
  REQUIRE(id);
  for (auto i = uint64_t{1}; i <= 3; ++i) {
    auto process = Eater{groups, "child"};
    REQUIRE(wait_for_news(*watch, *id));
    REQUIRE(process.line() == "child killed");
    auto counters = watch->read(*id);
    REQUIRE(counters);
    CHECK(counters->oom_kills == i);
  }
}

TEST_CASE("a kill in a container's last moment is in the counters until the groups are removed") {
  auto world = CgroupWorld{};
  auto groups = world.make("one");
  auto watch = open_watch(world);
  auto id = watch->add(groups.memory);
  REQUIRE(id);
  auto process = Eater{groups, "last"};
  REQUIRE(process.child().wait() == Result<ExitStatus>{Exited{5}});
  auto counters = watch->read(*id);
  REQUIRE(counters);
  CHECK(counters->oom_kills == 1);
  if (world.is_v2()) {
    // The runtime removes its own group; ours still knows.
    REQUIRE(remove_group(groups.memory_limits));
    auto afterwards = watch->read(*id);
    REQUIRE(afterwards);
    CHECK(afterwards->oom_kills == 1);
  }
  world.remove(groups);
  CHECK(!watch->read(*id));
  watch->remove(*id);
}

TEST_CASE("a kill is told of the container in which it happened, and of no other") {
  auto world = CgroupWorld{};
  auto watch = open_watch(world);
  auto groups = std::vector<ContainerCgroups>{};
  auto ids = std::vector<OomWatch::WatchId>{};
  for (auto i = 0; i < 8; ++i) {
    groups.push_back(world.make("c" + std::to_string(i)));
    auto id = watch->add(groups.back().memory);
    REQUIRE(id);
    ids.push_back(*id);
  }
  const auto victims = std::set<size_t>{0, 3, 7};
  for (auto victim : victims) {
    auto process = Eater{groups[victim], "self"};
    for (auto end = Clock::now() + patience;
         Clock::now() < end && watch->read(ids[victim])->oom_kills == 0;)
      if (wait_readable(*watch, 10ms))
        for (auto id : watch->drain())
          CHECK(victims.count(static_cast<size_t>(id - ids[0])) == 1);
    REQUIRE(process.child().wait());
  }
  for (auto i = size_t{0}; i < ids.size(); ++i)
    CHECK(watch->read(ids[i])->oom_kills == victims.count(i));
}

TEST_CASE("an ended watch tells nothing and a group can be watched again") {
  auto world = CgroupWorld{};
  auto groups = world.make("one");
  auto watch = open_watch(world);
  auto first = watch->add(groups.memory);
  REQUIRE(first);
  watch->remove(*first);
  watch->remove(*first);
  CHECK(!watch->read(*first));
  {
    auto process = Eater{groups, "self"};
    REQUIRE(process.child().wait());
  }
  CHECK(watch->drain().empty());
  auto second = watch->add(groups.memory);
  REQUIRE(second);
  CHECK(*second != *first);
  // What was before is the baseline, not news.
  CHECK(watch->read(*second)->oom_kills == 1);
  auto process = Eater{groups, "self"};
  REQUIRE(wait_for_news(*watch, *second));
  REQUIRE(process.child().wait());
  CHECK(watch->read(*second)->oom_kills == 2);
}

TEST_CASE("a new group of the same name is not taken for the old one") {
  auto world = CgroupWorld{};
  auto groups = world.make("one");
  auto watch = open_watch(world);
  auto old_id = watch->add(groups.memory);
  REQUIRE(old_id);
  world.remove(groups);
  groups = world.make("one");
  auto new_id = watch->add(groups.memory);
  REQUIRE(new_id);
  auto process = Eater{groups, "self"};
  REQUIRE(wait_for_news(*watch, *new_id));
  REQUIRE(process.child().wait());
  CHECK(watch->read(*new_id)->oom_kills == 1);
  CHECK(!watch->read(*old_id));
}

TEST_CASE("a group that is not there cannot be watched") {
  auto world = CgroupWorld{};
  auto watch = open_watch(world);
  auto refused = watch->add(world.root().container(world.pool, "nobody").memory);
  REQUIRE(!refused);
  CHECK(refused.error().code == ec::system_error);
  CHECK(refused.error().reason == "No such file or directory");
  auto directory = TempDir{};
  CHECK(!watch->add(directory.path()));
  CHECK(!watch->read(4711));
}

TEST_CASE("a thousand watches leave no descriptor behind") {
  constexpr auto count = 1000;
  auto world = CgroupWorld{};
  auto groups = std::vector<std::string>{};
  for (auto i = 0; i < count; ++i) {
    // Memory only, for it is the only one that is watched.
    auto paths = world.root().container(world.pool, "c" + std::to_string(i));
    std::filesystem::create_directories(paths.memory);
    groups.push_back(paths.memory);
  }
  auto before = open_descriptors();
  {
    auto watch = open_watch(world);
    auto ids = std::vector<OomWatch::WatchId>{};
    for (auto& group : groups) {
      auto id = watch->add(group);
      REQUIRE(id);
      ids.push_back(*id);
    }
    CHECK(watch->drain().empty());
    // Half are ended before their groups go, half after.
    for (auto i = size_t{0}; i < count / 2; ++i)
      watch->remove(ids[i]);
    for (auto& group : groups)
      REQUIRE(remove_group(group));
    auto told = std::vector<OomWatch::WatchId>{};
    for (auto news = watch->drain(); !news.empty(); news = watch->drain())
      told.insert(told.end(), news.begin(), news.end());
    for (auto id : told)
      CHECK(id > ids[count / 2 - 1]);
    for (auto id : ids)
      watch->remove(id);
    CHECK(open_descriptors() == before + 1);
  }
  CHECK(open_descriptors() == before);
}

TEST_CASE("watches come and go while the monitor thread drains") {
  auto world = CgroupWorld{};
  auto watch = open_watch(world);
  auto steady = world.make("steady");
  auto steady_id = watch->add(steady.memory);
  REQUIRE(steady_id);
  auto monitor = FdMonitor::start();
  REQUIRE(monitor);
  auto told = std::promise<void>{};
  auto first = std::atomic<bool>{true};
  REQUIRE((*monitor)->watch(watch->descriptor(), [&] {
    for (auto id : watch->drain())
      if (id == *steady_id && first.exchange(false))
        told.set_value();
    return true;
  }));
  auto passing = world.make("passing");
  auto stop = std::atomic<bool>{false};
  auto failures = std::atomic<int>{0};
  auto others = std::thread{[&] {
    while (!stop) {
      auto id = watch->add(passing.memory);
      if (!id || !watch->read(*id))
        ++failures;
      else
        watch->remove(*id);
    }
  }};
  auto process = Eater{steady, "self"};
  auto heard = told.get_future().wait_for(patience);
  stop = true;
  others.join();
  CHECK(heard == std::future_status::ready);
  CHECK(failures == 0);
  CHECK(kills_after_news(*watch, *steady_id) == 1);
}

// Not a test, but the measurement behind the numbers of the documentation: kernel_tests "[measure]".
TEST_CASE("how soon a kill is told and counted", "[.][measure]") {
  constexpr auto rounds = 100;
  auto world = CgroupWorld{};
  auto directory = TempDir{};
  auto clock_path = directory / "clock";
  REQUIRE(replace_file(clock_path, std::string(sizeof(int64_t), '\0'), 0600, Durability::process));
  auto clock = UniqueFd{::open(clock_path.c_str(), O_RDONLY | O_CLOEXEC)};
  auto since_last_touch = [&] {
    auto now = Clock::now().time_since_epoch().count();
    auto touch = int64_t{0};
    REQUIRE(::pread(clock.get(), &touch, sizeof(touch), 0) == sizeof(touch));
    return static_cast<double>(now - touch) / 1e6;
  };
  auto placed = std::vector<double>{};
  auto told = std::vector<double>{};
  auto counted = std::vector<double>{};
  auto dead = std::vector<double>{};
  auto old_count_at_news = 0;
  for (auto i = 0; i < rounds; ++i) {
    auto groups = world.make("c" + std::to_string(i));
    auto watch = open_watch(world);
    auto begin = Clock::now();
    auto id = watch->add(groups.memory);
    placed.push_back(std::chrono::duration<double, std::milli>(Clock::now() - begin).count());
    REQUIRE(id);
    auto process = Eater{groups, "self", clock_path};
    REQUIRE(wait_for_news(*watch, *id));
    told.push_back(since_last_touch());
    if (watch->read(*id)->oom_kills == 0)
      ++old_count_at_news;
    while (watch->read(*id)->oom_kills == 0)
      std::this_thread::yield();
    counted.push_back(since_last_touch());
    REQUIRE(process.child().wait());
    dead.push_back(since_last_touch());
  }
  for (auto [what, times] : {std::pair{"placing a watch", &placed},
                             {"last touch to told", &told},
                             {"last touch to counted", &counted},
                             {"last touch to dead", &dead}}) {
    std::sort(times->begin(), times->end());
    auto at = [&](size_t percent) {
      return (*times)[times->size() * percent / 100];
    };
    WARN(what << ": median " << at(50) << " ms, p99 " << at(99) << " ms");
  }
  WARN("the count was still the old one at the news in " << old_count_at_news << " of " << rounds);
}
