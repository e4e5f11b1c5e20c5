#include "actors/policy/longest_launch.hpp"

#include "messages/pool.hpp"
#include "messages/runtime.hpp"

#include <algorithm>

namespace berth {

std::chrono::milliseconds longest_launch(const Settings& settings) {
  auto queue = std::chrono::milliseconds{0};
  for (const auto& [name, pool] : settings.pools)
    queue = std::max(queue, pool.queue.value.timeout);
  return queue + start_slot_deadline + settings.node.start_timeout.value + 2 * launch_slack;
}

} // namespace berth
