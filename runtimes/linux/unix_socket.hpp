#pragma once

#include "messages/error.hpp"
#include "runtimes/linux/unique_fd.hpp"

#include <string>
#include <string_view>
#include <utility>

/// Unix sockets of type SOCK_SEQPACKET: connections that keep the boundaries of packets. All
/// descriptors are non-blocking. All errors are `system_error`.
namespace berth {

/// Two ends of one connection, the second one for a child process.
Result<std::pair<UniqueFd, UniqueFd>> seqpacket_pair();

/// Listens on a socket file `name` in a held directory, whose path may thus be longer than the 107
/// bytes that a socket address has room for. Only the owner may connect. A stale file of this name
/// is replaced.
Result<UniqueFd> seqpacket_listen(const UniqueFd& directory, const std::string& name);

Result<UniqueFd> seqpacket_connect(const UniqueFd& directory, const std::string& name);

/// The process that listens at the other end of a connection that was made by `seqpacket_connect`; 0 if that cannot be told.
int peer_pid(const UniqueFd& socket);

/// Takes one waiting connection; an empty descriptor if there is none.
Result<UniqueFd> seqpacket_accept(const UniqueFd& listener);

/// Sends one packet, all or nothing. Fails as well when the peer's queue is full or the peer is
/// gone.
Result<void> send_packet(const UniqueFd& socket, std::string_view bytes);

struct ReceivedPacket {
  enum class Kind { packet, nothing_yet, closed };
  Kind kind = Kind::nothing_yet;
  std::string bytes;
};

/// Takes one packet without waiting. A packet that is longer than `limit` is an error, never cut;
/// the connection is of no use afterwards.
Result<ReceivedPacket> receive_packet(const UniqueFd& socket, size_t limit);

} // namespace berth
