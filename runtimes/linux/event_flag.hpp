#pragma once

#include "messages/error.hpp"
#include "runtimes/linux/unique_fd.hpp"

namespace berth {

/// A flag that threads can wait for together with other descriptors: once raised, it stays
/// readable.
class EventFlag {
public:
  static Result<EventFlag> make();

  /// May be called from any thread, and more than once.
  void raise() const noexcept;

  bool raised() const noexcept;

  /// Readable as soon as the flag is raised. For waiting only.
  const UniqueFd& fd() const noexcept {
    return fd_;
  }

private:
  explicit EventFlag(UniqueFd fd) : fd_(std::move(fd)) {
    // nop
  }

  UniqueFd fd_;
};

} // namespace berth
