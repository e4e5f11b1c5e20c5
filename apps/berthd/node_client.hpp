#pragma once

#include "apps/berthd/pending.hpp"
#include "messages/actors.hpp"
#include "messages/event.hpp"
#include "messages/node.hpp"
#include "messages/reload.hpp"
#include "messages/revision.hpp"
#include "messages/self_check.hpp"
#include "messages/trace.hpp"
#include "runtimes/linux/socket_stream.hpp"

#include <caf/actor.hpp>
#include <caf/actor_addr.hpp>
#include <caf/fwd.hpp>

namespace berth {

/// What pools say of themselves.
using PoolAnswers = std::map<PoolName, std::optional<PoolInfo>>;

/// Stands for a client that reads a container's output, for as long as this lives.
class OutputReader {
public:
  explicit OutputReader(caf::actor_system& system);
  OutputReader(const OutputReader&) = delete;
  OutputReader& operator=(const OutputReader&) = delete;
  ~OutputReader();

  caf::strong_actor_ptr address() const;

private:
  caf::actor actor_;
};

/// The actors as the thread of one connection sees them. Every request has the deadline of its
/// protocol; the thread's wait ends at once, with `shutting_down`, when its client has gone or the
/// server stops.
class NodeClient {
public:
  /// All arguments outlive the client.
  NodeClient(caf::actor_system& system, const NodeActor& node, const RevisionActor& revisions,
             const EventActor& events, const SocketStream& client)
      : system_(system), node_(node), revisions_(revisions), events_(events), client_(client) {
    // nop
  }

  Result<PoolInfos> pools() const;

  /// The configured pools; those that do not answer within `patience` have nothing to say.
  Result<PoolAnswers> ask_pools(std::chrono::milliseconds patience) const;

  Result<ContainerInfos> containers(bool all, const PoolName& pool) const;
  Result<ContainerInfo> describe(const ContainerId& id) const;

  /// `reader` may be null.
  Result<ContainerInfo> launch(LaunchSpec spec, caf::strong_actor_ptr reader,
                               std::chrono::milliseconds deadline) const;

  /// Waits for the probes of a pool that is being prepared.
  Result<Explanation> explain(const ExplainLaunch& launch) const;

  /// Waits for the end of the container. A negative `grace` stands for the pool's.
  Result<ContainerInfo> stop(const ContainerId& id, std::chrono::milliseconds grace,
                             std::chrono::milliseconds deadline) const;

  Result<void> signal(const ContainerId& id, int signal) const;
  Result<void> remove(const ContainerId& id, bool force) const;

  /// Whoever was attached has read all of it. Does not wait.
  void release_output(const ContainerId& id) const;

  Result<Plan> plan(PlanConfig order) const;
  Result<Receipt> apply(ApplyConfig order) const;
  Result<Receipt> roll_back(RollBack order) const;
  Result<Receipt> reload(const ReloadActor& actor, Reload order) const;
  Result<RevisionInfos> revisions() const;

  /// Returns when nothing runs any more.
  Result<DrainReport> drain(std::chrono::milliseconds deadline) const;
  Result<void> undrain() const;
  Result<Health> health(const SelfCheckActor& actor) const;

  Result<SpanBatch> spans(const TraceActor& actor, const ReadSpans& wish) const;
  Result<TracingState> tracing(const TraceActor& actor) const;
  Result<TracingState> set_tracing(const TraceActor& actor, TracingMode mode) const;
  Result<ActorState> describe(const caf::actor& actor) const;

  Result<EventBatch> events(const ReadEvents& wish) const;

  /// The same for waiting together with other descriptors.
  Result<Pending<EventBatch>> begin_events(const ReadEvents& wish) const;

  /// Where the event stream stands now: events that are published later are behind it.
  Result<uint64_t> event_cursor() const;

private:
  template <class Reply>
  Result<Reply> await(Result<Pending<Reply>> pending) const;

  template <class Reply, class Handle, class Message>
  Result<Reply> ask(const Handle& actor, std::chrono::milliseconds deadline,
                    const Message& message) const;

  /// Nothing if the container was removed after its actor had died with this question.
  template <class Reply, class Message>
  std::optional<Result<Reply>> ask_until_gone(const ContainerId& id, std::chrono::milliseconds deadline,
                                              const Message& message) const;

  template <class Reply, class Message>
  Result<Reply> ask_container(const ContainerId& id, std::chrono::milliseconds deadline,
                              const Message& message) const;

  /// `except` is known to have died.
  Result<ContainerActor> find(const ContainerId& id, const caf::actor_addr& except = {}) const;

  caf::actor_system& system_;
  const NodeActor& node_;
  const RevisionActor& revisions_;
  const EventActor& events_;
  const SocketStream& client_;
};

} // namespace berth
