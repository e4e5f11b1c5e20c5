#include "actors/policy/objection_to.hpp"

#include "tests/support/catch.hpp"

#include <optional>

using namespace berth;

TEST_CASE("a change is refused that leaves a pool unable to serve, or with less isolation unasked", "[policy]") {
  struct Row {
    std::optional<PoolState> now;
    PoolState next;
    bool allow_fallback;
    const char* wanted;
  };
  auto row = GENERATE(Row{PoolState::ready, PoolState::ready, false, ""}, Row{{}, PoolState::ready, true, ""},
                      Row{PoolState::ready, PoolState::degraded, false, "--allow-fallback"},
                      Row{{}, PoolState::degraded, false, "--allow-fallback"},
                      Row{PoolState::ready, PoolState::degraded, true, ""},
                      Row{PoolState::ready, PoolState::unavailable, false, "give the pool another one"},
                      Row{{}, PoolState::unavailable, true, "give the pool another one"},
                      // What stands as badly already may change in other ways, but refusing all was not less isolation.
                      Row{PoolState::degraded, PoolState::degraded, false, ""},
                      Row{PoolState::unavailable, PoolState::unavailable, false, ""},
                      Row{PoolState::unavailable, PoolState::degraded, false, "--allow-fallback"});
  auto error = objection_to({"web"}, row.now, row.next, "no runsc", row.allow_fallback);
  INFO(to_string(row.next) << " " << row.allow_fallback);
  CHECK(error.has_value() == !std::string{row.wanted}.empty());
  if (error) {
    CHECK(error->code == ec::pool_unavailable);
    CHECK(error->subject == "pool \"web\"");
    CHECK(error->reason.ends_with(": no runsc"));
    CHECK(error->next.find(row.wanted) != std::string::npos);
  }
}
