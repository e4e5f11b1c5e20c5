#pragma once

#include "messages/error.hpp"

namespace berth {

/// Where a TCP server listens.
struct ListenAddress {
  /// IPv4 ("127.0.0.1") or IPv6 ("::1").
  std::string host;
  /// 0: the kernel picks one.
  uint16_t port = 0;

  friend bool operator==(const ListenAddress&, const ListenAddress&) = default;
};

/// Reads "127.0.0.1:9477" or "[::1]:9477". Names are not looked up: they could mean something else at the next start. Fails with
/// `bad_request`.
Result<ListenAddress> parse_listen_address(std::string_view text);

} // namespace berth
