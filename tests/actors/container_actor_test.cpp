#include "actors/container_actor.hpp"

#include "runtimes/linux/process.hpp"
#include "runtimes/linux/unix_socket.hpp"
#include "tests/actors/played_node.hpp"
#include "tests/support/actor_world.hpp"
#include "tests/support/command.hpp"
#include "tests/support/eventually.hpp"
#include "tests/support/alive.hpp"
#include "tests/support/memory_journal.hpp"

#include <csignal>

using namespace berth;
using berth::test::JournalScript;
using berth::test::memory_journal;
using namespace std::chrono_literals;

namespace {

/// A container whose monitor is played by the test: the test holds the monitor's end of the socket and hands its messages
/// to the actor. Everything that happens is noted in `story`, in its order.
struct ContainerWorld : berth::test::ActorWorld {
  std::vector<std::string> story;
  std::shared_ptr<FdMonitor> fds = std::shared_ptr<FdMonitor>{std::move(FdMonitor::start().value())};
  UniqueFd peer;
  std::shared_ptr<MonitorConnection> link;
  int links_asked = 0;
  bool links_come = true;
  std::vector<caf::typed_response_promise<MonitorLink>> open_links;
  /// What NODE would remember.
  ContainerMemory memory;
  WatchOom oom_watch;
  /// What the monitor has told.
  std::vector<MonitorMessage> heard;
  std::optional<Error> launcher_error;
  bool oom_answers = true;
  bool slots_are_free = true;
  bool files_can_go = true;
  /// While true, the removal of files takes for ever.
  bool files_stay_open = false;
  OomSummary oom_summary;
  std::vector<caf::typed_response_promise<OomSummary>> open_finishes;
  /// A real process, because the actor holds a pidfd of init.
  Child init = Child::spawn({"sleep", "1000"}).value();

  JournalScript journal_script = [this] {
    auto script = JournalScript{};
    script.on_event = [this](const Event& event) { story.push_back(event.type); };
    return script;
  }();
  JournalActor journal = spawn(memory_journal, &journal_script);

  OomActor oom = make_oom();

  OomActor make_oom() {
    return spawn([this](OomActor::pointer self) -> OomActor::behavior_type {
    return {[this](const WatchOom& watch) {
              story.push_back(watch.told == 0 ? "watched" : "watched, told " + std::to_string(watch.told));
              oom_watch = watch;
            },
            [this, self](const FinishOom&) -> caf::result<OomSummary> {
              story.push_back("finish");
              auto promise = self->make_response_promise<OomSummary>();
              if (oom_answers)
                promise.deliver(oom_summary);
              else
                open_finishes.push_back(promise);
              return promise;
            },
            [](const OomCredit&) {},
            // A promise can be kept only by its own actor.
            [this](const OomStirred&) {
              for (auto& promise : std::exchange(open_finishes, {}))
                promise.deliver(oom_summary);
            },
            [](const OomRecheck&) {}};
    });
  }

  LauncherActor launcher = spawn([this](LauncherActor::pointer self) -> LauncherActor::behavior_type {
    return {[this, self](const StartMonitor&) -> caf::result<MonitorLink> {
              if (launcher_error)
                return to_caf(*launcher_error);
              ++links_asked;
              if (!links_come) {
                open_links.push_back(self->make_response_promise<MonitorLink>());
                return open_links.back();
              }
              if (link)
                return MonitorLink{link};
              auto sockets = seqpacket_pair().value();
              peer = std::move(sockets.second);
              link = std::make_shared<MonitorConnection>(std::move(sockets.first));
              return MonitorLink{link};
            },
            [this, self](const RemoveFiles&) -> caf::result<void> {
              for (auto& open : std::exchange(open_links, {}))
                open.deliver(MonitorLink{link});
              if (files_stay_open)
                return self->make_response_promise<caf::unit_t>();
              story.push_back("files removed");
              if (!files_can_go)
                return to_caf({ec::system_error, "unlink /x", "Read-only file system", {}});
              return caf::unit;
            },
            [this](const SweepContainer&) {
              story.push_back("swept");
              return SweptContainer{};
            }};
  });

  PoolActor make_pool() {
    return spawn([this](PoolActor::pointer self) -> PoolActor::behavior_type {
      return {[](const LaunchOrder&) { return ContainerInfo{}; },
              [](const CancelLaunch&) { return false; },
              [](const ExplainLaunch&) { return Explanation{}; },
              [](const DescribePool&) { return PoolInfo{}; },
              [](const PrepareGeneration&) { return PreparedGeneration{}; },
              [](const CommitGeneration&) { return PoolReceipt{}; },
              [](const AbortGeneration&) {},
              [](const RetirePool&) { return PoolReceipt{}; },
              [](const AwaitReady&) { return PoolInfo{}; },
              [this, self](const TakeStartSlot& take) -> caf::result<StartSlot> {
                if (take.is_held)
                  story.push_back("slot held");
                if (!slots_are_free && !take.is_held)
                  return self->make_response_promise<StartSlot>();
                return StartSlot{};
              },
              [this](const ReturnStartSlot&) { story.push_back("slot returned"); },
              [](const UseOom&) {},
              [this](const ContainerEnded&) { story.push_back("place free"); },
              [](const ListActors&) { return OwnedActors{}; },
              [](const RestartDue&) {},
              [](const QueueTimeout&) {}};
    });
  }

  PoolActor pool = make_pool();

  NodeActor parent = spawn(test::play_node,
                           test::PlayedNode{.on_keep = [this](const KeepContainer& keep) { memory = *keep.memory; },
                                            .on_removed = [this](const ContainerRemoved&) { story.push_back("id free"); }});

  NodeContextPtr context;
  ContainerActor container;
  Pending<ContainerInfo> launched;

  /// The world of these tests has one thread. If the monitor's end were closed here, the descriptor thread would hear of it
  /// and send a message in the middle of another test, so it stays open until the program ends.
  ~ContainerWorld() {
    static auto kept = std::vector<UniqueFd>{};
    kept.push_back(std::move(peer));
  }

  void launch(std::function<void(ContainerMemory&)> change = {}) {
    auto node = std::make_shared<NodeContext>();
    node->fds = fds;
    node->journal = journal;
    node->launchers = {launcher};
    auto order = ContainerOrder{};
    auto& info = order.memory.info;
    info.spec.id = {"a"};
    info.spec.pool = {"web"};
    info.generation = 1;
    info.accepted_at = now();
    order.neighbours = {pool, oom};
    order.parent = parent;
    order.memory.grace = 5000ms;
    if (change)
      change(order.memory);
    context = node;
    container = spawn(container_actor, context, std::move(order));
    launched = ask<ContainerInfo>(container, BeginLaunch{});
  }

  /// The actor dies, and its pool lets another one go on with what NODE remembers.
  void die_and_go_on(bool story_is_told = true) {
    caf::anon_send_exit(container, caf::exit_reason::kill);
    run();
    auto order = ContainerOrder{};
    order.memory = memory;
    order.neighbours = {pool, oom};
    order.parent = parent;
    auto links_before = links_asked;
    container = spawn(container_actor, context, std::move(order));
    run();
    // The link tells its story to whoever has asked for it.
    if (links_asked > links_before && story_is_told)
      for (const auto& message : heard)
        caf::anon_send(container, MonitorPacket{encode(message)});
    run();
  }

  void hear(const MonitorMessage& message) {
    heard.push_back(message);
    caf::anon_send(container, MonitorPacket{encode(message)});
    run();
  }

  /// What the monitor was told since the last call.
  std::vector<MonitorCommand> commands() {
    auto result = std::vector<MonitorCommand>{};
    for (;;) {
      auto packet = receive_packet(peer, monitor_packet_limit);
      if (!packet || packet->kind != ReceivedPacket::Kind::packet)
        return result;
      result.push_back(decode_monitor_command(packet->bytes).value());
    }
  }

  void hear_created() {
    hear(MonitorCreated{init.pid(), process_start_time(init.pid()).value()});
  }

  void run_it(std::function<void(ContainerMemory&)> change = {}) {
    launch(std::move(change));
    hear_created();
    hear(MonitorStarted{now()});
    REQUIRE(launched.get());
    commands();
    story.clear();
  }

  /// So that it cannot end by SIGTERM. A signal that comes before it has stopped would still end it.
  void freeze_init() {
    REQUIRE(init.kill(SIGSTOP));
    REQUIRE(berth::test::eventually(10s, [&] {
      auto stat = berth::test::text_of("/proc/" + std::to_string(init.pid()) + "/stat");
      return stat.find(") T ") != std::string::npos;
    }));
  }

  ContainerInfo describe() {
    return *ask<ContainerInfo>(container, DescribeContainer{}).get();
  }
};

using Story = std::vector<std::string>;

const auto exit_0 = MonitorExited{0, {1}, 0, 0, 0, 0};

} // namespace

TEST_CASE_METHOD(ContainerWorld, "the OOM watch is placed before the start, and the reply comes when it runs",
                 "[container]") {
  launch();
  CHECK(commands().empty());
  hear_created();
  CHECK(story == Story{"container.accepted", "watched"});
  CHECK(commands() == std::vector<MonitorCommand>{StartCommand{}});
  CHECK(!launched.done());
  hear(MonitorStarted{{77}});
  REQUIRE(launched.get());
  CHECK(launched.get()->state == ContainerState::running);
  CHECK(launched.get()->started_at.ns == 77);
  CHECK(launched.get()->pid == init.pid());
  CHECK(story == Story{"container.accepted", "watched", "slot returned", "container.running"});
}

TEST_CASE_METHOD(ContainerWorld, "an exit that overtakes the start is told as running and exited, once", "[container]") {
  launch();
  hear_created();
  hear(MonitorExited{3 << 8, {9}, 0, 0, 0, 0});
  hear(MonitorStarted{now()});
  REQUIRE(launched.get());
  CHECK(launched.get()->exit.code == 3);
  CHECK(story
        == Story{"container.accepted", "watched", "slot returned", "container.running", "finish", "container.exited",
                 "place free"});
}

TEST_CASE_METHOD(ContainerWorld, "the exit waits until the OOM actor has told everything", "[container]") {
  oom_answers = false;
  run_it();
  hear(MonitorExited{SIGKILL, {9}, 1, 0, 0, 64});
  CHECK(story == Story{"finish"});
  CHECK(describe().state == ContainerState::stopping);
  caf::anon_send(container, OomKill{{"a"}, {"web"}});
  oom_summary = {1, true};
  caf::anon_send(oom, OomStirred{});
  run();
  CHECK(story == Story{"finish", "container.oom", "container.exited", "place free"});
  auto info = describe();
  CHECK(info.exit.oom_killed);
  CHECK(info.exit.code == 137);
  CHECK(info.oom_kills == 1);
  CHECK(info.pid == 0);
}

TEST_CASE_METHOD(ContainerWorld, "stop sends TERM at once and KILL when the grace period is over", "[container]") {
  run_it();
  // A shell in a container may ignore TERM; our init is stopped so that it cannot end by it.
  freeze_init();
  auto stopped = ask<ContainerInfo>(container, StopContainer{2000ms});
  CHECK(describe().state == ContainerState::stopping);
  pass(1999ms);
  CHECK(!init.wait_for(0ms).value());
  pass(1ms);
  auto status = init.wait_for(5000ms).value();
  REQUIRE(status);
  CHECK(*status == ExitStatus{Signaled{SIGKILL}});
  CHECK(!stopped.done());
  hear(MonitorExited{SIGKILL, {9}, 0, 0, 0, 0});
  REQUIRE(stopped.get());
  CHECK(stopped.get()->exit.reason == "stopped: ended by SIGKILL");
}

TEST_CASE_METHOD(ContainerWorld, "stop without a time uses the pool's grace period", "[container]") {
  run_it();
  freeze_init();
  ask<ContainerInfo>(container, StopContainer{});
  pass(4999ms);
  CHECK(!init.wait_for(0ms).value());
  pass(1ms);
  CHECK(init.wait_for(5000ms).value());
}

TEST_CASE_METHOD(ContainerWorld, "signals go through the runtime where init is a sandbox", "[container]") {
  run_it([](ContainerMemory& with) { with.info.profile.init_takes_signals = false; });
  CHECK(ask<void>(container, SignalContainer{SIGUSR1}).get());
  ask<ContainerInfo>(container, StopContainer{});
  CHECK(commands() == std::vector<MonitorCommand>{SignalCommand{SIGUSR1}, SignalCommand{SIGTERM}});
}

TEST_CASE_METHOD(ContainerWorld, "a start that takes too long is aborted and answered with the deadline", "[container]") {
  launch();
  pass(60'000ms);
  CHECK(commands() == std::vector<MonitorCommand>{AbortCommand{}});
  CHECK(!launched.done()); // first the monitor cleans up
  hear(MonitorFailed{LaunchStage::create, 0, "aborted"});
  auto answer = launched.get();
  REQUIRE(!answer);
  CHECK(answer.error().code == ec::deadline_exceeded);
  CHECK(story
        == Story{"container.accepted", "slot returned", "place free", "container.failed", "files removed",
                 "container.removed", "id free"});
}

TEST_CASE_METHOD(ContainerWorld, "a start that is given up between create and start is no container that ran", "[container]") {
  launch();
  hear_created();
  auto stopped = Pending<ContainerInfo>{};
  auto code = ec::deadline_exceeded;
  SECTION("for its time") { pass(60'000ms); }
  SECTION("by a stop") {
    stopped = ask<ContainerInfo>(container, StopContainer{});
    code = ec::cancelled;
  }
  CHECK(commands() == std::vector<MonitorCommand>{StartCommand{}, AbortCommand{}});
  story.clear();
  hear(MonitorExited{SIGKILL, {9}, 0, 0, 0, 0});
  CHECK(!launched.done());
  hear(MonitorDeleted{});
  REQUIRE(!launched.get());
  CHECK(launched.get().error().code == code);
  CHECK(story
        == Story{"slot returned", "finish", "container.failed", "place free", "files removed",
                 "container.removed", "id free"});
  if (code == ec::cancelled)
    CHECK(stopped.get()); // what was asked for has happened
}

TEST_CASE_METHOD(ContainerWorld, "a launch that waits for its turn to start can be taken back", "[container]") {
  slots_are_free = false;
  launch();
  story.clear();
  SECTION("by a stop") { CHECK(ask<ContainerInfo>(container, StopContainer{}).get()); }
  SECTION("by force") { CHECK(ask<void>(container, RemoveContainer{true}).get()); }
  REQUIRE(!launched.get());
  CHECK(launched.get().error().code == ec::cancelled);
  // Nothing orders the journal and the pool.
  auto expected = Story{"container.failed", "slot returned", "place free", "files removed", "container.removed", "id free"};
  CHECK(std::is_permutation(story.begin(), story.end(), expected.begin(), expected.end()));
  CHECK(story.back() == "id free");
}

TEST_CASE_METHOD(ContainerWorld, "a later stop may shorten the time that an earlier one gave, not lengthen it",
                 "[container]") {
  run_it();
  freeze_init();
  ask<ContainerInfo>(container, StopContainer{600'000ms});
  ask<ContainerInfo>(container, StopContainer{2000ms});
  ask<ContainerInfo>(container, StopContainer{900'000ms});
  pass(1999ms);
  CHECK(!init.wait_for(0ms).value());
  pass(1ms);
  CHECK(init.wait_for(5000ms).value());
}

TEST_CASE_METHOD(ContainerWorld, "without an answer of the OOM actor the kill is still told before the exit, once",
                 "[container]") {
  oom_answers = false;
  run_it();
  hear(MonitorExited{SIGKILL, {9}, 1, 0, 0, 64});
  pass(10'000ms);
  CHECK(story == Story{"finish", "container.oom", "container.exited", "place free"});
  CHECK(describe().exit.oom_killed);
  auto late = OomKill{{"a"}, {"web"}};
  late.kills = 1;
  caf::anon_send(container, late);
  run();
  CHECK(story.back() == "place free");
}

TEST_CASE_METHOD(ContainerWorld, "a removal that leaves files behind says so and frees the id all the same", "[container]") {
  files_can_go = false;
  run_it();
  hear(exit_0);
  hear(MonitorDeleted{});
  auto removed = ask<void>(container, RemoveContainer{false}).get();
  REQUIRE(!removed);
  CHECK(removed.error().reason == "Read-only file system");
  CHECK(story.back() == "id free");
}

TEST_CASE_METHOD(ContainerWorld, "a launch that fails leaves nothing and frees its id before the answer", "[container]") {
  launcher_error = Error{ec::rootfs_missing, "rootfs \"/x\"", "it is not a directory", "give another"};
  launch();
  auto answer = launched.get();
  REQUIRE(!answer);
  CHECK(answer.error() == *launcher_error);
  CHECK(story.back() == "id free");
}

TEST_CASE_METHOD(ContainerWorld, "the actor of a running container lets it be removed only by force", "[container]") {
  run_it();
  auto refused = ask<void>(container, RemoveContainer{false}).get();
  REQUIRE(!refused);
  CHECK(refused.error().code == ec::wrong_state);
  auto removed = ask<void>(container, RemoveContainer{true});
  CHECK(init.wait_for(5000ms).value());
  hear(MonitorExited{SIGKILL, {9}, 0, 0, 0, 0});
  CHECK(!removed.done());
  hear(MonitorDeleted{});
  CHECK(removed.get());
  CHECK(story
        == Story{"finish", "container.exited", "place free", "files removed", "container.removed",
                 "id free"});
}

TEST_CASE_METHOD(ContainerWorld, "an ended container keeps its actor until it is removed", "[container]") {
  run_it();
  hear(exit_0);
  hear(MonitorDeleted{});
  CHECK(describe().state == ContainerState::exited);
  CHECK(ask<ContainerInfo>(container, StopContainer{}).get()->exit.code == 0); // stop is idempotent
  CHECK(ask<void>(container, SignalContainer{SIGTERM}).get().error().code == ec::wrong_state);
  CHECK(ask<void>(container, RemoveContainer{false}).get());
}

TEST_CASE_METHOD(ContainerWorld, "automatic removal waits for the reader of the output", "[container]") {
  auto reader = spawn([](caf::event_based_actor*) -> caf::behavior { return {[](const ReleaseOutput&) {}}; });
  auto dies = GENERATE(false, true);
  run_it([&](ContainerMemory& with) {
    with.info.spec.auto_remove = true;
    with.reader = caf::actor_cast<caf::strong_actor_ptr>(reader);
  });
  hear(exit_0);
  hear(MonitorDeleted{});
  CHECK(story.back() == "place free");
  if (dies)
    caf::anon_send_exit(reader, caf::exit_reason::kill);
  else
    caf::anon_send(container, ReleaseOutput{});
  run();
  CHECK(story.back() == "id free");
}

TEST_CASE_METHOD(ContainerWorld, "a monitor that dies takes the container along, and says so", "[container]") {
  run_it();
  caf::anon_send(container, MonitorGone{});
  run();
  CHECK(init.wait_for(5000ms).value());
  auto info = describe();
  CHECK(info.state == ContainerState::exited);
  CHECK(info.exit.reason == "its monitor died, and the container was ended; the real exit status is unknown");
  CHECK(story.front() == "swept");
}

TEST_CASE_METHOD(ContainerWorld, "the end of the monitor after its work is no event", "[container]") {
  run_it();
  hear(exit_0);
  hear(MonitorDeleted{});
  story.clear();
  caf::anon_send(container, MonitorGone{});
  run();
  CHECK(story.empty());
}

TEST_CASE_METHOD(ContainerWorld, "garbage from a monitor changes nothing", "[container]") {
  run_it();
  for (auto bytes : {"", "x", "\xff\xff\xff\xff"})
    caf::anon_send(container, MonitorPacket{bytes});
  run();
  CHECK(describe().state == ContainerState::running);
}

TEST_CASE_METHOD(ContainerWorld, "with oomGroup a child's kill ends the container", "[container]") {
  run_it([](ContainerMemory& with) { with.oom_group = true; });
  auto kill = OomKill{{"a"}, {"web"}};
  kill.scope = OomScope::process;
  caf::anon_send(container, kill);
  run();
  CHECK(init.wait_for(5000ms).value());
}

// -- in the place of an actor that has died -----------------------------------------------------------------------------

TEST_CASE_METHOD(ContainerWorld, "whenever its actor dies, the rest of a container's story is told, and nothing twice",
                 "[container][deaths]") {
  auto when = GENERATE(range(0, 8));
  auto twice = GENERATE(false, true);
  CAPTURE(when, twice);
  auto step = 0;
  auto die = [&] {
    if (step++ == when) {
      die_and_go_on();
      if (twice && story.back() != "id free")
        die_and_go_on();
      // Its pool asks on behalf of whoever waits.
      if (story.back() != "id free")
        launched = ask<ContainerInfo>(container, BeginLaunch{});
    }
  };
  slots_are_free = when != 0;
  launch([](ContainerMemory& with) { with.info.spec.auto_remove = true; });
  slots_are_free = true;
  die();
  die();
  hear_created();
  die();
  hear(MonitorStarted{{77}});
  CHECK(launched.get()->state == ContainerState::running);
  die();
  oom_answers = when != 4;
  hear(MonitorExited{3 << 8, {9}, 0, 0, 0, 0});
  oom_answers = true;
  die();
  CHECK(launched.get());
  if (when < 6)
    CHECK(describe().exit.code == 3);
  die();
  files_stay_open = when == 6;
  hear(MonitorDeleted{});
  files_stay_open = false;
  die();
  REQUIRE(launched.get());
  CHECK(launched.get()->started_at.ns == 77);
  auto told = Story{};
  for (const auto& what : story)
    if (what.starts_with("container.") || what == "id free")
      told.push_back(what);
  CHECK(told == Story{"container.accepted", "container.running", "container.exited", "container.removed", "id free"});
  // The launcher has started one monitor, and everybody after that got its link.
  CHECK(memory.info.state == ContainerState::removing);
}

TEST_CASE_METHOD(ContainerWorld, "a stop goes on when its actor has died, with one SIGTERM and at the time that was given",
                 "[container][deaths]") {
  run_it([](ContainerMemory& with) { with.info.profile.init_takes_signals = false; });
  freeze_init();
  ask<ContainerInfo>(container, StopContainer{2000ms});
  pass(1000ms);
  die_and_go_on();
  CHECK(describe().state == ContainerState::stopping);
  pass(999ms);
  CHECK(!init.wait_for(0ms).value());
  pass(1ms);
  CHECK(init.wait_for(5000ms).value());
  auto terms = 0;
  for (const auto& command : commands())
    terms += command == MonitorCommand{SignalCommand{SIGTERM}} ? 1 : 0;
  CHECK(terms == 1);
}

TEST_CASE_METHOD(ContainerWorld, "a removal by force is carried out although its actor and who asked for it have gone",
                 "[container][deaths]") {
  run_it();
  ask<void>(container, RemoveContainer{true});
  CHECK(init.wait_for(5000ms).value());
  die_and_go_on();
  hear(MonitorExited{SIGKILL, {9}, 0, 0, 0, 0});
  hear(MonitorDeleted{});
  CHECK(story.back() == "id free");
}

TEST_CASE_METHOD(ContainerWorld, "a start that was given up stays given up when its actor dies", "[container][deaths]") {
  launch();
  ask<ContainerInfo>(container, StopContainer{});
  die_and_go_on();
  hear_created();
  CHECK(commands() == std::vector<MonitorCommand>{AbortCommand{}, AbortCommand{}});
  launched = ask<ContainerInfo>(container, BeginLaunch{});
  hear(MonitorExited{SIGKILL, {9}, 0, 0, 0, 0});
  hear(MonitorDeleted{});
  REQUIRE(!launched.get());
  CHECK(launched.get().error().code == ec::cancelled);
  CHECK(std::count(story.begin(), story.end(), "container.running") == 0);
}

TEST_CASE_METHOD(ContainerWorld, "a container that is being removed is started by nobody again", "[container][deaths]") {
  files_stay_open = true;
  run_it();
  hear(exit_0);
  hear(MonitorDeleted{});
  ask<void>(container, RemoveContainer{false});
  REQUIRE(memory.info.state == ContainerState::removing);
  files_stay_open = false;
  auto links = links_asked;
  die_and_go_on();
  CHECK(links_asked == links);
  CHECK(story.back() == "id free");
}

TEST_CASE_METHOD(ContainerWorld, "whoever watches a container for OOM kills next is told what was told",
                 "[container][deaths]") {
  run_it();
  auto kill = OomKill{{"a"}, {"web"}};
  kill.scope = OomScope::process;
  kill.kills = 2;
  caf::anon_send(container, kill);
  run();
  SECTION("after the death of the container's actor") { die_and_go_on(); }
  SECTION("after the death of OOM") {
    oom = make_oom();
    caf::anon_send(container, UseNeighbours{pool, oom});
    run();
  }
  CHECK(story.back() == "watched, told 2");
  CHECK(oom_watch.init_pid == init.pid());
  CHECK_FALSE(oom_watch.container_killed);
}

TEST_CASE_METHOD(ContainerWorld, "kills are told by the monitor's count where OOM has died", "[container][deaths]") {
  struct Row {
    int status;
    uint64_t kills;
    bool stop_first;
    bool oom_killed;
    bool is_sandbox = false;
  };
  auto row = GENERATE(Row{SIGKILL, 1, false, true}, Row{SIGKILL, 0, false, false}, Row{SIGKILL, 1, true, false},
                      Row{3 << 8, 1, false, false}, Row{137 << 8, 1, false, false}, Row{137 << 8, 1, false, true, true},
                      Row{137 << 8, 0, false, false, true});
  CAPTURE(row.status, row.kills, row.stop_first, row.is_sandbox);
  run_it([&](ContainerMemory& with) { with.info.profile.has_host_processes = !row.is_sandbox; });
  if (row.stop_first)
    ask<ContainerInfo>(container, StopContainer{0ms});
  caf::anon_send_exit(oom, caf::exit_reason::kill);
  run();
  story.clear();
  hear(MonitorExited{row.status, {9}, row.kills, 0, 0, 64});
  CHECK(std::count(story.begin(), story.end(), "container.oom") == static_cast<int>(row.kills));
  CHECK(std::count(story.begin(), story.end(), "container.exited") == 1);
  CHECK(describe().exit.oom_killed == row.oom_killed);
}

TEST_CASE_METHOD(ContainerWorld, "a launch whose pool dies while it waits for its turn asks the next one", "[container][deaths]") {
  slots_are_free = false;
  launch();
  caf::anon_send_exit(pool, caf::exit_reason::kill);
  run();
  CHECK(!launched.done());
  slots_are_free = true;
  pool = make_pool();
  caf::anon_send(container, UseNeighbours{pool, oom});
  run();
  hear_created();
  hear(MonitorStarted{now()});
  CHECK(launched.get());
}

TEST_CASE_METHOD(ContainerWorld, "the next pool hears of a start that is under way, and of an end that the last one missed",
                 "[container][deaths]") {
  launch();
  caf::anon_send_exit(pool, caf::exit_reason::kill);
  pool = make_pool();
  SECTION("a start") {
    caf::anon_send(container, UseNeighbours{pool, oom});
    run();
    CHECK(story.back() == "slot held");
  }
  SECTION("an end") {
    hear_created();
    hear(MonitorStarted{now()});
    hear(exit_0);
    CHECK(std::count(story.begin(), story.end(), "place free") == 0);
    caf::anon_send(container, UseNeighbours{pool, oom});
    run();
    CHECK(std::count(story.begin(), story.end(), "place free") == 1);
  }
}

TEST_CASE_METHOD(ContainerWorld, "a stop that comes before the story is told again gives its grace all the same",
                 "[container][deaths]") {
  run_it();
  freeze_init();
  die_and_go_on(false);
  auto stopped = ask<ContainerInfo>(container, StopContainer{2000ms});
  CHECK(ask<void>(container, SignalContainer{SIGCONT}).get());
  pass(1999ms);
  for (const auto& command : commands())
    CHECK_FALSE(std::holds_alternative<AbortCommand>(command));
  for (const auto& message : heard)
    caf::anon_send(container, MonitorPacket{encode(message)});
  run();
  CHECK(describe().state == ContainerState::stopping);
  hear(MonitorExited{SIGTERM, {9}, 0, 0, 0, 0});
  CHECK(stopped.get()->exit.signal == SIGTERM);
}

TEST_CASE_METHOD(ContainerWorld, "commands for a sandbox wait for the link that is on its way", "[container][deaths]") {
  run_it([](ContainerMemory& with) { with.info.profile.init_takes_signals = false; });
  links_come = false;
  die_and_go_on(false);
  ask<ContainerInfo>(container, StopContainer{60'000ms});
  CHECK(commands().empty());
  links_come = true;
  // The launcher gives its answer to whoever asks next.
  caf::anon_send(launcher, RemoveFiles{});
  run();
  CHECK(commands() == std::vector<MonitorCommand>{SignalCommand{SIGTERM}});
}

TEST_CASE_METHOD(ContainerWorld, "the files of a start that was given up stay until the monitor is done, whoever dies",
                 "[container][deaths]") {
  launch();
  hear_created();
  ask<ContainerInfo>(container, StopContainer{});
  hear(MonitorExited{SIGKILL, {9}, 0, 0, 0, 0});
  auto removed = [&] { return std::count(story.begin(), story.end(), "files removed"); };
  die_and_go_on();
  CHECK(removed() == 0);
  SECTION("it ends as it should") { hear(MonitorDeleted{}); }
  SECTION("the monitor dies, too") {
    caf::anon_send(container, MonitorGone{});
    run();
    CHECK(std::count(story.begin(), story.end(), "swept") == 1);
  }
  CHECK(removed() == 1);
  CHECK(story.back() == "id free");
  CHECK(std::count(story.begin(), story.end(), "container.failed") == 1);
}

TEST_CASE_METHOD(ContainerWorld, "what cannot be recorded is not begun: no monitor, no start", "[container][journal]") {
  journal_script.failing = Error{ec::journal_failed, "journal", "the disk is full", "make room"};
  SECTION("the launch") {
    launch();
    CHECK(links_asked == 0);
  }
  SECTION("the start") {
    journal_script.failing.reset();
    launch();
    journal_script.failing = Error{ec::journal_failed, "journal", "the disk is full", "make room"};
    hear_created();
    CHECK(commands() == std::vector<MonitorCommand>{AbortCommand{}});
    hear(MonitorExited{SIGKILL, {9}, 0, 0, 0, 0});
    hear(MonitorDeleted{});
  }
  REQUIRE(launched.done());
  REQUIRE_FALSE(launched.get());
  CHECK(launched.get().error().code == ec::journal_failed);
  CHECK(std::count(story.begin(), story.end(), "container.failed") == 1);
  CHECK(std::count(story.begin(), story.end(), "container.running") == 0);
}

TEST_CASE_METHOD(ContainerWorld, "a stop goes on where it cannot be recorded", "[container][journal]") {
  run_it();
  journal_script.failing = Error{ec::journal_failed, "journal", "the disk is full", "make room"};
  auto stopped = ask<ContainerInfo>(container, StopContainer{});
  CHECK(init.wait_for(10s).value());
  hear(MonitorExited{SIGTERM, {9}, 0, 0, 0, 0});
  REQUIRE(stopped.get());
  CHECK(stopped.get()->exit.reason == "stopped: ended by SIGTERM");
}

TEST_CASE_METHOD(ContainerWorld, "each step is in the journal before it is done", "[container][journal]") {
  launch();
  auto row = [&] { return journal_script.containers.at({"a"}); };
  CHECK(row().phase == Phase::creating);
  CHECK_FALSE(row().start_asked);
  hear_created();
  CHECK(row().start_asked);
  CHECK(row().info.pid == init.pid());
  hear(MonitorStarted{now()});
  CHECK(row().running_told);
  auto stopped = ask<ContainerInfo>(container, StopContainer{});
  CHECK(row().stop_asked);
  CHECK(row().kill_due != caf::actor_clock::time_point::max());
  hear(MonitorExited{SIGTERM, {9}, 0, 0, 0, 0});
  CHECK(row().phase == Phase::exited);
  hear(MonitorDeleted{});
  auto removed = ask<void>(container, RemoveContainer{});
  REQUIRE(removed.get());
  CHECK(journal_script.containers.empty());
  CHECK(story.back() == "id free");
}

TEST_CASE_METHOD(ContainerWorld, "a container of an earlier berthd that was given up is told to end, and never started",
                 "[container][takeover]") {
  launch();
  memory.adopted = true;
  memory.failure = Error{ec::interrupted, "container \"a\"", "berthd ended before it was started", {}};
  heard = {MonitorCreated{init.pid(), process_start_time(init.pid()).value()}};
  die_and_go_on();
  CHECK(commands() == std::vector<MonitorCommand>{AbortCommand{}});
  hear(MonitorExited{SIGKILL, {9}, 0, 0, 0, 0});
  CHECK(std::count(story.begin(), story.end(), "container.failed") == 1);
  CHECK(std::count(story.begin(), story.end(), "container.running") == 0);
}

TEST_CASE_METHOD(ContainerWorld, "a container of another boot has ended, whoever has its pid now", "[container][takeover]") {
  run_it();
  memory.adopted = memory.rebooted = true;
  die_and_go_on(false);
  caf::anon_send(container, MonitorGone{});
  run();
  CHECK(berth::test::is_alive(init.pid()));
  CHECK(std::count(story.begin(), story.end(), "container.exited") == 1);
  CHECK(describe().exit.reason == "the host was started anew while it ran; there is no exit status");
}
