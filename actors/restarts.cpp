#include "actors/restarts.hpp"

#include "actors/log.hpp"
#include "messages/caf_error.hpp"

#include <caf/exit_reason.hpp>
#include <caf/sec.hpp>

namespace berth {

namespace {

std::string words_for(const caf::error& reason) {
  if (reason == caf::exit_reason::kill)
    return "it was killed";
  if (reason == caf::sec::runtime_error || reason == caf::exit_reason::unhandled_exception)
    return "it failed with an exception";
  return "it ended with " + render(from_caf(reason));
}

std::string seconds_of(std::chrono::milliseconds time) {
  char text[32];
  std::snprintf(text, sizeof(text), "%g s", std::chrono::duration<double>(time).count());
  return text;
}

log::Field container_field(const ContainerId& container) {
  return {container.value.empty() ? "" : "container_id", container.value};
}

Event event_of(const Death& death, const char* type) {
  auto event = Event{};
  event.type = type;
  event.time = now();
  event.texts["actor"] = to_string(death.kind);
  event.texts["reason"] = death.reason;
  event.numbers["inARow"] = static_cast<int64_t>(death.in_a_row);
  event.numbers["pauseMs"] = death.pause.count();
  return event;
}

} // namespace

bool is_regular_end(const caf::error& reason) {
  return !reason || reason == caf::exit_reason::normal || reason == caf::exit_reason::user_shutdown;
}

bool is_death(const caf::error& answer) {
  return answer == caf::sec::request_receiver_down || answer == caf::sec::runtime_error;
}

Death note_death(Restarts& restarts, ActorKind kind, std::string subject, const caf::error& reason,
                 caf::actor_clock::time_point now, const RestartLimits& limits) {
  auto lived = std::chrono::duration_cast<std::chrono::milliseconds>(now - restarts.born);
  restarts.history = after_death(restarts.history, lived, limits);
  return {kind, std::move(subject), words_for(reason), restart_pause(restarts.history, limits), restarts.history.in_a_row};
}

Error resting_error(const Death& death) {
  return {ec::restarting, death.subject,
          std::string{"its "} + to_string(death.kind) + " actor has died " + std::to_string(death.in_a_row)
            + " times in a row (" + death.reason + ") and is started again in " + seconds_of(death.pause),
          "try again then; this is a defect: please report it"};
}

Event tell_death(const Death& death, const ContainerId& container) {
  auto rests = death.pause.count() > 0;
  log::error(rests ? "actor died again and again, it rests before it is started again" : "actor died and is started again",
             {{"actor", to_string(death.kind)},
              {"of", death.subject},
              container_field(container),
              {"reason", death.reason},
              {"in_a_row", std::to_string(death.in_a_row)},
              {"pause_ms", std::to_string(death.pause.count())}});
  return event_of(death, rests ? "actor.resting" : "actor.restarted");
}

Event tell_return(const Death& death, const ContainerId& container) {
  log::info("actor has rested and is started again",
            {{"actor", to_string(death.kind)}, {"of", death.subject}, container_field(container)});
  return event_of(death, "actor.restarted");
}

} // namespace berth
