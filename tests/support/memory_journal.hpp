#pragma once

#include "actors/guard.hpp"
#include "messages/journal.hpp"

#include <caf/stateful_actor.hpp>
#include <caf/typed_event_based_actor.hpp>

#include <deque>
#include <functional>
#include <map>

namespace berth::test {

/// What a JOURNAL without a disk does, and what was written to it.
struct JournalScript {
  /// How many events it keeps.
  size_t history = 65'536;
  std::function<void(const Event&)> on_event;
  /// What it answers those who wait for an answer, if it cannot write.
  std::optional<Error> failing;

  std::map<ContainerId, ContainerMemory> containers;
  std::vector<RecordRevision> revisions;
  std::optional<bool> drained;
};

struct MemoryJournalState {
  std::deque<Event> kept;
  uint64_t last = 0;
  EventActor listener;

  static inline const char* name = "journal";
};

/// `script` outlives the actor.
inline JournalActor::behavior_type memory_journal(JournalActor::stateful_pointer<MemoryJournalState> self,
                                                  JournalScript* script) {
  guard(self);
  auto tell = [=](Event event) {
    auto& state = self->state;
    event.seq = ++state.last;
    if (event.time.ns == 0)
      event.time = now();
    if (script->on_event)
      script->on_event(event);
    state.kept.push_back(event);
    if (state.kept.size() > script->history)
      state.kept.pop_front();
    if (state.listener)
      self->send(state.listener, EventsRecorded{{std::move(event)}});
  };
  auto answer = [=]() -> caf::result<void> {
    if (script->failing)
      return to_caf(*script->failing);
    return caf::unit;
  };
  return {
    [=](RecordContainer& record) {
      script->containers[record.memory->info.spec.id] = *record.memory;
      if (record.event)
        tell(std::move(*record.event));
      return answer();
    },
    [=](ForgetContainer& forget) {
      script->containers.erase(forget.id);
      tell(std::move(forget.event));
      return answer();
    },
    [=](Event& event) { tell(std::move(event)); },
    [=](const RecordRevision& record) {
      if (!script->failing)
        script->revisions.push_back(record);
      return answer();
    },
    [=](const RecordDrained& record) {
      script->drained = record.is_drained;
      return answer();
    },
    [=](const ReadOldEvents& read) {
      auto result = OldEvents{};
      for (const auto& event : self->state.kept)
        if (event.seq > read.since && result.events.size() < read.max)
          result.events.push_back(event);
      return result;
    },
    [=](const TellEvents& tell_events) {
      self->state.listener = tell_events.listener;
      for (const auto& event : self->state.kept)
        if (event.seq > tell_events.since)
          self->send(tell_events.listener, EventsRecorded{{event}});
    },
    [](const FlushJournal&) {},
    [](const RetryJournal&) {},
  };
}

} // namespace berth::test
