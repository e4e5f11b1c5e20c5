#include "runtimes/linux/pipe.hpp"
#include "runtimes/linux/socket_stream.hpp"
#include "runtimes/linux/unix_listener.hpp"
#include "tests/support/eventually.hpp"
#include "tests/support/temp_dir.hpp"

#include "tests/support/catch.hpp"

#include <filesystem>
#include <fstream>
#include <thread>

#include <grp.h>
#include <sys/stat.h>

using namespace berth;
using namespace berth::test;
using namespace std::chrono_literals;

namespace {

using Clock = SocketStream::Clock;

/// Both ends of a connection, and the flag that ends their waits.
struct Connection {
  TempDir dir;
  EventFlag stop = EventFlag::make().value();
  UnixListener listener = UnixListener::bind(dir / "s", 0600).value();
  UniqueFd client = connect_unix(dir / "s").value();
  SocketStream near{listener.accept().value(), stop};
  SocketStream far{std::move(client), stop};
};

} // namespace

TEST_CASE("a flag that was raised stays raised", "[stream]") {
  auto flag = EventFlag::make();
  REQUIRE(flag);
  CHECK_FALSE(flag->raised());
  flag->raise();
  flag->raise();
  CHECK(flag->raised());
  CHECK(flag->raised());
}

TEST_CASE("a wait tells which descriptors are ready", "[stream]") {
  auto a = EventFlag::make().value();
  auto b = EventFlag::make().value();
  auto none = UniqueFd{};
  auto wait = [&](std::chrono::milliseconds timeout) {
    return wait_any({{&a.fd(), Interest::readable},
                     {nullptr, Interest::readable},
                     {&none, Interest::readable},
                     {&b.fd(), Interest::readable}},
                    timeout);
  };
  CHECK(wait(0ms) == 0);
  b.raise();
  CHECK(wait(wait_forever) == 8);
  a.raise();
  CHECK(wait(wait_forever) == 9);
}

TEST_CASE("a wait takes its time and no more", "[stream]") {
  auto flag = EventFlag::make().value();
  auto began = Clock::now();
  CHECK(wait_any({{&flag.fd(), Interest::readable}}, 30ms) == 0);
  CHECK(Clock::now() - began >= 30ms);
  auto thread = std::thread{[&] {
    flag.raise();
  }};
  CHECK(wait_any({{&flag.fd(), Interest::readable}}, 20s) == 1);
  thread.join();
}

TEST_CASE("what one end writes the other end reads", "[stream]") {
  auto connection = Connection{};
  auto text = std::string(300'000, 'x') + "end";
  auto writer = std::thread{[&] {
    (void)connection.far.write(text, wait_forever);
    connection.far.end();
  }};
  auto read = std::string{};
  for (;;) {
    auto n = connection.near.read(read, 10'000, Clock::now() + 10s);
    REQUIRE(n);
    if (*n == 0)
      break;
    CHECK(*n <= 10'000);
  }
  writer.join();
  CHECK((read == text));
  // Only its sending has ended.
  CHECK_FALSE(connection.near.hung_up());
  CHECK(connection.near.write("answer", 1s));
}

TEST_CASE("a peer that does nothing is waited for until the deadline", "[stream]") {
  auto connection = Connection{};
  auto buffer = std::string{"kept"};
  auto n = connection.near.read(buffer, 100, Clock::now() + 20ms);
  REQUIRE_FALSE(n);
  CHECK(n.error().code == ec::deadline_exceeded);
  CHECK(buffer == "kept");
  auto written = connection.near.write(std::string(10'000'000, 'x'), 20ms);
  REQUIRE_FALSE(written);
  CHECK(written.error().code == ec::deadline_exceeded);
}

TEST_CASE("raising the flag ends every wait", "[stream]") {
  auto connection = Connection{};
  auto raiser = std::thread{[&] {
    connection.stop.raise();
  }};
  auto buffer = std::string{};
  auto n = connection.near.read(buffer, 100, Clock::now() + 20s);
  REQUIRE_FALSE(n);
  CHECK(n.error().code == ec::shutting_down);
  raiser.join();
  CHECK(connection.near.write(std::string(10'000'000, 'x'), wait_forever).error().code
        == ec::shutting_down);
  CHECK(connection.near.wait_beside({}, wait_forever).error().code == ec::shutting_down);
}

TEST_CASE("a peer that is gone ends every wait", "[stream]") {
  auto connection = Connection{};
  { auto gone = std::move(connection.far); }
  CHECK(connection.near.hung_up());
  CHECK(connection.near.wait_beside({}, wait_forever).error().code == ec::shutting_down);
  auto buffer = std::string{};
  CHECK(connection.near.read(buffer, 100, Clock::now() + 20s) == size_t{0});
  CHECK(connection.near.write("x", wait_forever).error().code == ec::system_error);
}

TEST_CASE("a wait beside a connection tells which of the others is ready", "[stream]") {
  auto connection = Connection{};
  auto flag = EventFlag::make().value();
  CHECK(connection.near.wait_beside({nullptr, &flag.fd()}, 0ms) == 0u);
  flag.raise();
  CHECK(connection.near.wait_beside({nullptr, &flag.fd()}, wait_forever) == 2u);
}

TEST_CASE("only one process can listen at a path", "[stream]") {
  auto dir = TempDir{};
  auto first = UnixListener::bind(dir / "s", 0660);
  REQUIRE(first);
  CHECK(std::filesystem::status(dir / "s").permissions() == std::filesystem::perms{0660});
  auto second = UnixListener::bind(dir / "s", 0660);
  REQUIRE_FALSE(second);
  CHECK(second.error().code == ec::wrong_state);
  CHECK(first->accept());
  CHECK_FALSE(first->accept());
}

TEST_CASE("a socket can belong to a group, which must exist", "[stream]") {
  auto dir = TempDir{};
  auto listener = UnixListener::bind(dir / "s", 0660, "daemon");
  REQUIRE(listener);
  struct stat status {};
  REQUIRE(::stat((dir / "s").c_str(), &status) == 0);
  CHECK(status.st_gid == ::getgrnam("daemon")->gr_gid);
  CHECK((status.st_mode & 07777) == 0660);
  auto nobody = UnixListener::bind(dir / "t", 0660, "no-such-group");
  REQUIRE_FALSE(nobody);
  CHECK(nobody.error().code == ec::bad_request);
  CHECK_FALSE(std::filesystem::exists(dir / "t"));
}

TEST_CASE("a listener removes its own socket and no other", "[stream]") {
  auto dir = TempDir{};
  auto path = dir / "s";
  {
    auto listener = UnixListener::bind(path, 0600);
    REQUIRE(listener);
  }
  CHECK_FALSE(std::filesystem::exists(path));
  {
    auto listener = UnixListener::bind(path, 0600);
    REQUIRE(listener);
    std::filesystem::remove(path);
    std::ofstream{path} << "somebody else's";
  }
  CHECK(std::filesystem::exists(path));
}

TEST_CASE("a pipe gives what is in it and tells its end", "[stream]") {
  auto pipe = Pipe::make();
  REQUIRE(pipe);
  auto text = std::string{"kept "};
  pipe->read_available(text, 10);
  CHECK(text == "kept ");
  CHECK(pipe->read_end);
  pipe->write_end = UniqueFd{};
  pipe->read_available(text, 10);
  CHECK(text == "kept ");
  CHECK_FALSE(pipe->read_end);
}
