#include "runtimes/linux/unix_socket.hpp"

#include "runtimes/linux/retry.hpp"
#include "runtimes/linux/sys_error.hpp"

#include <cstring>

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

namespace berth {

namespace {

constexpr auto socket_type = SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK;
/// The daemon is the only one who connects.
constexpr int backlog = 8;

Result<sockaddr_un> address_of(const UniqueFd& directory, const std::string& name) {
  auto path = "/proc/self/fd/" + std::to_string(directory.get()) + "/" + name;
  auto address = sockaddr_un{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof(address.sun_path))
    return failure(ec::system_error, "socket " + name, "name too long for a socket address");
  std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
  return address;
}

const sockaddr* generic(const sockaddr_un& address) {
  return reinterpret_cast<const sockaddr*>(&address);
}

} // namespace

Result<std::pair<UniqueFd, UniqueFd>> seqpacket_pair() {
  int ends[2];
  if (::socketpair(AF_UNIX, socket_type, 0, ends) != 0)
    return failure(sys_error("socketpair"));
  return std::pair{UniqueFd{ends[0]}, UniqueFd{ends[1]}};
}

Result<UniqueFd> seqpacket_listen(const UniqueFd& directory, const std::string& name) {
  auto address = address_of(directory, name);
  if (!address)
    return failure(std::move(address.error()));
  auto socket = UniqueFd{::socket(AF_UNIX, socket_type, 0)};
  if (!socket)
    return failure(sys_error("socket", name));
  // The file takes over the mode of the unbound socket, so there is no moment in which others could
  // connect.
  if (::fchmod(socket.get(), 0600) != 0)
    return failure(sys_error("fchmod", name));
  if (::unlinkat(directory.get(), name.c_str(), 0) != 0 && errno != ENOENT)
    return failure(sys_error("unlink", name));
  if (::bind(socket.get(), generic(*address), sizeof(*address)) != 0)
    return failure(sys_error("bind", name));
  if (::listen(socket.get(), backlog) != 0)
    return failure(sys_error("listen", name));
  return socket;
}

Result<UniqueFd> seqpacket_connect(const UniqueFd& directory, const std::string& name) {
  auto address = address_of(directory, name);
  if (!address)
    return failure(std::move(address.error()));
  auto socket = UniqueFd{::socket(AF_UNIX, socket_type, 0)};
  if (!socket)
    return failure(sys_error("socket", name));
  // On Unix sockets a non-blocking connect succeeds or fails at once; it is never "in progress".
  if (retry([&] { return ::connect(socket.get(), generic(*address), sizeof(*address)); }) != 0)
    return failure(sys_error("connect", name));
  return socket;
}

int peer_pid(const UniqueFd& socket) {
  auto peer = ucred{};
  auto size = socklen_t{sizeof(peer)};
  return ::getsockopt(socket.get(), SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0 ? peer.pid : 0;
}

Result<UniqueFd> seqpacket_accept(const UniqueFd& listener) {
  auto socket = UniqueFd{retry(
      [&] { return ::accept4(listener.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK); })};
  if (!socket && errno != EAGAIN && errno != ECONNABORTED)
    return failure(sys_error("accept4"));
  return socket;
}

Result<void> send_packet(const UniqueFd& socket, std::string_view bytes) {
  auto sent = retry([&] {
    return ::send(socket.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
  });
  if (sent < 0)
    return failure(sys_error("send"));
  return {};
}

Result<ReceivedPacket> receive_packet(const UniqueFd& socket, size_t limit) {
  // MSG_TRUNC makes the call return the real length of the packet at the head of the queue.
  auto length =
      retry([&] { return ::recv(socket.get(), nullptr, 0, MSG_PEEK | MSG_TRUNC | MSG_DONTWAIT); });
  if (length < 0 && errno == EAGAIN)
    return ReceivedPacket{};
  // A peer that closes with unread packets in its own queue: for us it is simply gone.
  if (length == 0 || (length < 0 && errno == ECONNRESET))
    return ReceivedPacket{ReceivedPacket::Kind::closed, {}};
  if (length < 0)
    return failure(sys_error("recv"));
  if (static_cast<size_t>(length) > limit)
    return failure(ec::system_error, "recv",
                   "packet of " + std::to_string(length) + " bytes is too long");
  auto result =
      ReceivedPacket{ReceivedPacket::Kind::packet, std::string(static_cast<size_t>(length), '\0')};
  length = retry(
      [&] { return ::recv(socket.get(), result.bytes.data(), result.bytes.size(), MSG_DONTWAIT); });
  if (length < 0)
    return failure(sys_error("recv"));
  result.bytes.resize(static_cast<size_t>(length));
  return result;
}

} // namespace berth
