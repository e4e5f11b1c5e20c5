#pragma once

#include "actors/observed.hpp"
#include "messages/event.hpp"
#include "messages/launcher.hpp"
#include "messages/node.hpp"
#include "messages/revision.hpp"
#include "messages/journal.hpp"
#include "messages/self_check.hpp"

#include <caf/actor_clock.hpp>
#include <caf/stateful_actor.hpp>
#include <caf/typed_event_based_actor.hpp>
#include <caf/typed_response_promise.hpp>

#include <functional>
#include <map>
#include <memory>
#include <optional>

namespace berth {

/// What a SELF_CHECK is made of: the actors that no other one owns, and the watchdog.
struct SelfCheckOrder {
  NodeActor node;
  RevisionActor revisions;
  EventActor events;
  /// They block by design: on the disk, on other processes.
  JournalActor journal;
  std::vector<LauncherActor> launchers;
  /// Of the service manager; zero: it does not watch.
  std::chrono::milliseconds watchdog{0};
  std::function<void()> feed_watchdog;
  /// Told in one line who does not answer, or that all of them do again.
  std::function<void(const std::string&)> tell_status;
};

struct SelfCheckState {
  using Time = caf::actor_clock::time_point;

  /// One look at all actors, shared by the answers that it waits for.
  struct Check {
    uint64_t number = 0;
    /// How long each actor has for its answer.
    std::chrono::milliseconds deadline{0};
    std::map<ActorKind, CheckedActors> answered;
    /// Who has not answered yet, by the number of the question.
    std::map<uint64_t, std::string> open;
    uint64_t last_question = 0;
    std::vector<std::string> silent;
    std::function<void(const Health&)> done;
  };

  /// LAUNCHERs and JOURNAL are asked beside the checks.
  struct Launcher {
    OwnedActor who;
    bool lives = true;
    /// The question that is open.
    std::optional<Time> asked;
    /// For the last answer.
    std::chrono::nanoseconds took{0};
  };

  std::vector<Launcher> launchers;
  uint64_t last_check = 0;
  /// For the watchdog.
  std::shared_ptr<Check> watching;
  /// Somebody did not answer, and nobody was told yet that all do again.
  bool was_silent = false;
  /// Who waits for the check of the API that is under way.
  std::vector<caf::typed_response_promise<Health>> health_promises;

  static inline const char* name = "self-check";
};

SelfCheckActor::behavior_type self_check_actor(SelfPointer<SelfCheckActor, SelfCheckState> self,
                                               SelfCheckOrder order);

} // namespace berth
