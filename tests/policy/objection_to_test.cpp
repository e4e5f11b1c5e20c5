#include "actors/policy/objection_to.hpp"

#include "tests/support/catch.hpp"

using namespace berth;

TEST_CASE("a change is refused that leaves a pool unable to serve, or with less isolation unasked", "[policy]") {
  struct Row {
    PoolState next;
    bool allow_fallback;
    const char* wanted;
  };
  auto row = GENERATE(Row{PoolState::ready, false, ""}, Row{PoolState::ready, true, ""},
                      Row{PoolState::degraded, false, "--allow-fallback"}, Row{PoolState::degraded, true, ""},
                      Row{PoolState::unavailable, false, "give the pool another one"},
                      Row{PoolState::unavailable, true, "give the pool another one"});
  auto error = objection_to({"web"}, row.next, "no runsc", row.allow_fallback);
  INFO(to_string(row.next) << " " << row.allow_fallback);
  CHECK(error.has_value() == !std::string{row.wanted}.empty());
  if (error) {
    CHECK(error->code == ec::pool_unavailable);
    CHECK(error->subject == "pool \"web\"");
    CHECK(error->reason.ends_with(": no runsc"));
    CHECK(error->next.find(row.wanted) != std::string::npos);
  }
}
