#include "runtimes/linux/wait_any.hpp"

#include <algorithm>
#include <array>
#include <cassert>
#include <cerrno>

#include <poll.h>

namespace berth {

namespace {

short poll_events(Interest interest) {
  switch (interest) {
    case Interest::readable: return POLLIN;
    case Interest::writable: return POLLOUT;
    // POLLHUP and POLLERR are reported without being asked for.
    case Interest::hangup: return 0;
  }
  return 0;
}

int remaining(std::chrono::steady_clock::time_point deadline) {
  // Rounded up: a wait that ends early would make its caller spin through the last millisecond.
  auto left =
      std::chrono::ceil<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now());
  constexpr auto longest = std::chrono::milliseconds{std::chrono::hours{24}};
  return static_cast<int>(std::clamp(left, std::chrono::milliseconds{0}, longest).count());
}

} // namespace

uint32_t wait_any(std::span<const WaitItem> items, std::chrono::milliseconds timeout) noexcept {
  assert(items.size() <= wait_limit);
  auto polled = std::array<pollfd, wait_limit>{};
  for (size_t i = 0; i < items.size(); ++i)
    // poll(2) skips negative descriptors.
    polled[i] = {items[i].fd ? items[i].fd->get() : -1, poll_events(items[i].interest), 0};
  auto deadline = std::chrono::steady_clock::now() + timeout;
  auto forever = timeout < std::chrono::milliseconds{0};
  for (;;) {
    auto wait = forever ? -1 : remaining(deadline);
    auto ready = ::poll(polled.data(), static_cast<nfds_t>(items.size()), wait);
    if (ready > 0)
      break;
    // Out of kernel memory counts as a timeout: the caller looks around and waits again.
    if (ready < 0 && errno != EINTR)
      return 0;
    if (ready == 0 && !forever && std::chrono::steady_clock::now() >= deadline)
      return 0;
  }
  auto result = uint32_t{0};
  for (size_t i = 0; i < items.size(); ++i)
    if (polled[i].revents != 0)
      result |= uint32_t{1} << i;
  return result;
}

} // namespace berth
