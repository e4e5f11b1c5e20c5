#pragma once

#include "apps/berthd/api_context.hpp"
#include "config/load_settings.hpp"

#include <array>

namespace berth {

// Each of them answers one kind of request through `call.reply`. An error is told to the client by
// whoever called: as the answer, or as the last line of a stream that has begun.
Result<void> get_version(Call& call);
Result<void> get_openapi(Call& call);
Result<void> get_reconciliation(Call& call);
Result<void> drain_node(Call& call);
Result<void> undrain_node(Call& call);
Result<void> get_health(Call& call);
Result<void> get_trace(Call& call);
Result<void> get_tracing(Call& call);
Result<void> set_tracing(Call& call);
Result<void> list_actors(Call& call);
Result<void> get_actor(Call& call);
Result<void> get_metrics(Call& call);
Result<void> get_log(Call& call);
Result<void> set_log(Call& call);
Result<void> list_pools(Call& call);
Result<void> get_pool(Call& call);
Result<void> plan_config(Call& call);
Result<void> apply_config(Call& call);
Result<void> reload_config(Call& call);
Result<void> roll_back(Call& call);
Result<void> list_revisions(Call& call);
Result<void> get_events(Call& call);
Result<void> launch_container(Call& call);
Result<void> explain_launch(Call& call);
Result<void> list_containers(Call& call);
Result<void> get_container(Call& call);
Result<void> explain_container(Call& call);
Result<void> remove_container(Call& call);
Result<void> stop_container(Call& call);
Result<void> kill_container(Call& call);
Result<void> wait_container(Call& call);
Result<void> exec_in_container(Call& call);
Result<void> get_logs(Call& call);
Result<void> get_stats(Call& call);

/// A configuration that berthd could start with is never too long, however it is written: JSON takes at most six bytes for one
/// ("\u0041"), and beside its text a file has a name.
constexpr size_t config_body_limit = 6 * max_config_size + 4096 * max_config_files;

/// One operation of the API.
struct Route {
  std::string_view method;
  /// At most one part stands for any text: "{id}" or "{name}".
  std::string_view path;
  Result<void> (*answer)(Call&);
  /// Bytes of JSON that it takes; 0: none.
  size_t longest_body = 0;
  /// May take as long as a container lives.
  bool may_last = false;
  /// Names of the parameters; those behind the last one are empty.
  std::array<std::string_view, 8> parameters{};

  constexpr std::span<const std::string_view> query() const {
    auto count = size_t{0};
    while (count < parameters.size() && !parameters[count].empty())
      ++count;
    return {parameters.data(), count};
  }
};

/// All that the API can do. The description in openapi.yaml is held to it by a test.
inline constexpr auto routes = std::to_array<Route>({
    {"GET", "/v1/version", get_version},
    {"GET", "/v1/openapi.yaml", get_openapi},
    {"GET", "/v1/reconciliation", get_reconciliation},
    {"POST", "/v1/drain", drain_node, 0, true, {"deadline"}},
    {"DELETE", "/v1/drain", undrain_node},
    {"GET", "/v1/health", get_health},
    {"GET",
     "/v1/trace",
     get_trace,
     0,
     true,
     {"container", "pool", "trace", "actor", "message", "slow", "since", "follow"}},
    {"GET", "/v1/tracing", get_tracing},
    {"PUT", "/v1/tracing", set_tracing, 0, false, {"mode"}},
    {"GET", "/v1/actors", list_actors},
    {"GET", "/v1/actors/{id}", get_actor},
    {"GET", "/metrics", get_metrics},
    {"GET", "/v1/log", get_log},
    {"PUT", "/v1/log", set_log, http_body_limit},
    {"GET", "/v1/pools", list_pools},
    {"GET", "/v1/pools/{name}", get_pool},
    {"POST", "/v1/plan", plan_config, config_body_limit, true},
    {"POST", "/v1/apply", apply_config, config_body_limit, true},
    {"POST", "/v1/reload", reload_config, http_body_limit, true},
    {"POST", "/v1/rollback", roll_back, http_body_limit, true},
    {"GET", "/v1/revisions", list_revisions},
    {"POST", "/v1/why", explain_launch, http_body_limit, true},
    {"GET", "/v1/events", get_events, 0, true, {"since", "follow", "type", "pool", "container"}},
    {"GET", "/v1/containers", list_containers, 0, false, {"all", "pool"}},
    {"POST", "/v1/containers", launch_container, http_body_limit, true, {"attach"}},
    {"GET", "/v1/containers/{id}", get_container},
    {"GET", "/v1/containers/{id}/why", explain_container},
    {"DELETE", "/v1/containers/{id}", remove_container, 0, false, {"force"}},
    {"POST", "/v1/containers/{id}/stop", stop_container, 0, false, {"timeout"}},
    {"POST", "/v1/containers/{id}/kill", kill_container, 0, false, {"signal"}},
    {"GET", "/v1/containers/{id}/wait", wait_container, 0, true},
    {"POST", "/v1/containers/{id}/exec", exec_in_container, http_body_limit, true},
    {"GET",
     "/v1/containers/{id}/logs",
     get_logs,
     0,
     true,
     {"follow", "since", "tail", "stdout", "stderr"}},
    {"GET", "/v1/containers/{id}/stats", get_stats},
});

/// The longest body that is read of a request. One that takes no body is told so only if it has a short one.
size_t body_limit_of(const HttpRequest& request);

/// Answers a request: finds its route, checks its form, calls, and tells errors. Never throws.
void answer_request(const ApiContext& api, SocketStream& client, const HttpRequest& request,
                    HttpReply& reply);

/// The description of the API, as in openapi.yaml.
extern const std::string_view openapi_text;

/// Content types of the API's answers.
constexpr std::string_view ndjson_type = "application/x-ndjson";
constexpr std::string_view yaml_type = "application/yaml";

} // namespace berth
