#include "runtimes/linux/unix_socket.hpp"

#include "runtimes/linux/file.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/temp_dir.hpp"

#include <filesystem>

#include <sys/socket.h>
#include <sys/stat.h>

using namespace berth;
using Kind = ReceivedPacket::Kind;

namespace {

constexpr size_t limit = 128 * 1024;

} // namespace

TEST_CASE("packets keep their boundaries and their order") {
  auto ends = seqpacket_pair();
  REQUIRE(ends);
  auto& [a, b] = *ends;
  CHECK(receive_packet(b, limit)->kind == Kind::nothing_yet);
  auto large = std::string(limit, 'x');
  REQUIRE(send_packet(a, "one"));
  REQUIRE(send_packet(a, std::string("t\0o", 3)));
  REQUIRE(send_packet(a, large));
  CHECK(receive_packet(b, limit)->bytes == "one");
  CHECK(receive_packet(b, limit)->bytes == std::string("t\0o", 3));
  CHECK(receive_packet(b, limit)->bytes == large);
  CHECK(receive_packet(b, limit)->kind == Kind::nothing_yet);
  REQUIRE(send_packet(b, "back"));
  CHECK(receive_packet(a, limit)->bytes == "back");
}

TEST_CASE("packets that were sent before the end arrive before it") {
  auto ends = seqpacket_pair();
  REQUIRE(ends);
  REQUIRE(send_packet(ends->first, "last words"));
  ends->first = UniqueFd{};
  auto packet = receive_packet(ends->second, limit);
  REQUIRE(packet);
  CHECK(packet->kind == Kind::packet);
  CHECK(packet->bytes == "last words");
  CHECK(receive_packet(ends->second, limit)->kind == Kind::closed);
}

TEST_CASE("a packet that is too long is an error and not cut") {
  auto ends = seqpacket_pair();
  REQUIRE(ends);
  REQUIRE(send_packet(ends->first, std::string(11, 'x')));
  auto packet = receive_packet(ends->second, 10);
  REQUIRE_FALSE(packet);
  CHECK(packet.error().reason == "packet of 11 bytes is too long");
}

TEST_CASE("a peer that does not read, or is gone, is an error and never blocks or kills") {
  auto ends = seqpacket_pair();
  REQUIRE(ends);
  auto sent = Result<void>{};
  for (auto i = 0; i < 100'000 && sent; ++i)
    sent = send_packet(ends->first, std::string(1000, 'x'));
  REQUIRE_FALSE(sent);
  CHECK(sent.error().reason == "Resource temporarily unavailable");
  ends->second = UniqueFd{};
  CHECK_FALSE(send_packet(ends->first, "x")); // reset: what the peer did not read is lost
  sent = send_packet(ends->first, "x");
  REQUIRE_FALSE(sent);
  CHECK(sent.error().reason == "Broken pipe");
  CHECK(receive_packet(ends->first, limit)->kind == Kind::closed);
}

TEST_CASE("a listening socket is found in a directory of any path length, by its owner only") {
  auto dir = test::TempDir{};
  auto path = dir / (std::string(120, 'd') + "/" + std::string(120, 'e'));
  REQUIRE(make_directories(path, 0700));
  auto held = open_directory(path);
  REQUIRE(held);
  CHECK_FALSE(seqpacket_connect(*held, "sock"));
  auto listener = seqpacket_listen(*held, "sock");
  REQUIRE(listener);
  struct stat info = {};
  REQUIRE(::stat((path + "/sock").c_str(), &info) == 0);
  CHECK((info.st_mode & 07777) == 0600);
  CHECK_FALSE(*seqpacket_accept(*listener));
  auto client = seqpacket_connect(*held, "sock");
  REQUIRE(client);
  auto served = seqpacket_accept(*listener);
  REQUIRE(served);
  REQUIRE(*served);
  REQUIRE(send_packet(*client, "hello"));
  CHECK(receive_packet(*served, limit)->bytes == "hello");
  // A stale file of an earlier process is no obstacle.
  listener = UniqueFd{};
  auto refused = seqpacket_connect(*held, "sock");
  REQUIRE_FALSE(refused);
  CHECK(refused.error().reason == "Connection refused");
  listener = seqpacket_listen(*held, "sock");
  REQUIRE(listener);
  CHECK(seqpacket_connect(*held, "sock"));
}

TEST_CASE("a socket name that does not fit is refused") {
  auto dir = test::TempDir{};
  auto held = open_directory(dir.path());
  REQUIRE(held);
  CHECK_FALSE(seqpacket_listen(*held, std::string(108, 'n')));
}
