#pragma once

#include "actors/node_metrics.hpp"
#include "actors/trace_recorder.hpp"
#include "apps/api/query.hpp"
#include "apps/api/wire.hpp"
#include "apps/berthd/http_connection.hpp"
#include "apps/berthd/http_metrics.hpp"
#include "apps/berthd/node_client.hpp"
#include "messages/ledger.hpp"
#include "messages/trace.hpp"
#include "runtimes/linux/cgroup.hpp"
#include "runtimes/oci_spec.hpp"

#include <atomic>
#include <functional>
#include <memory>

namespace berth {

/// What a pool's settings say about how long things take.
struct PoolTimes {
  /// How long a launch may wait in the queue.
  std::chrono::milliseconds queue{0};
  /// Between SIGTERM and SIGKILL of a stop that says nothing else.
  std::chrono::milliseconds grace{30'000};
  /// How long a launch may take from its start slot to `running`.
  std::chrono::milliseconds start{60'000};
};

/// What the API serves, and what it has to know of the node for that.
struct ApiContext {
  caf::actor_system& system;
  NodeActor node;
  RevisionActor revisions;
  EventActor events;
  ServerVersion version;
  /// Must be callable from any thread. Gets names of pools that do not exist, too.
  std::function<PoolTimes(const PoolName&)> times;
  /// What the host allows processes of `exec`.
  BundleHost bundle_host;
  /// What a running container uses. Must be callable from any thread.
  std::function<Result<ContainerStats>(const ContainerInfo&)> stats;
  /// What was there when berthd started; null where that is not asked for.
  std::shared_ptr<const Ledger> ledger;
  ReloadActor reload;
  SelfCheckActor self_check;
  TraceActor trace;
  NodeMetricsPtr metrics = std::make_shared<NodeMetrics>();
  /// Made in those.
  std::shared_ptr<const HttpMetrics> http = std::make_shared<const HttpMetrics>(metrics->registry());
  /// After how long a stream that has nothing to say sends an empty line.
  std::chrono::milliseconds heartbeat{15'000};
  /// Calls that may last as long as a container does: how many there may be, and how many there are. Fewer than connections,
  /// so that there is always a place for those who want to look or to stop something.
  size_t max_lasting = 448;
  std::shared_ptr<std::atomic<size_t>> lasting = std::make_shared<std::atomic<size_t>>(0);
};

/// One request on its way through the API.
struct Call {
  const ApiContext& api;
  const HttpRequest& request;
  /// The part of the path that a route leaves open: a container id or the name of a pool.
  const std::string& target;
  const Query& query;
  const NodeClient& node;
  SocketStream& client;
  HttpReply& reply;
  /// The span of the request.
  Work& work;
};

} // namespace berth
