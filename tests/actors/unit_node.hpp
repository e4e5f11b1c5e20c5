#pragma once

#include "actors/node_context.hpp"
#include "tests/support/actor_world.hpp"
#include "tests/support/parts.hpp"

namespace berth::test {

/// What pools know of a node that is nowhere: its cgroups are of version 1, where nothing is made before the runtime does it.
/// Whoever is spawned for it belongs to the world and is one of the parts, both of which outlive it.
std::shared_ptr<NodeContext> unit_node(ActorWorld& world, Parts& parts, const JournalActor& journal, const LauncherActor& launcher);

} // namespace berth::test
