#pragma once

#include <chrono>
#include <cstdint>

namespace berth {

/// How fast actors that die again and again are started again.
struct RestartLimits {
  /// So many deaths in a row cost no time: whatever caused them, the next message may be another one.
  uint32_t at_once = 5;
  /// The pause after the first death beyond that; each further one doubles it.
  std::chrono::milliseconds first_pause{100};
  std::chrono::milliseconds longest_pause{30'000};
  /// An actor that has lived for so long has no past.
  std::chrono::milliseconds quiet{60'000};
};

/// The deaths of one actor and of those that came in its place.
struct RestartHistory {
  /// Without a quiet time between them.
  uint32_t in_a_row = 0;
  uint64_t total = 0;

  friend bool operator==(const RestartHistory&, const RestartHistory&) = default;
};

/// The history with one death more, of an actor that has lived for so long.
RestartHistory after_death(RestartHistory history, std::chrono::milliseconds lived, const RestartLimits& limits);

/// How long to wait with the next one. Pure exponential back-off: the number of actors that restart together is small, so
/// there is nothing to be spread by chance.
std::chrono::milliseconds restart_pause(const RestartHistory& history, const RestartLimits& limits);

} // namespace berth
