#pragma once

#include <functional>
#include <vector>

namespace berth::test {

/// What shall happen when all test cases have run; false makes the whole run a failure.
inline std::vector<std::function<bool()>>& after_run() {
  static auto actions = std::vector<std::function<bool()>>{};
  return actions;
}

} // namespace berth::test
