#pragma once

#include "runtimes/linux/unique_fd.hpp"

#include <chrono>
#include <cstdint>
#include <initializer_list>
#include <span>

namespace berth {

/// What makes a descriptor ready. One whose other side has gone is always ready.
enum class Interest : uint8_t { readable, writable, hangup };

struct WaitItem {
  /// Null or empty: never ready.
  const UniqueFd* fd = nullptr;
  Interest interest = Interest::readable;
};

/// A time limit that never comes.
constexpr auto wait_forever = std::chrono::milliseconds{-1};

/// Most items of one wait.
constexpr size_t wait_limit = 8;

/// Blocks until one of the descriptors is ready or the time is over. The result has one bit for
/// each item, the lowest for the first; 0 means timeout. A half-closed socket (the peer has only
/// ended its sending) is not hung up.
uint32_t wait_any(std::span<const WaitItem> items, std::chrono::milliseconds timeout) noexcept;

inline uint32_t wait_any(std::initializer_list<WaitItem> items,
                         std::chrono::milliseconds timeout) noexcept {
  return wait_any(std::span{items.begin(), items.size()}, timeout);
}

} // namespace berth
