#pragma once

#include "runtimes/linux/unique_fd.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/eventually.hpp"
#include "tests/support/temp_dir.hpp"

#include <cstddef>
#include <cstring>
#include <string>

#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>

namespace berth::test {

/// The socket of a service manager, as in NOTIFY_SOCKET.
class NotifySocket {
public:
  enum class Kind { path, abstract };

  explicit NotifySocket(Kind kind = Kind::path) : kind_(kind) {
    auto address = sockaddr_un{};
    address.sun_family = AF_UNIX;
    auto name = this->address();
    std::memcpy(address.sun_path, name.c_str(), name.size() + 1);
    if (kind == Kind::abstract)
      address.sun_path[0] = '\0';
    auto length = offsetof(sockaddr_un, sun_path) + name.size() + (kind == Kind::path ? 1 : 0);
    REQUIRE(::bind(socket_.get(), reinterpret_cast<sockaddr*>(&address), static_cast<socklen_t>(length)) == 0);
  }

  /// The value of NOTIFY_SOCKET.
  std::string address() const {
    return (kind_ == Kind::abstract ? "@" : "") + (dir_ / "notify");
  }

  /// The next message; empty if there is none until the deadline.
  std::string next(std::chrono::milliseconds limit = std::chrono::seconds{10}) {
    auto watched = pollfd{socket_.get(), POLLIN, 0};
    if (::poll(&watched, 1, static_cast<int>(stretched(limit).count())) != 1)
      return {};
    char buffer[4096];
    auto length = ::recv(socket_.get(), buffer, sizeof(buffer), MSG_DONTWAIT);
    return {buffer, static_cast<size_t>(length < 0 ? 0 : length)};
  }

  /// The next message that begins like this, whatever comes before it; empty if there is none until the deadline.
  std::string next_of(const std::string& beginning, std::chrono::milliseconds limit = std::chrono::seconds{10}) {
    for (auto message = next(limit); !message.empty(); message = next(limit))
      if (message.starts_with(beginning))
        return message;
    return {};
  }

private:
  TempDir dir_;
  Kind kind_;
  UniqueFd socket_{::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0)};
};

} // namespace berth::test
