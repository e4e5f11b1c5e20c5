#pragma once

#include "actors/node_actor.hpp"
#include "actors/observed.hpp"
#include "messages/caf_error.hpp"

/// What the parts of a NODE share: launches, containers and deaths (node_actor.cpp), explanations
/// (node_explain.cpp), and the drain (node_drain.cpp).
namespace berth::node {

using Self = SelfPointer<NodeActor, NodeState>;

struct Node {
  Self self;
  std::shared_ptr<const NodeOrder> order;

  NodeState& state() const {
    return self->state;
  }
};

/// Answers a launch that is not known any more, and counts it.
inline void answer_launch(const Node& node, NodeState::Launch& launch, const ContainerInfo& info) {
  node.order->metrics->launch_ran(launch.pool->name, info.profile.kind, launch.clock.lap());
  launch.reply.deliver(info);
}

/// The same for one that did not run; `runtime` is empty if it had none yet.
inline void answer_launch(const Node& node, NodeState::Launch& launch, std::optional<RuntimeKind> runtime,
                          const caf::error& error) {
  node.order->metrics->launch_did_not_run(launch.pool->name, runtime, from_caf(error).code);
  launch.reply.deliver(error);
}

/// Answers a launch that has no container.
void refuse_launch(const Node& node, uint64_t ticket, const caf::error& error);

/// Its pool has spawned a container for it.
bool has_container(const Node& node, const NodeState::Launch& launch);

// -- explanations (node_explain.cpp) --------------------------------------------------------------

/// There is no pool of this name.
Error unknown_pool(const NodeState& state, const PoolName& name);

caf::result<Explanation> on_explain(const Node& node, const ExplainLaunch& launch);

// -- drain (node_drain.cpp) -----------------------------------------------------------------------

/// Why a drained node takes no launch.
Error drained();

caf::result<DrainReport> on_drain(const Node& node, const DrainNode& drain);
caf::result<void> on_undrain(const Node& node);

/// Called whenever a container has changed: the last one that ends ends the drain.
void look_at_drain(const Node& node);

} // namespace berth::node
