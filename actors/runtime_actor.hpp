#pragma once

#include "actors/observed.hpp"
#include "messages/error.hpp"
#include "messages/runtime.hpp"

#include <caf/stateful_actor.hpp>
#include <caf/typed_event_based_actor.hpp>

#include <functional>

namespace berth {

struct RuntimeState {
  static inline const char* name = "runtime";
};

/// Finds the binary, learns its version and flags, boots a container with it and ends it. Blocks: runs in a thread of
/// its own.
using ProbeRuntime = std::function<Result<PreparedRuntime>()>;

/// RUNTIME that is prepared by `probe` within `deadline`.
RuntimeActor::behavior_type runtime_actor(SelfPointer<RuntimeActor, RuntimeState> self, ProbeRuntime probe,
                                          std::chrono::milliseconds deadline, RuntimeKind kind, PoolName pool);

} // namespace berth
