#pragma once

#include "apps/berthd/http_server.hpp"

namespace berth {

/// The gauges of these pools.
std::vector<metrics::Family> pool_metrics(const PoolAnswers& pools);

/// Answers `GET /metrics`, and refuses everything else: for those who come over the network.
void answer_scrape(const ApiContext& api, SocketStream& client, const HttpRequest& request, HttpReply& reply);

/// Answers scrapes there. `listen` is an address and a port. Fails if the kernel does not allow it.
Result<std::unique_ptr<HttpServer>> serve_metrics(const std::string& listen, const ApiContext& api);

} // namespace berth
