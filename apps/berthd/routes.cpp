#include "apps/berthd/routes.hpp"

#include "actors/log.hpp"

#include <algorithm>
#include <array>
#include <exception>
#include <optional>

namespace berth {

namespace {

/// Does a route's path fit a request's? Then `target` is what stands for its open part.
bool fits(std::string_view pattern, const std::vector<std::string>& path, std::string& target) {
  auto rest = pattern.substr(1);
  for (const auto& part : path) {
    if (rest.empty())
      return false;
    auto wanted = rest.substr(0, rest.find('/'));
    rest.remove_prefix(std::min(rest.size(), wanted.size() + 1));
    if (wanted.starts_with('{'))
      target = part;
    else if (wanted != part)
      return false;
  }
  return rest.empty();
}

/// Tells a request that the API cannot do anything with. Not one of the API's errors, but of the
/// same form.
Result<void> refuse(HttpReply& reply, int status, std::string reason, std::string next,
                    HttpFields extra = {}) {
  return reply.send(
      status, "application/json",
      to_wire(Error{ec::bad_request, "HTTP request", std::move(reason), std::move(next)}),
      std::move(extra));
}

/// One of the calls that may last.
class LastingCall {
public:
  explicit LastingCall(const ApiContext& api) : count_(api.lasting), fits_(++*count_ <= api.max_lasting) {
    // nop
  }

  LastingCall(const LastingCall&) = delete;
  LastingCall& operator=(const LastingCall&) = delete;

  ~LastingCall() {
    --*count_;
  }

  bool fits() const noexcept {
    return fits_;
  }

private:
  std::shared_ptr<std::atomic<size_t>> count_;
  bool fits_;
};

/// "POST /v1/containers", for as long as the process lives.
const char* span_name(const Route& route) {
  static const auto names = [] {
    auto result = std::array<std::string, routes.size()>{};
    for (size_t i = 0; i < routes.size(); ++i)
      result[i] = std::string{routes[i].method} + " " + std::string{routes[i].path};
    return result;
  }();
  return names[static_cast<size_t>(&route - routes.data())].c_str();
}

/// Whoever looks at a node does not want to see the looking.
bool is_silent(const Route& route) {
  for (auto path : {"/v1/trace", "/v1/tracing", "/v1/actors", "/v1/actors/{id}", "/v1/health", "/metrics"})
    if (route.path == path)
      return true;
  return false;
}

/// Where the client stands in a trace of its own, if it says so.
std::optional<TracePoint> client_of(const HttpRequest& request) {
  auto header = request.headers.find("traceparent");
  return header == request.headers.end() ? std::nullopt : parse_traceparent(header->second);
}

Result<void> call_route(const Route& route, const std::string& target, const ApiContext& api,
                        SocketStream& client, const HttpRequest& request, HttpReply& reply) {
  auto query = Query::check(request.query, route.query());
  if (!query)
    return failure(std::move(query.error()));
  if (route.longest_body == 0 && !request.body.empty())
    return failure(ec::bad_request, "request body", "this request takes none", "send none");
  auto node = NodeClient{api.system, api.node, api.revisions, api.events, client};
  auto work = Work{span_name(route), client_of(request), !is_silent(route)};
  auto trace = to_string(work.point().trace);
  auto about = log::ThreadContext{{{}, {}, {}, trace}};
  // What a request is about is known from its path, or by its handler.
  if (route.path.starts_with("/v1/containers/{id}"))
    work.concerns({}, ContainerId{target});
  auto call = Call{api, request, target, *query, node, client, reply, work};
  auto lasting = std::optional<LastingCall>{};
  if (route.may_last && !lasting.emplace(api).fits())
    return failure(ec::limit_reached, "request",
                   "berthd serves " + std::to_string(api.max_lasting) + " clients that wait already", "try again later");
  auto done = route.answer(call);
  if (!done)
    work.fail(done.error().code);
  return done;
}

/// Where a request leads to.
struct Destination {
  /// In `routes`; their number if it is none of them.
  size_t route = routes.size();
  /// What stands for the open part of the path.
  std::string target;
  /// Methods that the path takes, if it does not take that of the request.
  std::string allowed;
};

Destination find_route(const HttpRequest& request) {
  auto result = Destination{};
  for (auto i = size_t{0}; i < routes.size(); ++i) {
    auto target = std::string{};
    if (!fits(routes[i].path, request.path, target))
      continue;
    if (routes[i].method == request.method)
      return {i, std::move(target), {}};
    result.allowed.append(result.allowed.empty() ? "" : ", ").append(routes[i].method);
  }
  return result;
}

Result<void> call_destination(const Destination& to, const ApiContext& api, SocketStream& client, const HttpRequest& request,
                              HttpReply& reply) {
  if (to.route < routes.size())
    return call_route(routes[to.route], to.target, api, client, request, reply);
  if (to.allowed.empty())
    return refuse(reply, 404, "there is nothing at this path", "see GET /v1/openapi.yaml");
  return refuse(reply, 405, "this path does not take the method " + request.method,
                "it takes " + to.allowed, {{"Allow", to.allowed}});
}

/// What is logged while a request is answered, is about the container in its path.
log::Context context_of(const Destination& to) {
  auto is_container = to.route < routes.size() && routes[to.route].path.starts_with("/v1/containers/{id}");
  return {"api", is_container ? std::string_view{to.target} : std::string_view{}, {}, {}};
}

/// Whatever is thrown is a defect, or memory is short. It costs one request, not the daemon.
Result<void> guarded(const Destination& to, const ApiContext& api, SocketStream& client, const HttpRequest& request,
                     HttpReply& reply) {
  try {
    return call_destination(to, api, client, request, reply);
  } catch (const std::exception& e) {
    return failure(ec::internal, "request", e.what(), "this is a defect: please report it");
  } catch (...) {
    return failure(ec::internal, "request", "unknown exception",
                   "this is a defect: please report it");
  }
}

} // namespace

size_t body_limit_of(const HttpRequest& request) {
  auto target = std::string{};
  auto route = std::find_if(routes.begin(), routes.end(), [&](const Route& x) {
    return x.method == request.method && fits(x.path, request.path, target);
  });
  return route == routes.end() ? http_body_limit : std::max(route->longest_body, http_body_limit);
}

void answer_request(const ApiContext& api, SocketStream& client, const HttpRequest& request,
                    HttpReply& reply) {
  auto began = std::chrono::steady_clock::now();
  auto to = find_route(request);
  auto about = log::ThreadContext{context_of(to)};
  auto done = guarded(to, api, client, request, reply);
  if (!done && done.error().code == ec::internal)
    log::error("request failed", {{"method", request.method}, {"error", render(done.error())}});
  // A client that has gone does not read its error; that it cannot be sent is no news.
  if (!done && !reply.begun())
    (void)reply.send_json(http_status_of(done.error()), to_wire(done.error()));
  else if (!done && reply.is_stream() && !reply.is_broken())
    (void)reply.write(error_line(done.error()));
  if (reply.is_stream() && !reply.is_broken())
    (void)reply.end_stream();
  api.http->count(to.route, reply.status(), std::chrono::steady_clock::now() - began);
}

} // namespace berth
