#include "runtimes/linux/process_state.hpp"

#include "tests/support/catch.hpp"

TEST_CASE("a process that is about to die is told by its status", "[runtimes]") {
  using berth::is_dying_status;
  const auto* pending = "State:\tR (running)\nSigPnd:\t0000000000000100\nShdPnd:\t0000000000000000\n";
  const auto* shared = "State:\tS (sleeping)\nSigPnd:\t0000000000000000\nShdPnd:\t0000000000000100\n";
  const auto* other = "State:\tS (sleeping)\nSigPnd:\t0000000000004000\nShdPnd:\t0000000000000000\n";
  CHECK(is_dying_status(pending));
  CHECK(is_dying_status(shared));
  CHECK(!is_dying_status(other));
  CHECK(is_dying_status("Name:\tx\nState:\tZ (zombie)\n"));
  CHECK(is_dying_status(""));
}
