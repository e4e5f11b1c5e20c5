#include "actors/policy/lost_launches.hpp"

namespace berth {

namespace {

/// Launches that need runc whatever the pool is configured with.
bool takes_overrides(const PoolSettings& pool) {
  return pool.runtime.value == RuntimeKind::runc || pool.overrides.value == OverridePolicy::allow;
}

} // namespace

std::vector<Error> lost_launches(const PoolName& pool, const PoolSettings* now, const PoolSettings* next, uint64_t queued) {
  auto result = std::vector<Error>{};
  auto subject = "pool \"" + pool.value + "\"";
  if (now == nullptr)
    return result;
  if (next == nullptr) {
    result.push_back({ec::unknown_pool, subject,
                      "all launches" + (queued == 0 ? std::string{} : ", and the " + std::to_string(queued) + " that wait in its queue"),
                      "launch in another pool"});
    return result;
  }
  if (takes_overrides(*now) && !takes_overrides(*next))
    result.push_back({ec::override_denied, subject, "launches that need runc (GPU, checkpoint)",
                      "send them to a pool of runc, or set `overrides: allow`"});
  auto lower = [&](const char* what, uint64_t before, uint64_t after) {
    if (after != 0 && (before == 0 || after < before))
      result.push_back({ec::limit_exceeded, subject,
                        std::string{"launches that ask for more "} + what + " than the new ceiling", "ask for less"});
  };
  lower("memory", now->memory.value.ceiling, next->memory.value.ceiling);
  lower("CPU", now->cpu.value.ceiling, next->cpu.value.ceiling);
  lower("processes", now->pids.value.ceiling, next->pids.value.ceiling);
  return result;
}

} // namespace berth
