#include "actors/policy/lost_launches.hpp"

#include "tests/support/catch.hpp"

using namespace berth;

namespace {

PoolSettings pool_of(RuntimeKind runtime, OverridePolicy overrides, uint64_t memory_ceiling = 0) {
  auto result = PoolSettings{};
  result.runtime.value = runtime;
  result.overrides.value = overrides;
  result.memory.value.ceiling = memory_ceiling;
  return result;
}

} // namespace

TEST_CASE("a plan names the launches that a change would refuse", "[policy]") {
  // The generated rows outlive a run of the case, and so must what they point to.
  static const auto runc = pool_of(RuntimeKind::runc, OverridePolicy::deny);
  static const auto open = pool_of(RuntimeKind::gvisor, OverridePolicy::allow);
  static const auto closed = pool_of(RuntimeKind::gvisor, OverridePolicy::deny);
  static const auto small = pool_of(RuntimeKind::runc, OverridePolicy::deny, 64);
  static const auto large = pool_of(RuntimeKind::runc, OverridePolicy::deny, 128);
  struct Row {
    const PoolSettings* now;
    const PoolSettings* next;
    uint64_t queued;
    const char* code;
    const char* what;
  };
  auto row = GENERATE(
      Row{nullptr, &closed, 0, "", ""}, Row{&runc, &open, 0, "", ""},
      Row{&closed, &open, 0, "", ""},
      Row{&open, &closed, 0, "override_denied", "launches that need runc (GPU, checkpoint)"},
      Row{&runc, &closed, 0, "override_denied", "launches that need runc (GPU, checkpoint)"},
      Row{&closed, &closed, 3, "", ""}, Row{&small, &large, 0, "", ""},
      Row{&small, &runc, 0, "", ""},
      Row{&large, &small, 0, "limit_exceeded",
          "launches that ask for more memory than the new ceiling"},
      Row{&runc, &small, 0, "limit_exceeded",
          "launches that ask for more memory than the new ceiling"},
      Row{&runc, nullptr, 0, "unknown_pool", "all launches"},
      Row{&runc, nullptr, 3, "unknown_pool", "all launches, and the 3 that wait in its queue"});
  auto lost = lost_launches({"web"}, row.now, row.next, row.queued);
  INFO(row.what);
  REQUIRE(lost.size() == (*row.code == 0 ? 0 : 1));
  for (const auto& error : lost) {
    CHECK(to_string(error.code) == std::string{row.code});
    CHECK(error.reason == row.what);
  }
}
