#pragma once

#include "config/listen_address.hpp"
#include "runtimes/linux/unique_fd.hpp"

namespace berth {

/// A listening TCP socket.
class TcpListener {
public:
  /// Fails with `system_error` if the address is not one of this host, or is taken.
  static Result<TcpListener> bind(const ListenAddress& address);

  /// The next waiting connection. Fails with `system_error` if there is none, or no descriptor is left for it.
  Result<UniqueFd> accept() const;

  /// Readable while a connection waits. For waiting only.
  const UniqueFd& fd() const noexcept {
    return fd_;
  }

  /// The one that the kernel has picked, if none was asked for.
  uint16_t port() const noexcept {
    return port_;
  }

private:
  TcpListener(UniqueFd fd, uint16_t port) : fd_(std::move(fd)), port_(port) {
    // nop
  }

  UniqueFd fd_;
  uint16_t port_ = 0;
};

} // namespace berth
