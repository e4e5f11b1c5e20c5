#include "actors/event_actor.hpp"

#include "actors/guard.hpp"

#include <algorithm>

namespace berth {

namespace {

using Self = EventActor::stateful_pointer<EventState>;

constexpr uint32_t batch_limit = 1000;

EventBatch collect(const EventState& state, const ReadEvents& wish) {
  auto batch = EventBatch{};
  batch.cursor = wish.since;
  auto oldest = state.kept.empty() ? state.last_seq + 1 : state.kept.front().seq;
  if (wish.since + 1 < oldest) {
    batch.missed = oldest - 1 - wish.since;
    batch.cursor = oldest - 1;
  }
  if (batch.cursor >= state.last_seq)
    return batch;
  auto max = std::clamp<uint32_t>(wish.max, 1, batch_limit);
  for (auto i = state.kept.begin() + static_cast<ptrdiff_t>(batch.cursor + 1 - oldest);
       i != state.kept.end() && batch.events.size() < max; ++i) {
    if (matches(wish.filter, *i))
      batch.events.push_back(*i);
    batch.cursor = i->seq;
  }
  return batch;
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

EventActor::behavior_type event_actor(Self self, uint32_t history) {
  guard(self);
  return {
    [=](Event& event) {
      auto& state = self->state;
      event.seq = ++state.last_seq;
      if (event.time.ns == 0)
        event.time = now();
      state.kept.push_back(std::move(event));
      if (state.kept.size() > history)
        state.kept.pop_front();
      serve_waiting(self);
    },
    [=](ReadEvents& wish) -> caf::result<EventBatch> {
      auto& state = self->state;
      // A cursor from the future (of an earlier run of the node) means "from now on".
      wish.since = std::min(wish.since, state.last_seq);
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
