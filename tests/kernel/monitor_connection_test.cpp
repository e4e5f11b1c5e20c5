#include "runtimes/linux/monitor_connection.hpp"

#include "runtimes/linux/unix_socket.hpp"
#include "tests/support/eventually.hpp"

#include "tests/support/catch.hpp"

#include <mutex>

using namespace berth;
using namespace berth::test;
using namespace std::chrono_literals;

namespace {

/// What one listener has heard.
struct Heard {
  std::mutex mutex;
  std::vector<MonitorMessage> messages;
  int gone = 0;

  MonitorListener listener() {
    return {[this](std::string bytes) {
              auto guard = std::lock_guard{mutex};
              messages.push_back(decode_monitor_message(bytes).value());
            },
            [this] {
              auto guard = std::lock_guard{mutex};
              ++gone;
            }};
  }

  bool has(size_t count, int ends) {
    return eventually(10s, [&] {
      auto guard = std::lock_guard{mutex};
      return messages.size() == count && gone == ends;
    });
  }
};

/// The monitor's end is played by the test.
struct Link {
  std::unique_ptr<FdMonitor> fds = std::move(FdMonitor::start().value());
  UniqueFd peer;
  std::shared_ptr<MonitorConnection> connection;

  Link() {
    auto sockets = seqpacket_pair().value();
    peer = std::move(sockets.second);
    connection = std::make_shared<MonitorConnection>(std::move(sockets.first));
    connection->watch(*fds);
  }

  void tell(const MonitorMessage& message) {
    REQUIRE(send_packet(peer, encode(message)));
  }
};

const auto created = MonitorMessage{MonitorCreated{7, 70}};
const auto started = MonitorMessage{MonitorStarted{{8}}};
const auto exited = MonitorMessage{MonitorExited{3 << 8, {9}, 0, 0, 0, 0}};
const auto deleted = MonitorMessage{MonitorDeleted{}};

} // namespace

TEST_CASE("a monitor's story is told to every listener from its beginning, and goes on for the last one", "[monitor]") {
  auto first = Heard{}, second = Heard{}, third = Heard{};
  auto link = Link{};
  link.tell(created);
  link.connection->listen(first.listener());
  REQUIRE(first.has(1, 0));
  link.tell(started);
  link.tell(MonitorSignalFailed{15, "no"});
  REQUIRE(first.has(3, 0));
  link.connection->listen(second.listener());
  CHECK(second.has(2, 0)); // the answer to a command is no part of it
  link.tell(exited);
  link.tell(deleted);
  link.peer = UniqueFd{};
  REQUIRE(second.has(4, 1));
  CHECK(first.has(3, 0));
  CHECK(second.messages == std::vector{created, started, exited, deleted});
  link.connection->listen(third.listener());
  CHECK(third.has(4, 1));
  CHECK(third.messages == second.messages);
  CHECK(link.connection->send(StartCommand{}).error().code == ec::system_error);
}

TEST_CASE("a monitor that tells without end is not remembered without end", "[monitor]") {
  auto first = Heard{}, second = Heard{};
  auto link = Link{};
  link.connection->listen(first.listener());
  for (auto i = 0; i < 100; ++i)
    link.tell(started);
  REQUIRE(first.has(100, 0));
  link.connection->listen(second.listener());
  CHECK(second.has(8, 0));
}
