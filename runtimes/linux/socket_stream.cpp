#include "runtimes/linux/socket_stream.hpp"

#include "runtimes/linux/retry.hpp"
#include "runtimes/linux/sys_error.hpp"

#include <algorithm>
#include <vector>

#include <sys/socket.h>

namespace berth {

Result<void> SocketStream::wait(Interest interest, std::chrono::milliseconds timeout) {
  auto ready = wait_any({{&fd_, interest}, {&stop_.fd(), Interest::readable}}, timeout);
  if (ready & 2)
    return failure(ec::shutting_down, "connection", "the server stops");
  if (ready == 0)
    return failure(ec::deadline_exceeded, "connection", "the peer does nothing");
  return {};
}

Result<size_t> SocketStream::read(std::string& buffer, size_t max, Clock::time_point deadline) {
  auto old_size = buffer.size();
  buffer.resize(old_size + max);
  auto receive = [&] {
    return ::recv(fd_.get(), buffer.data() + old_size, max, 0);
  };
  auto n = retry(receive);
  while (n < 0 && errno == EAGAIN) {
    auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - Clock::now());
    if (auto ok = wait(Interest::readable, std::max(left, std::chrono::milliseconds{0})); !ok) {
      buffer.resize(old_size);
      return failure(std::move(ok.error()));
    }
    n = retry(receive);
  }
  auto error = n < 0 ? sys_error("recv") : Error{};
  buffer.resize(old_size + static_cast<size_t>(std::max<ssize_t>(n, 0)));
  if (n < 0)
    return failure(std::move(error));
  return static_cast<size_t>(n);
}

Result<void> SocketStream::write(std::string_view data, std::chrono::milliseconds stall) {
  while (!data.empty()) {
    auto n = retry([&] { return ::send(fd_.get(), data.data(), data.size(), MSG_NOSIGNAL); });
    if (n >= 0)
      data.remove_prefix(static_cast<size_t>(n));
    else if (errno != EAGAIN)
      return failure(sys_error("send"));
    else if (auto ok = wait(Interest::writable, stall); !ok)
      return ok;
  }
  return {};
}

Result<uint32_t> SocketStream::wait_beside(std::initializer_list<const UniqueFd*> fds,
                                           std::chrono::milliseconds timeout) const {
  auto items = std::vector<WaitItem>{{&stop_.fd(), Interest::readable}, {&fd_, Interest::hangup}};
  for (auto fd : fds)
    items.push_back({fd, Interest::readable});
  auto ready = wait_any(items, timeout);
  if (ready & 1)
    return failure(ec::shutting_down, "request", "berthd stops",
                   "what was asked for may still happen: look again when it is back");
  if (ready & 2)
    return failure(ec::shutting_down, "request", "the client has gone");
  return ready >> 2;
}

void SocketStream::end() noexcept {
  ::shutdown(fd_.get(), SHUT_WR);
}

} // namespace berth
