#include "actors/event_actor.hpp"

#include "actors/guard.hpp"
#include "actors/tell_state.hpp"

#include <algorithm>
#include <ranges>

namespace berth {

namespace {

using Self = SelfPointer<EventActor, EventState>;

constexpr uint32_t batch_limit = 1000;

/// Those that a reader wants of `events`, which are all that there is behind `since` up to `until`.
template <class Events>
EventBatch select(const Events& events, const ReadEvents& wish, uint64_t until, uint32_t max) {
  auto batch = EventBatch{};
  batch.cursor = wish.since;
  auto pass = [&](uint64_t seq) {
    if (seq > batch.cursor + 1)
      batch.missed += seq - batch.cursor - 1;
    batch.cursor = seq;
  };
  for (const auto& event : events) {
    if (batch.events.size() == max)
      return batch;
    pass(event.seq);
    if (matches(wish.filter, event))
      batch.events.push_back(event);
  }
  if (until > batch.cursor) {
    batch.missed += until - batch.cursor;
    batch.cursor = until;
  }
  return batch;
}

uint32_t max_of(const ReadEvents& wish) {
  return std::clamp<uint32_t>(wish.max, 1, batch_limit);
}

uint64_t oldest_kept(const EventState& state) {
  return state.kept.empty() ? state.last_seq + 1 : state.kept.front().seq;
}

/// From memory; there has to be what the reader wants.
EventBatch collect(const EventState& state, const ReadEvents& wish) {
  auto next = std::min(wish.since, state.last_seq) + 1;
  auto oldest = oldest_kept(state);
  auto first = state.kept.begin() + static_cast<ptrdiff_t>(std::max(next, oldest) - oldest);
  return select(std::ranges::subrange(first, state.kept.end()), wish, state.last_seq, max_of(wish));
}

bool worth_telling(const EventBatch& batch) {
  return !batch.events.empty() || batch.missed > 0;
}

void serve_waiting(Self self) {
  auto& waiting = self->state.waiting;
  auto served = std::partition(waiting.begin(), waiting.end(), [&](EventState::Waiting& x) {
    auto batch = collect(self->state, x.wish);
    if (worth_telling(batch)) {
      x.promise.deliver(std::move(batch));
      return false;
    }
    // What did not match need not be looked at again.
    x.wish.since = batch.cursor;
    return true;
  });
  waiting.erase(served, waiting.end());
}

} // namespace

namespace {

/// What is not in memory any more, from the journal.
caf::result<EventBatch> read_old(Self self, const JournalActor& journal, const ReadEvents& wish) {
  auto promise = self->make_response_promise<EventBatch>();
  auto until = oldest_kept(self->state) - 1;
  self->request(journal, journal_deadline, ReadOldEvents{wish.since, batch_limit})
    .then(
      [=](OldEvents& old) mutable {
        std::erase_if(old.events, [&](const auto& event) { return event.seq > until; });
        // Only if it was not cut off it tells that nothing follows.
        auto is_cut = old.events.size() == batch_limit;
        promise.deliver(select(old.events, wish, is_cut ? old.events.back().seq : until, max_of(wish)));
      },
      [=](caf::error& err) mutable { promise.deliver(std::move(err)); });
  return promise;
}

} // namespace

EventActor::behavior_type event_actor(Self self, JournalActor journal, uint64_t last_seq, uint32_t window) {
  guard(self, ActorLabel{}, [self] { return tell(self->state); });
  self->state.last_seq = last_seq;
  self->send(journal, TellEvents{EventActor{self}, last_seq});
  return {
    [=](EventsRecorded& recorded) {
      auto& state = self->state;
      for (auto& event : recorded.events) {
        state.last_seq = event.seq;
        state.kept.push_back(std::move(event));
      }
      // Before any go: those who wait want what is behind all that was there.
      serve_waiting(self);
      while (state.kept.size() > window)
        state.kept.pop_front();
    },
    [=](ReadEvents& wish) -> caf::result<EventBatch> {
      auto& state = self->state;
      // A cursor from the future means "from now on".
      wish.since = std::min(wish.since, state.last_seq);
      if (wish.since + 1 < oldest_kept(state))
        return read_old(self, journal, wish);
      auto batch = collect(state, wish);
      if (worth_telling(batch) || wish.wait.count() <= 0)
        return batch;
      wish.since = batch.cursor;
      auto wait = std::min<std::chrono::milliseconds>(wish.wait, event_wait_limit);
      auto promise = self->make_response_promise<EventBatch>();
      state.waiting.push_back({++state.last_ticket, std::move(wish), promise});
      self->delayed_send(self, wait, EventWaitOver{state.last_ticket});
      return promise;
    },
    [=](const EventWaitOver& over) {
      auto& waiting = self->state.waiting;
      auto i = std::find_if(waiting.begin(), waiting.end(), [&](const auto& x) { return x.ticket == over.ticket; });
      if (i == waiting.end())
        return;
      i->promise.deliver(collect(self->state, i->wish));
      waiting.erase(i);
    },
  };
}

} // namespace berth
