#pragma once

#include "messages/actors.hpp"

/// What each actor tells of itself (`berth actors show`).
namespace berth {

struct ContainerActorState;
struct EventState;
struct JournalActorState;
struct LauncherState;
struct NodeState;
struct OomState;
struct RevisionState;
struct SelfCheckState;

ActorState tell(const ContainerActorState& state);
ActorState tell(const EventState& state);
ActorState tell(const JournalActorState& state);
ActorState tell(const LauncherState& state);
ActorState tell(const NodeState& state);
ActorState tell(const OomState& state);
ActorState tell(const RevisionState& state);
ActorState tell(const SelfCheckState& state);

namespace pool {

struct Pool;

ActorState tell_state(const Pool& pool);

} // namespace pool

} // namespace berth
