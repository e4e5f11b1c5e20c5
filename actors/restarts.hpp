#pragma once

#include "actors/policy/restarts.hpp"
#include "messages/error.hpp"
#include "messages/event.hpp"
#include "messages/supervision.hpp"

#include <caf/actor_clock.hpp>
#include <caf/error.hpp>
#include <caf/scheduled_actor.hpp>

#include <functional>
#include <map>
#include <optional>

namespace berth {

/// The past of one place in which actors die and are started again.
struct Restarts {
  RestartHistory history;
  /// When the one that is there now was spawned.
  caf::actor_clock::time_point born;
  /// Why there is none at the moment, while its restart is put off.
  std::optional<Error> resting;
};

/// What an owner has put off, by the ticket of its `RestartDue`.
struct PutOff {
  std::map<uint64_t, std::function<void()>> work;
  uint64_t last_ticket = 0;
};

/// An actor that has done what it was there for, or was told to end: nothing to be started again.
bool is_regular_end(const caf::error& reason);

/// The answer to a request whose receiver had died, or has died of it; its death is told, too.
bool is_death(const caf::error& answer);

/// What there is to say about an actor that has died.
struct Death {
  ActorKind kind = ActorKind::pool;
  /// For people: `pool "web"`, `container "a"`.
  std::string subject;
  std::string reason;
  std::chrono::milliseconds pause{0};
  uint64_t in_a_row = 0;
};

/// Notes the death of who was in this place at `now`, and says how long to wait until the next one.
Death note_death(Restarts& restarts, ActorKind kind, std::string subject, const caf::error& reason,
                 caf::actor_clock::time_point now, const RestartLimits& limits);

/// Why a request cannot be served before the pause is over.
Error resting_error(const Death& death);

/// Writes the log line, and gives the event `actor.restarted`, or `actor.resting` if there is a pause before it.
/// `container` is the one that is concerned, if it is only one.
Event tell_death(const Death& death, const ContainerId& container = {});

/// The event `actor.restarted` for one that has rested.
Event tell_return(const Death& death, const ContainerId& container = {});

/// Does `restart` at once, or after the pause: then with a `RestartDue` to `self`, whose handler calls `take_up`.
template <class Self>
void after_pause(Self* self, PutOff& put_off, std::chrono::milliseconds pause, std::function<void()> restart) {
  if (pause.count() == 0)
    return restart();
  auto ticket = ++put_off.last_ticket;
  put_off.work[ticket] = std::move(restart);
  self->delayed_send(self, pause, RestartDue{ticket});
}

inline void take_up(PutOff& put_off, uint64_t ticket) {
  if (auto work = put_off.work.extract(ticket))
    work.mapped()();
}

} // namespace berth
