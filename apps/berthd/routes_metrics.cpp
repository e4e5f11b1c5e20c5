#include "actors/log.hpp"
#include "apps/berthd/metrics_answer.hpp"
#include "apps/berthd/routes.hpp"
#include "config/listen_address.hpp"

namespace berth {

namespace {

/// How long NODE may take, and then the pools: a scrape is worth more than the pool that holds it up.
constexpr auto pool_patience = std::chrono::milliseconds{2000};

/// Monitoring systems are few. Whoever comes over the network gets no more than these, and no time to hold them.
constexpr size_t most_scrapers = 16;
constexpr auto scraper_patience = HttpPatience{.idle = std::chrono::milliseconds{60'000},
                                               .head = std::chrono::milliseconds{5'000},
                                               .body = std::chrono::milliseconds{1'000},
                                               .stall = std::chrono::milliseconds{10'000}};

metrics::Family gauge(const char* name, const char* help) {
  return {name, help, metrics::Type::gauge, {}};
}

} // namespace

std::vector<metrics::Family> pool_metrics(const PoolAnswers& pools) {
  auto answers = gauge("berth_pool_answers", "Whether the pool has told how it stands: 0 leaves its other gauges out.");
  auto running = gauge("berth_pool_running_containers", "Containers that run.");
  auto starting = gauge("berth_pool_starting_containers", "Containers on their way up.");
  auto queued = gauge("berth_pool_queued_launches", "Launches that wait for a place.");
  auto limit = gauge("berth_pool_max_containers", "Containers that the pool may have at once; 0 is no limit.");
  auto generation = gauge("berth_pool_generation", "Number of the settings that launches of the pool get.");
  auto state = gauge("berth_pool_state", "1 for the state in which the pool is, 0 for all others.");
  auto draining = gauge("berth_pool_draining_generations", "Older settings that containers of the pool still have.");
  for (const auto& [name, info] : pools) {
    auto pool = metrics::Labels{{"pool", name.value}};
    answers.samples.push_back({pool, info ? 1.0 : 0.0});
    if (!info)
      continue;
    auto add = [&](metrics::Family& family, auto value) { family.samples.push_back({pool, static_cast<double>(value)}); };
    add(running, info->running);
    add(starting, info->starting);
    add(queued, info->queued);
    add(limit, info->max_containers);
    add(generation, info->generation);
    add(draining, info->draining.size());
    for (auto one : {PoolState::preparing, PoolState::ready, PoolState::degraded, PoolState::unavailable, PoolState::retired,
                     PoolState::restarting}) {
      auto labels = pool;
      labels.emplace_back("state", to_string(one));
      state.samples.push_back({std::move(labels), one == info->state ? 1.0 : 0.0});
    }
  }
  return {answers, running, starting, queued, limit, generation, state, draining};
}

Result<void> get_metrics(Call& call) {
  auto families = call.api.metrics->registry().gather();
  // A node that does not answer leaves out what only its pools know.
  if (auto pools = call.node.ask_pools(pool_patience))
    for (auto& family : pool_metrics(*pools))
      families.push_back(std::move(family));
  return call.reply.send(200, metrics::text_type, metrics::render(families), {{"Cache-Control", "no-store"}});
}

void answer_scrape(const ApiContext& api, SocketStream& client, const HttpRequest& request, HttpReply& reply) {
  auto refuse = [&](int status, const char* reason, HttpFields extra) {
    (void) reply.send(status, "application/json",
                      to_wire(Error{ec::bad_request, "HTTP request", reason, "GET /metrics is all that is served here"}),
                      std::move(extra));
  };
  if (request.path != std::vector<std::string>{"metrics"})
    return refuse(404, "there is nothing at this path", {});
  if (request.method != "GET")
    return refuse(405, "this path takes no other method than GET", {{"Allow", "GET"}});
  answer_request(api, client, request, reply);
}

Result<std::unique_ptr<HttpServer>> serve_metrics(const std::string& listen, const ApiContext& api) {
  auto address = parse_listen_address(listen);
  if (!address)
    return failure(std::move(address.error()));
  auto server = HttpServer::start({.api = api,
                                   .max_connections = most_scrapers,
                                   .patience = scraper_patience,
                                   .address = *address,
                                   .answer = answer_scrape,
                                   .body_limit = [](const HttpRequest&) { return size_t{0}; }});
  if (server)
    log::info("metrics are served", {{"address", address->host}, {"port", std::to_string((*server)->port())}});
  return server;
}

} // namespace berth
