#pragma once

#include "messages/cause.hpp"
#include "messages/launcher.hpp"
#include "messages/supervision.hpp"

#include <caf/actor.hpp>
#include <caf/replies_to.hpp>
#include <caf/typed_actor.hpp>

#include <chrono>
#include <string>
#include <vector>

namespace berth {

/// SELF_CHECK -> any actor: answer without content. In no protocol: every actor of ours has it (actors/guard.hpp).
struct AreYouThere {
  Cause cause;
};

template <class Inspector>
auto inspect(Inspector& f, AreYouThere& x) {
  return f(x.cause);
}

/// SELF_CHECK -> SELF_CHECK: it is time to look whether all is well, for the service manager.
struct CheckDue {
  Cause cause;
};

template <class Inspector>
auto inspect(Inspector& f, CheckDue& x) {
  return f(x.cause);
}

/// SELF_CHECK -> SELF_CHECK: who has not answered this check by now is told in the log.
struct CheckLate {
  uint64_t check = 0;
  Cause cause;
};

template <class Inspector>
auto inspect(Inspector& f, CheckLate& x) {
  return f(x.check, x.cause);
}

/// API -> SELF_CHECK: does every actor answer?
struct CheckHealth {
  Cause cause;
};

template <class Inspector>
auto inspect(Inspector& f, CheckHealth& x) {
  return f(x.cause);
}

/// The actors of one kind that have answered.
struct CheckedActors {
  ActorKind kind = ActorKind::node;
  uint32_t count = 0;
  /// For the one that took longest.
  std::chrono::nanoseconds slowest{0};
};

template <class Inspector>
auto inspect(Inspector& f, CheckedActors& x) {
  return f(x.kind, x.count, x.slowest);
}

/// SELF_CHECK -> API.
struct Health {
  std::vector<CheckedActors> actors;
  /// Who has not answered in time: `container "a"`. What these know of others was not asked.
  std::vector<std::string> silent;
};

template <class Inspector>
auto inspect(Inspector& f, Health& x) {
  return f(x.actors, x.silent);
}

/// How long each actor has to answer a check of the API.
constexpr auto health_answer_deadline = std::chrono::seconds{5};
/// How long the API waits for a check: an actor may be known only by the answer of a pool, and the pool by that of NODE.
constexpr auto health_deadline = 3 * health_answer_deadline + std::chrono::seconds{5};

/// SELF_CHECK: knows whether every actor of the node still answers its messages.
///
///     SELF_CHECK - ListActors ---> NODE --> OOM, the pools
///     SELF_CHECK - ListActors ---> every POOL --> its containers, its selectors and runtimes, all generations
///     SELF_CHECK - AreYouThere --> all of them, REVISION, EVENT, JOURNAL, the LAUNCHERs
///     API -- CheckHealth --------> SELF_CHECK --> Health
///
/// For a service manager that watches berthd it begins a check every half of the watchdog's interval. The watchdog is fed when
/// all have answered, which leaves each of them the other half; whoever is late is named in the log after half of that.
///
/// A LAUNCHER, as JOURNAL, blocks by design, with up to `launcher_deadline` for an order, and is not waited for: it is well as long as its
/// oldest question is younger than that. Beyond it, those who wait for the launcher are given up, too. An actor that is dead
/// is not silent: its owner starts it again, or berthd ends by its death.
using SelfCheckActor = caf::typed_actor<caf::replies_to<CheckHealth>::with<Health>,
                                        caf::reacts_to<CheckDue>,
                                        caf::reacts_to<CheckLate>>;

} // namespace berth
