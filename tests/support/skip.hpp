#pragma once

#include <cstdlib>
#include <iostream>
#include <string_view>

#include "tests/support/catch.hpp"

namespace berth::test {

/// Reports that a test case cannot run on this machine. In CI (`CI=true`) that is a failure: nothing may go untested
/// there without being noticed. Elsewhere the line is counted as a skipped case in the summary of tests/run.sh.
inline void report_skipped(std::string_view reason) {
  auto ci = std::getenv("CI");
  if (ci != nullptr && std::string_view{ci} == "true")
    FAIL("not to be skipped in CI: " << reason);
  std::cout << "\nSKIPPED: " << reason << std::endl;
}

} // namespace berth::test

/// Ends the test case as skipped, see `report_skipped`.
#define BERTH_SKIP(reason)                 \
  do {                                     \
    ::berth::test::report_skipped(reason); \
    return;                                \
  } while (false)
