#pragma once

#include "runtimes/linux/unique_fd.hpp"

#include <algorithm>
#include <chrono>
#include <vector>

#include <poll.h>

namespace berth {

using Clock = std::chrono::steady_clock;

/// The descriptors that one round of the monitor's loop waits for; filled anew for each round.
class PollSet {
public:
  void clear() {
    watched_.clear();
  }

  void add(const UniqueFd& fd) {
    if (fd)
      watched_.push_back({fd.get(), POLLIN, 0});
  }

  /// Returns when a descriptor is readable or hung up, at `until`, or when a signal came.
  void wait(Clock::time_point until) {
    constexpr auto longest = std::chrono::milliseconds{60'000};
    auto left = until - Clock::now();
    auto timeout = left > longest ? longest : std::chrono::ceil<std::chrono::milliseconds>(left);
    if (::poll(watched_.data(), watched_.size(),
               static_cast<int>(std::max<int64_t>(timeout.count(), 0)))
        < 0)
      for (auto& entry : watched_)
        entry.revents = 0;
  }

  bool ready(const UniqueFd& fd) const {
    return std::any_of(watched_.begin(), watched_.end(), [&](const pollfd& entry) {
      return entry.fd == fd.get() && entry.revents != 0;
    });
  }

private:
  std::vector<pollfd> watched_;
};

} // namespace berth
