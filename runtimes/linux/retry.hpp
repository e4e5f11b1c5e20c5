#pragma once

#include <cerrno>

namespace berth {

/// Repeats a system call for as long as a signal interrupts it, and returns its result.
template <class Call>
auto retry(Call call) {
  auto result = call();
  while (result < 0 && errno == EINTR)
    result = call();
  return result;
}

} // namespace berth
