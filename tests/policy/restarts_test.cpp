#include "actors/policy/restarts.hpp"

#include "tests/support/catch.hpp"

using namespace berth;
using namespace std::chrono_literals;

TEST_CASE("an actor that dies again and again is started with growing pauses", "[policy]") {
  const auto limits = RestartLimits{};
  struct Row {
    uint32_t in_a_row;
    std::chrono::milliseconds pause;
  };
  auto row = GENERATE(Row{1, 0ms}, Row{5, 0ms}, Row{6, 100ms}, Row{7, 200ms}, Row{8, 400ms}, Row{14, 25'600ms},
                      Row{15, 30'000ms}, Row{1'000'000, 30'000ms});
  CAPTURE(row.in_a_row);
  CHECK(restart_pause({row.in_a_row, row.in_a_row}, limits) == row.pause);
}

TEST_CASE("a quiet life wipes out the deaths before it, but they stay counted", "[policy]") {
  const auto limits = RestartLimits{};
  auto history = RestartHistory{};
  for (auto i = 0; i < 7; ++i)
    history = after_death(history, 59'999ms, limits);
  CHECK(history == RestartHistory{7, 7});
  CHECK(restart_pause(history, limits) == 200ms);
  history = after_death(history, 60'000ms, limits);
  CHECK(history == RestartHistory{1, 8});
  CHECK(restart_pause(history, limits) == 0ms);
}
