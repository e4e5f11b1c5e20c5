#include "actors/policy/pool_limits.hpp"

#include "tests/support/catch.hpp"

using namespace berth;

namespace {

constexpr uint64_t mib = 1024 * 1024;

PoolSettings pool_with(LimitRange memory, LimitRange cpu = {}, LimitRange pids = {}) {
  auto pool = PoolSettings{};
  pool.name = {"web"};
  pool.memory.value = memory;
  pool.cpu.value = cpu;
  pool.pids.value = pids;
  return pool;
}

} // namespace

TEST_CASE("a limit is what was asked for, else the pool's default, else its ceiling") {
  struct Row {
    const char* what;
    uint64_t asked;
    LimitRange range;
    uint64_t granted;
  };
  auto row = GENERATE(values<Row>({
    {"nothing asked, nothing set", 0, {0, 0}, 0},
    {"asked, nothing set", 64 * mib, {0, 0}, 64 * mib},
    {"nothing asked, a default", 0, {32 * mib, 0}, 32 * mib},
    {"nothing asked, a ceiling", 0, {0, 128 * mib}, 128 * mib},
    {"nothing asked, both", 0, {32 * mib, 128 * mib}, 32 * mib},
    {"nothing asked, a default above the ceiling", 0, {256 * mib, 128 * mib}, 128 * mib},
    {"asked less than the default", 16 * mib, {32 * mib, 128 * mib}, 16 * mib},
    {"asked more than the default", 64 * mib, {32 * mib, 128 * mib}, 64 * mib},
    {"asked just the ceiling", 128 * mib, {32 * mib, 128 * mib}, 128 * mib},
    {"asked more than the default, no ceiling", 1024 * mib, {32 * mib, 0}, 1024 * mib},
  }));
  INFO(row.what);
  auto pool = pool_with(row.range, row.range, row.range);
  auto limits = apply_pool_limits({row.asked, row.asked, row.asked}, pool);
  REQUIRE(limits);
  CHECK(limits->memory_bytes == row.granted);
  CHECK(limits->cpu_millis == row.granted);
  CHECK(limits->pids == row.granted);
}

TEST_CASE("the three limits of a launch do not touch each other") {
  auto limits = apply_pool_limits({0, 500, 0}, pool_with({64 * mib, 0}, {1000, 2000}, {0, 100}));
  REQUIRE(limits);
  CHECK((*limits == Limits{64 * mib, 500, 100}));
}

TEST_CASE("more than the ceiling is refused with both numbers and the key to change") {
  struct Row {
    Limits asked;
    const char* message;
  };
  auto row = GENERATE(values<Row>({
    {{512 * mib, 0, 0},
     "limit_exceeded: memory limit 512.0 MiB: pool \"web\" gives a container at most 256.0 MiB "
     "(ask for less, or raise the ceiling of `pools.web.memory`)"},
    {{0, 2500, 0},
     "limit_exceeded: cpu limit 2.5 CPUs: pool \"web\" gives a container at most 2 CPUs "
     "(ask for less, or raise the ceiling of `pools.web.cpu`)"},
    {{0, 0, 101},
     "limit_exceeded: pids limit 101: pool \"web\" gives a container at most 100 "
     "(ask for less, or raise the ceiling of `pools.web.pids`)"},
  }));
  auto limits =
    apply_pool_limits(row.asked, pool_with({64 * mib, 256 * mib}, {1000, 2000}, {50, 100}));
  REQUIRE_FALSE(limits);
  CHECK(render(limits.error()) == row.message);
}
