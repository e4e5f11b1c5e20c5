#pragma once

#include "messages/cause.hpp"
#include "messages/runtime_profile.hpp"

#include <caf/replies_to.hpp>
#include <caf/typed_actor.hpp>

#include <chrono>

namespace berth {

/// POOL -> RUNTIME: prove that you work on this host.
struct PrepareRuntime {
  Cause cause;
};

template <class Inspector>
auto inspect(Inspector& f, PrepareRuntime& x) {
  return f(x.cause);
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

/// Slack on top of the configured probe timeout for finding the binary and reading version and flags.
constexpr auto prepare_slack = std::chrono::seconds{60};

/// RUNTIME: one configured runtime of one generation of a pool: finds out what it can, and proves that it works.
///
///     POOL ------ PrepareRuntime --> RUNTIME --> PreparedRuntime
///                                            \-> runtime_failed, platform_failed
using RuntimeActor = caf::typed_actor<caf::replies_to<PrepareRuntime>::with<PreparedRuntime>>;

} // namespace berth
