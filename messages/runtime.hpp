#pragma once

#include "messages/runtime_profile.hpp"

#include <caf/replies_to.hpp>
#include <caf/typed_actor.hpp>

#include <chrono>

namespace berth {

/// POOL -> RUNTIME: prove that you work on this host.
struct PrepareRuntime {};

template <class Inspector>
auto inspect(Inspector& f, PrepareRuntime&) {
  return f();
}

/// RUNTIME -> POOL: a real container was booted and has ended as it should.
struct PreparedRuntime {
  RuntimeProfile profile;
  /// How long the boot of the probe container took, create to exit.
  std::chrono::milliseconds boot_time{0};
};

template <class Inspector>
auto inspect(Inspector& f, PreparedRuntime& x) {
  return f(x.profile, x.boot_time);
}

/// CONTAINER -> RUNTIME: I want to start. Answered when a slot is free; the slot belongs to the sender until it sends
/// `ReturnStartSlot` or ends.
struct TakeStartSlot {};

template <class Inspector>
auto inspect(Inspector& f, TakeStartSlot&) {
  return f();
}

/// RUNTIME -> CONTAINER.
struct StartSlot {};

template <class Inspector>
auto inspect(Inspector& f, StartSlot&) {
  return f();
}

struct ReturnStartSlot {};

template <class Inspector>
auto inspect(Inspector& f, ReturnStartSlot&) {
  return f();
}

/// How long a container waits for a start slot: starts in front of it may each take their whole time.
constexpr auto start_slot_deadline = std::chrono::seconds{600};
/// Slack on top of the configured probe timeout for finding the binary and reading version and flags.
constexpr auto prepare_slack = std::chrono::seconds{60};

/// RUNTIME: one configured runtime of one generation of a pool; bounds how many starts run at once.
///
///     POOL ------ PrepareRuntime --> RUNTIME --> PreparedRuntime
///                                            \-> runtime_failed, platform_failed
///     CONTAINER - TakeStartSlot ---> RUNTIME --> StartSlot (when one is free, first come first served)
///     CONTAINER - ReturnStartSlot -> RUNTIME
using RuntimeActor = caf::typed_actor<
  caf::replies_to<PrepareRuntime>::with<PreparedRuntime>,
  caf::replies_to<TakeStartSlot>::with<StartSlot>,
  caf::reacts_to<ReturnStartSlot>>;

} // namespace berth
