#include "apps/berthd/http_metrics.hpp"

#include "apps/berthd/routes.hpp"

#include <algorithm>

namespace berth {

HttpMetrics::HttpMetrics(metrics::Registry& registry) {
  auto& requests = registry.counters("berth_http_requests_total", "Requests to the API by route and class of the answer's status.",
                                     {"route", "method", "status"});
  auto& durations = registry.histograms("berth_http_request_duration_seconds",
                                        "Time of requests to the API until the end of the answer, which streams have late.",
                                        {"route", "method"}, metrics::long_bounds());
  auto add = [&](const std::string& path, const std::string& method) {
    auto& route = routes_.emplace_back();
    route.duration = &durations.with({path, method});
    for (auto digit : {2, 4, 5})
      route.statuses[static_cast<size_t>(digit)] = &requests.with({path, method, std::to_string(digit) + "xx"});
  };
  for (const auto& route : routes)
    add(std::string{route.path}, std::string{route.method});
  add("none", "any");
}

void HttpMetrics::count(size_t route, int status, std::chrono::nanoseconds took) const {
  const auto& counted = routes_[std::min(route, routes_.size() - 1)];
  auto digit = static_cast<size_t>(std::clamp(status / 100, 0, 5));
  if (counted.statuses[digit] != nullptr)
    counted.statuses[digit]->add();
  counted.duration->observe(took);
}

} // namespace berth
