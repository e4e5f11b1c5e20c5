#pragma once

#include "messages/error.hpp"
#include "runtimes/linux/event_flag.hpp"

#include <chrono>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>

namespace berth {

/// Where an actor's answer is put for a thread that waits for it.
template <class Reply>
struct ReplySlot {
  explicit ReplySlot(EventFlag flag) : ready(std::move(flag)) {
    // nop
  }

  void put(Result<Reply> what) {
    {
      auto guard = std::lock_guard{mutex};
      reply = std::move(what);
      put_at = std::chrono::steady_clock::now();
    }
    ready.raise();
  }

  EventFlag ready;
  std::mutex mutex;
  std::optional<Result<Reply>> reply;
  std::chrono::steady_clock::time_point put_at;
};

/// An answer that somebody owes us. Unlike a blocking request it can be waited for together with
/// other descriptors, and be given up: whoever drops it is not interested any more.
template <class Reply>
class Pending {
public:
  Pending(std::shared_ptr<ReplySlot<Reply>> slot, std::function<void()> abandon)
      : slot_(std::move(slot)), abandon_(std::move(abandon)) {
    // nop
  }

  Pending(Pending&&) noexcept = default;

  Pending& operator=(Pending&& other) noexcept {
    std::swap(slot_, other.slot_);
    std::swap(abandon_, other.abandon_);
    return *this;
  }

  ~Pending() {
    if (slot_ && !slot_->ready.raised())
      abandon_();
  }

  /// Readable once the answer is there. For waiting only.
  const UniqueFd& fd() const noexcept {
    return slot_->ready.fd();
  }

  /// When it was there; only once it is.
  std::chrono::steady_clock::time_point put_at() const {
    auto guard = std::lock_guard{slot_->mutex};
    return slot_->put_at;
  }

  /// The answer; only once it is there.
  Result<Reply> take() {
    auto guard = std::lock_guard{slot_->mutex};
    return std::move(*slot_->reply);
  }

private:
  std::shared_ptr<ReplySlot<Reply>> slot_;
  std::function<void()> abandon_;
};

} // namespace berth
