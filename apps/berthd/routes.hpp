#pragma once

#include "apps/berthd/api_context.hpp"

#include <array>

namespace berth {

// Each of them answers one kind of request through `call.reply`. An error is told to the client by
// whoever called: as the answer, or as the last line of a stream that has begun.
Result<void> get_version(Call& call);
Result<void> get_openapi(Call& call);
Result<void> list_pools(Call& call);
Result<void> get_pool(Call& call);
Result<void> plan_config(Call& call);
Result<void> apply_config(Call& call);
Result<void> roll_back(Call& call);
Result<void> list_revisions(Call& call);
Result<void> get_events(Call& call);
Result<void> launch_container(Call& call);
Result<void> list_containers(Call& call);
Result<void> get_container(Call& call);
Result<void> remove_container(Call& call);
Result<void> stop_container(Call& call);
Result<void> kill_container(Call& call);
Result<void> wait_container(Call& call);
Result<void> exec_in_container(Call& call);
Result<void> get_logs(Call& call);
Result<void> get_stats(Call& call);

/// One operation of the API.
struct Route {
  std::string_view method;
  /// At most one part stands for any text: "{id}" or "{name}".
  std::string_view path;
  Result<void> (*answer)(Call&);
  /// Takes a body of JSON.
  bool has_body = false;
  /// May take as long as a container lives.
  bool may_last = false;
  /// Names of the parameters; those behind the last one are empty.
  std::array<std::string_view, 6> parameters{};

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
    {"GET", "/v1/pools", list_pools},
    {"GET", "/v1/pools/{name}", get_pool},
    {"POST", "/v1/plan", plan_config, true},
    {"POST", "/v1/apply", apply_config, true, true},
    {"POST", "/v1/rollback", roll_back, true, true},
    {"GET", "/v1/revisions", list_revisions},
    {"GET", "/v1/events", get_events, false, true, {"since", "follow", "type", "pool", "container"}},
    {"GET", "/v1/containers", list_containers, false, false, {"all", "pool"}},
    {"POST", "/v1/containers", launch_container, true, true, {"attach"}},
    {"GET", "/v1/containers/{id}", get_container},
    {"DELETE", "/v1/containers/{id}", remove_container, false, false, {"force"}},
    {"POST", "/v1/containers/{id}/stop", stop_container, false, false, {"timeout"}},
    {"POST", "/v1/containers/{id}/kill", kill_container, false, false, {"signal"}},
    {"GET", "/v1/containers/{id}/wait", wait_container, false, true},
    {"POST", "/v1/containers/{id}/exec", exec_in_container, true, true},
    {"GET",
     "/v1/containers/{id}/logs",
     get_logs,
     false,
     true,
     {"follow", "since", "tail", "stdout", "stderr"}},
    {"GET", "/v1/containers/{id}/stats", get_stats},
});

/// Answers a request: finds its route, checks its form, calls, and tells errors. Never throws.
void answer_request(const ApiContext& api, SocketStream& client, const HttpRequest& request,
                    HttpReply& reply);

/// The description of the API, as in openapi.yaml.
extern const std::string_view openapi_text;

/// Content types of the API's answers.
constexpr std::string_view ndjson_type = "application/x-ndjson";
constexpr std::string_view yaml_type = "application/yaml";

} // namespace berth
