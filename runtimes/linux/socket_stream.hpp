#pragma once

#include "messages/error.hpp"
#include "runtimes/linux/event_flag.hpp"
#include "runtimes/linux/wait_any.hpp"

#include <string>
#include <string_view>

namespace berth {

/// One end of a connected stream socket, for a thread that may block. Every wait has a time limit
/// and ends at once, with `shutting_down`, when the flag `stop` is raised.
class SocketStream {
public:
  using Clock = std::chrono::steady_clock;

  /// Takes a non-blocking socket. `stop` outlives the stream.
  SocketStream(UniqueFd fd, const EventFlag& stop) : fd_(std::move(fd)), stop_(stop) {
    // nop
  }

  /// Appends what is there, at least one and at most `max` bytes, to `buffer`. The result is their
  /// number; 0 means that the peer sends no more. `deadline_exceeded` if nothing comes in time.
  Result<size_t> read(std::string& buffer, size_t max, Clock::time_point deadline);

  /// Sends all of `data`. `deadline_exceeded` if the peer takes nothing for as long as `stall`;
  /// `wait_forever` leaves a slow peer all the time it wants. `system_error` if the peer has gone.
  Result<void> write(std::string_view data, std::chrono::milliseconds stall);

  /// Tells the peer that no more comes.
  void end() noexcept;

  /// The peer has closed its end, not only ended its sending.
  bool hung_up() const noexcept {
    return wait_any({{&fd_, Interest::hangup}}, std::chrono::milliseconds{0}) != 0;
  }

  /// Waits until one of these descriptors is readable or the time is over: one bit for each, 0 for
  /// timeout. Fails with `shutting_down` if the peer hangs up first. Null and empty descriptors are
  /// never readable.
  Result<uint32_t> wait_beside(std::initializer_list<const UniqueFd*> fds,
                               std::chrono::milliseconds timeout) const;

  const EventFlag& stop() const noexcept {
    return stop_;
  }

private:
  Result<void> wait(Interest interest, std::chrono::milliseconds timeout);

  UniqueFd fd_;
  const EventFlag& stop_;
};

} // namespace berth
