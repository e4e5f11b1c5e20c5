#include "actors/policy/pool_limits.hpp"

#include "actors/policy/explain_exit.hpp"

#include <algorithm>
#include <cstdio>

namespace berth {

namespace {

uint64_t standard_of(const LimitRange& range) {
  if (range.ceiling == 0)
    return range.standard;
  return range.standard == 0 ? range.ceiling : std::min(range.standard, range.ceiling);
}

std::string cpus(uint64_t millis) {
  char text[32];
  std::snprintf(text, sizeof(text), "%g CPUs", static_cast<double>(millis) / 1000);
  return text;
}

Error exceeded(const PoolSettings& pool, const std::string& key, const std::string& asked,
               const std::string& most) {
  return {ec::limit_exceeded, key + " limit " + asked,
          "pool \"" + pool.name.value + "\" gives a container at most " + most,
          "ask for less, or raise the ceiling of `pools." + pool.name.value + "." + key + "`"};
}

} // namespace

Result<Limits> apply_pool_limits(const Limits& asked, const PoolSettings& pool) {
  auto is_above = [](uint64_t value, const LimitRange& range) {
    return range.ceiling > 0 && value > range.ceiling;
  };
  auto& memory = pool.memory.value;
  auto& cpu = pool.cpu.value;
  auto& pids = pool.pids.value;
  if (is_above(asked.memory_bytes, memory))
    return failure(
        exceeded(pool, "memory", human_bytes(asked.memory_bytes), human_bytes(memory.ceiling)));
  if (is_above(asked.cpu_millis, cpu))
    return failure(exceeded(pool, "cpu", cpus(asked.cpu_millis), cpus(cpu.ceiling)));
  if (is_above(asked.pids, pids))
    return failure(
        exceeded(pool, "pids", std::to_string(asked.pids), std::to_string(pids.ceiling)));
  auto result = asked;
  if (result.memory_bytes == 0)
    result.memory_bytes = standard_of(memory);
  if (result.cpu_millis == 0)
    result.cpu_millis = standard_of(cpu);
  if (result.pids == 0)
    result.pids = standard_of(pids);
  return result;
}

} // namespace berth
