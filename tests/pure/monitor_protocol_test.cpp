#include "runtimes/monitor_protocol.hpp"

#include "tests/support/catch.hpp"

#include <random>

using namespace berth;

namespace {

MonitorPlan full_plan() {
  auto plan = MonitorPlan{};
  plan.container = "web-1";
  plan.runtime_id = "abcdefghijklmnopqrstuvwxyz";
  plan.create_argv = {"/usr/sbin/runc", "--root", "/run/r", "create", "--bundle", "b", "id"};
  plan.start_argv = {"runc", "start", "id"};
  plan.delete_argv = {"runc", "delete", "id"};
  plan.kill_argv = {"runc", "kill", "id"};
  plan.start_fifo = "/run/r/id/exec.fifo";
  plan.rootfs_lower = std::string("/images/with\nnewline and \0 byte", 31);
  plan.layer_dir = "/run/layers/id";
  plan.log_path = "/var/log/id.log";
  plan.log_max_size = UINT64_MAX;
  plan.log_max_files = 7;
  plan.cgroup_parent = "/sys/fs/cgroup/berth/p/id";
  plan.memory_cgroup = "/sys/fs/cgroup/berth/p/id";
  plan.leftover_cgroups = {"", "/sys/fs/cgroup/cpu/berth"};
  plan.cgroup_v2 = true;
  plan.state_root = "/run/r";
  plan.alone_limit_ms = UINT32_MAX;
  return plan;
}

const auto commands =
    std::vector<MonitorCommand>{full_plan(),       MonitorPlan{},     StartCommand{},
                                SignalCommand{15}, SignalCommand{-1}, AbortCommand{}};

const auto messages = std::vector<MonitorMessage>{
    MonitorCreated{4711, 123456789},
    MonitorStarted{Timestamp{1700000000'123456789}},
    MonitorExited{0x8900, Timestamp{1}, 3, 1, UINT64_MAX, 64 << 20},
    MonitorFailed{LaunchStage::plan, 0, {}},
    MonitorFailed{LaunchStage::start, 0x7f00, "exec: \"nope\": not found"},
    MonitorSignalFailed{9, "no such process"},
    MonitorDeleted{},
    MonitorWork{MonitorPhase::remove, 1, INT64_MAX},
    MonitorDeleted{"/sys/fs/cgroup/x: Device or resource busy"},
};

} // namespace

TEST_CASE("every monitor command survives the wire") {
  for (auto& command : commands) {
    auto back = decode_monitor_command(encode(command));
    REQUIRE(back);
    CHECK((*back == command));
  }
}

TEST_CASE("every monitor message survives the wire") {
  for (auto& message : messages) {
    auto back = decode_monitor_message(encode(message));
    REQUIRE(back);
    CHECK((*back == message));
  }
}

TEST_CASE("a command is never taken for a message, nor the other way round") {
  for (auto& command : commands)
    CHECK_FALSE(decode_monitor_message(encode(command)));
  for (auto& message : messages)
    CHECK_FALSE(decode_monitor_command(encode(message)));
}

TEST_CASE("packets that are cut short or too long are refused") {
  for (auto& message : messages) {
    auto packet = encode(message);
    for (size_t n = 0; n < packet.size(); ++n) {
      auto back = decode_monitor_message(std::string_view{packet}.substr(0, n));
      REQUIRE_FALSE(back);
      CHECK(back.error().code == ec::bad_request);
    }
    CHECK_FALSE(decode_monitor_message(packet + '\0'));
  }
  auto plan = encode(MonitorCommand{full_plan()});
  for (size_t n = 0; n < plan.size(); ++n)
    REQUIRE_FALSE(decode_monitor_command(std::string_view{plan}.substr(0, n)));
  auto oversized = full_plan();
  oversized.rootfs_lower.assign(monitor_packet_limit, 'x');
  CHECK_FALSE(decode_monitor_command(encode(MonitorCommand{oversized})));
}

TEST_CASE("a packet of another version says which") {
  auto packet = encode(MonitorCommand{StartCommand{}});
  packet[1] = 9;
  auto back = decode_monitor_command(packet);
  REQUIRE_FALSE(back);
  CHECK(render(back.error())
        == "bad_request: packet between berthd and berth-monitor: version 9 instead of 1 (install "
           "berthd and "
           "berth-monitor from the same build)");
}

TEST_CASE("lengths that lie about the rest of the packet are refused") {
  // The count of create_argv: after the header and the two texts in front of it.
  auto packet = encode(MonitorCommand{MonitorPlan{}});
  for (auto lie : {1u, 0x7fffffffu, 0xffffffffu}) {
    auto forged = packet;
    forged.replace(3 + 4 + 4, 4, std::string(reinterpret_cast<const char*>(&lie), 4));
    CHECK_FALSE(decode_monitor_command(forged));
    forged = packet;
    forged.replace(3, 4, std::string(reinterpret_cast<const char*>(&lie), 4));
    CHECK_FALSE(decode_monitor_command(forged));
  }
}

TEST_CASE("random and mutated packets are decoded to a valid message or refused") {
  auto random = std::mt19937{42};
  auto byte = [&] {
    return static_cast<char>(random());
  };
  auto accepted = 0;
  for (auto round = 0; round < 50'000; ++round) {
    auto packet = std::string{};
    if (round % 4 == 0) {
      packet.resize(random() % 64);
      for (auto& c : packet)
        c = byte();
    } else {
      packet = round % 2 ? encode(commands[random() % commands.size()])
                         : encode(messages[random() % messages.size()]);
      for (auto n = random() % 3 + 1; n > 0; --n)
        packet[random() % packet.size()] = byte();
    }
    // What is accepted must be a value like any other: it has an encoding of its own that means the
    // same.
    if (auto command = decode_monitor_command(packet)) {
      ++accepted;
      CHECK((decode_monitor_command(encode(*command)) == *command));
    } else {
      REQUIRE(command.error().code == ec::bad_request);
    }
    if (auto message = decode_monitor_message(packet)) {
      ++accepted;
      CHECK((decode_monitor_message(encode(*message)) == *message));
    } else {
      REQUIRE(message.error().code == ec::bad_request);
    }
  }
  CHECK(accepted > 1000);
}

TEST_CASE("the exit record survives the disk") {
  auto exited = MonitorExited{0x8900, Timestamp{1700000000'000000007}, 2, 1, UINT64_MAX, 67108864};
  auto text = render_exit_record(exited);
  CHECK(text
        == "{\"waitStatus\":35072,\"finishedAt\":\"2023-11-14T22:13:20.000000007Z\",\"oomKills\":2,"
           "\"oomGroupKills\":1,"
           "\"memoryPeak\":18446744073709551615,\"memoryLimit\":67108864}\n");
  auto back = parse_exit_record(text);
  REQUIRE(back);
  CHECK((*back == exited));
}

TEST_CASE("exit records that are damaged are refused") {
  auto whole = render_exit_record({0, Timestamp{1700000000'000000000}, 0, 0, 0, 0});
  REQUIRE(parse_exit_record(whole));
  auto with = [&](const std::string& old, const std::string& fresh) {
    auto text = whole;
    return text.replace(text.find(old), old.size(), fresh);
  };
  auto text = GENERATE_COPY(as<std::string>{}, "", "{", "[]", "{}", "null", "{\"waitStatus\":0}",
                            with("\"waitStatus\":0", "\"waitStatus\":-1"),
                            with("\"waitStatus\":0", "\"waitStatus\":65536"),
                            with("2023-11-14T22:13:20.000000000Z", "yesterday"),
                            with("\"oomKills\":0", "\"oomKills\":-1"),
                            with("\"oomKills\":0", "\"oomKills\":\"1\""),
                            whole.substr(0, whole.size() / 2));
  INFO(text);
  auto back = parse_exit_record(text);
  REQUIRE_FALSE(back);
  CHECK(back.error().code == ec::bad_request);
  CHECK(back.error().subject == "exit record");
}
