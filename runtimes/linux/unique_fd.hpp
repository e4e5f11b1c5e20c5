#pragma once

#include <utility>

namespace berth {

/// Owns one file descriptor and closes it exactly once.
class UniqueFd {
public:
  UniqueFd() = default;

  explicit UniqueFd(int fd) noexcept : fd_(fd) {
    // nop
  }

  UniqueFd(UniqueFd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {
    // nop
  }

  UniqueFd& operator=(UniqueFd&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }

  ~UniqueFd();

  int get() const noexcept {
    return fd_;
  }

  /// Gives the descriptor up; the caller closes it.
  int release() noexcept {
    return std::exchange(fd_, -1);
  }

  explicit operator bool() const noexcept {
    return fd_ >= 0;
  }

private:
  int fd_ = -1;
};

} // namespace berth
