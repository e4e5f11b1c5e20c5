#pragma once

#include "actors/metrics.hpp"

#include <array>
#include <vector>

namespace berth {

/// Counts the requests to the API by its routes.
class HttpMetrics {
public:
  explicit HttpMetrics(metrics::Registry& registry);

  /// A request was answered. `route` is its index in `routes`, or their number if there is none for it; `status` is that of the
  /// answer.
  void count(size_t route, int status, std::chrono::nanoseconds took) const;

private:
  struct OfRoute {
    /// By the first digit of the status.
    std::array<metrics::Counter*, 6> statuses{};
    metrics::Histogram* duration = nullptr;
  };

  std::vector<OfRoute> routes_;
};

} // namespace berth
