#pragma once

#include <chrono>
#include <cstdlib>
#include <string>
#include <thread>

namespace berth::test {

/// How many times slower than a usual machine this one is, from BERTH_TEST_SLOWDOWN (set in the VM, which is emulated).
inline int slowdown() {
  auto text = std::getenv("BERTH_TEST_SLOWDOWN");
  auto factor = text == nullptr ? 1 : std::atoi(text);
  return factor < 1 ? 1 : factor;
}

/// A count from the environment, else `usual`, else (on a slow machine) `slow`.
inline int count_from_env(const char* name, int usual, int slow) {
  if (auto text = std::getenv(name); text != nullptr && std::atoi(text) > 0)
    return std::atoi(text);
  return slowdown() > 1 ? slow : usual;
}

/// A time limit that suits this machine: for conditions that come true at once or never.
inline std::chrono::milliseconds stretched(std::chrono::milliseconds limit) {
  return limit * slowdown();
}

/// Looks every 10 ms whether the condition holds, until `limit` (stretched on a slow machine) is over.
template <class Condition>
bool eventually(std::chrono::milliseconds limit, Condition condition) {
  constexpr auto step = std::chrono::milliseconds{10};
  auto end = std::chrono::steady_clock::now() + stretched(limit);
  while (!condition()) {
    if (std::chrono::steady_clock::now() >= end)
      return false;
    std::this_thread::sleep_for(step);
  }
  return true;
}

} // namespace berth::test
