#pragma once

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <stdexcept>
#include <string>
#include <vector>

namespace berth::test {

/// What has been measured many times, in milliseconds.
struct Series {
  std::vector<double> values;

  double at(double quantile) {
    std::sort(values.begin(), values.end());
    return values.empty() ? 0 : values[static_cast<size_t>(quantile * static_cast<double>(values.size() - 1))];
  }

  void print(const std::string& name) {
    std::printf("%-52s n=%-5zu min %7.2f  median %7.2f  p90 %7.2f  p99 %7.2f  max %7.2f ms\n", name.c_str(), values.size(),
                at(0), at(0.5), at(0.9), at(0.99), at(1));
  }
};

inline double ms_between(std::chrono::steady_clock::time_point begin, std::chrono::steady_clock::time_point end) {
  return std::chrono::duration<double, std::milli>(end - begin).count();
}

/// Ends the measurement if something does not work at all.
inline void must(bool condition, const std::string& what) {
  if (!condition)
    throw std::runtime_error{what};
}

} // namespace berth::test
