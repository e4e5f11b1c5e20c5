#include "actors/policy/restarts.hpp"

#include <algorithm>

namespace berth {

RestartHistory after_death(RestartHistory history, std::chrono::milliseconds lived, const RestartLimits& limits) {
  history.in_a_row = lived >= limits.quiet ? 1 : history.in_a_row + 1;
  ++history.total;
  return history;
}

std::chrono::milliseconds restart_pause(const RestartHistory& history, const RestartLimits& limits) {
  if (history.in_a_row <= limits.at_once)
    return std::chrono::milliseconds{0};
  auto pause = limits.first_pause;
  for (auto i = history.in_a_row - limits.at_once; i > 1 && pause < limits.longest_pause; --i)
    pause *= 2;
  return std::min(pause, limits.longest_pause);
}

} // namespace berth
