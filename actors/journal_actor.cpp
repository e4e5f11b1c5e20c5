#include "actors/journal_actor.hpp"

#include "actors/guard.hpp"
#include "actors/tell_state.hpp"

#include <algorithm>

namespace berth {

namespace {

using Self = SelfPointer<JournalActor, JournalActorState>;
using Reply = JournalActorState::Reply;

/// So many events are written at most between two looks at what is not needed any more.
constexpr uint64_t longest_unpruned = 1024;

/// As many as that are kept beyond the limit for a while.
uint64_t prune_every(const JournalLimits& limits) {
  return std::clamp<uint64_t>(limits.events / 8, 1, longest_unpruned);
}

struct JournalKeeper {
  Self self;
  std::shared_ptr<const JournalOrder> order;

  JournalActorState& state() const {
    return self->state;
  }
};

/// Everything that waits, in one transaction. `events` is how many of them it holds.
std::vector<JournalWrite> gather(const JournalKeeper& keeper, size_t& events) {
  auto& state = keeper.state();
  auto writes = std::vector<JournalWrite>{};
  for (const auto& id : state.stale) {
    auto container = state.containers.find(id);
    if (container == state.containers.end())
      writes.push_back(DropContainer{id});
    else
      writes.push_back(PutContainer{{*container->second, keeper.order->boot_id}});
  }
  auto seq = state.last_event;
  for (auto& event : state.events) {
    event.seq = ++seq;
    writes.push_back(PutEvent{event});
  }
  events = state.events.size();
  writes.insert(writes.end(), state.others.begin(), state.others.end());
  const auto& limits = keeper.order->limits;
  if (state.since_prune + events >= prune_every(limits))
    writes.push_back(Prune{seq - std::min(seq, limits.events) + 1,
                           {now().ns - std::chrono::nanoseconds{limits.event_age}.count()},
                           limits.revisions});
  return writes;
}

/// The database is not to be read any more: what can be read of it is taken over into a new one, the rest is known here.
bool reopen(const JournalKeeper& keeper) {
  auto& state = keeper.state();
  state.journal.reset();
  auto opened = keeper.order->reopen();
  if (!opened)
    return false;
  for (const auto& fact : opened->state.damage)
    log::error("journal was damaged", {{"what", fact}});
  state.journal = std::make_shared<Journal>(std::move(opened->journal));
  for (const auto& record : opened->state.containers)
    state.stale.insert(record.memory.info.spec.id);
  for (const auto& [id, memory] : state.containers)
    state.stale.insert(id);
  return true;
}

Result<void> write(const JournalKeeper& keeper, size_t& events) {
  auto& state = keeper.state();
  if (!state.journal && !reopen(keeper))
    return failure(ec::journal_failed, "journal", "it is damaged, and no other can be made", "look at the disk");
  auto written = state.journal->write(gather(keeper, events), state.durability);
  if (written || !state.journal->is_damaged() || !reopen(keeper))
    return written;
  return state.journal->write(gather(keeper, events), state.durability);
}

/// All who have asked get their answer.
void answer_all(JournalActorState& state, const Error* error) {
  for (auto& reply : std::exchange(state.replies, {})) {
    if (error != nullptr)
      reply.deliver(to_caf(*error));
    else
      reply.deliver(caf::unit);
  }
  for (auto& wait : std::exchange(state.waits, {}))
    wait.end(error != nullptr ? error->code : ec{});
}

void on_written(const JournalKeeper& keeper, size_t events) {
  auto& state = keeper.state();
  state.since_prune = state.since_prune + events >= prune_every(keeper.order->limits) ? 0 : state.since_prune + events;
  auto recorded = EventsRecorded{};
  for (auto i = size_t{0}; i < events; ++i) {
    recorded.events.push_back(std::move(state.events.front()));
    state.events.pop_front();
  }
  state.last_event += events;
  state.stale.clear();
  state.others.clear();
  state.durability = Durability::process;
  if (events > 0 && state.listener)
    keeper.self->send(state.listener, std::move(recorded));
  answer_all(state, nullptr);
  if (!std::exchange(state.is_failing, false))
    return;
  log::info("journal is written again", {{"lost_events", std::to_string(state.lost_events)}});
  if (auto lost = std::exchange(state.lost_events, 0); lost > 0) {
    auto event = Event{};
    event.type = "node.events_lost";
    event.time = now();
    event.numbers["count"] = static_cast<int64_t>(lost);
    keeper.self->send(keeper.self, std::move(event));
  }
}

void on_failure(const JournalKeeper& keeper, const Error& error) {
  auto& state = keeper.state();
  if (!std::exchange(state.is_failing, true))
    log::error("journal cannot be written: launches and changes are refused, what happens meanwhile is written later",
               {{"error", render(error)}});
  // Whoever asked does not do what was to be recorded. How containers stand is written when it can be.
  state.others.clear();
  state.durability = Durability::process;
  answer_all(state, &error);
  while (state.events.size() > keeper.order->limits.waiting_events) {
    state.events.pop_front();
    ++state.lost_events;
    keeper.order->metrics->journal_lost_events.add();
  }
  if (!std::exchange(state.retry_due, true))
    keeper.self->delayed_send(keeper.self, journal_retry, RetryJournal{});
}

void count_waiting(const JournalKeeper& keeper) {
  const auto& state = keeper.state();
  auto rows = state.stale.size() + state.events.size() + state.others.size();
  keeper.order->metrics->journal_waiting.set(static_cast<int64_t>(rows));
}

void flush(const JournalKeeper& keeper) {
  auto& state = keeper.state();
  state.flush_due = false;
  auto& metrics = *keeper.order->metrics;
  auto events = size_t{0};
  if (state.stale.empty() && state.events.empty() && state.others.empty())
    return on_written(keeper, 0);
  auto clock = PhaseClock{};
  if (auto written = write(keeper, events); written) {
    metrics.journal_commits.add();
    metrics.journal_commit.observe(clock.lap());
    metrics.journal_events.add(events);
    on_written(keeper, events);
  } else {
    metrics.journal_failures.add();
    on_failure(keeper, written.error());
  }
  count_waiting(keeper);
}

/// Behind everything that has come meanwhile. While the disk fails, only those who ask make another attempt, and the timer.
void flush_soon(const JournalKeeper& keeper) {
  count_waiting(keeper);
  if (!std::exchange(keeper.state().flush_due, true))
    keeper.self->send(keeper.self, FlushJournal{});
}

Reply answer_later(const JournalKeeper& keeper) {
  if (this_point.is_recorded)
    keeper.state().waits.emplace_back("journal: write");
  auto reply = keeper.self->make_response_promise<caf::unit_t>();
  keeper.state().replies.push_back(reply);
  flush_soon(keeper);
  return reply;
}

void add_event(const JournalKeeper& keeper, Event event) {
  if (event.time.ns == 0)
    event.time = now();
  keeper.state().events.push_back(std::move(event));
}

} // namespace

JournalActor::behavior_type journal_actor(Self self, JournalOrder parts) {
  guard(self, ActorLabel{}, [self] { return tell(self->state); });
  auto keeper = JournalKeeper{self, std::make_shared<const JournalOrder>(std::move(parts))};
  auto& state = self->state;
  state.journal = keeper.order->journal;
  state.last_event = keeper.order->last_event;
  // What was found of them may be more than what is written.
  for (const auto& memory : keeper.order->containers) {
    state.containers[memory->info.spec.id] = memory;
    state.stale.insert(memory->info.spec.id);
  }
  flush_soon(keeper);
  return {
    [=](RecordContainer& record) -> caf::result<void> {
      auto id = record.memory->info.spec.id;
      keeper.state().containers[id] = std::move(record.memory);
      keeper.state().stale.insert(std::move(id));
      if (record.event)
        add_event(keeper, std::move(*record.event));
      return answer_later(keeper);
    },
    [=](ForgetContainer& forget) -> caf::result<void> {
      keeper.state().containers.erase(forget.id);
      keeper.state().stale.insert(std::move(forget.id));
      add_event(keeper, std::move(forget.event));
      return answer_later(keeper);
    },
    [=](Event& event) {
      add_event(keeper, std::move(event));
      flush_soon(keeper);
    },
    [=](const RecordRevision& record) -> caf::result<void> {
      auto& others = keeper.state().others;
      if (record.revision)
        others.push_back(PutRevision{record.revision});
      for (const auto& generation : record.generations)
        others.push_back(PutGeneration{generation});
      if (record.file_digest)
        others.push_back(PutMeta{meta_file_digest, *record.file_digest});
      keeper.state().durability = Durability::disk;
      return answer_later(keeper);
    },
    [=](const RecordDrained& record) -> caf::result<void> {
      keeper.state().others.push_back(PutMeta{meta_drained, record.is_drained ? "true" : "false"});
      return answer_later(keeper);
    },
    [=](const ReadOldEvents& read) -> caf::result<OldEvents> {
      if (!keeper.state().journal)
        return to_caf({ec::journal_failed, "journal", "it is damaged", "look at the disk"});
      auto events = keeper.state().journal->events_after(read.since, read.max);
      if (!events)
        return to_caf(events.error());
      return OldEvents{std::move(*events)};
    },
    [=](const TellEvents& tell) {
      auto& now = keeper.state();
      now.listener = tell.listener;
      if (!now.journal || tell.since >= now.last_event)
        return;
      auto missed = now.journal->events_after(tell.since, static_cast<uint32_t>(now.last_event - tell.since));
      if (missed && !missed->empty())
        self->send(tell.listener, EventsRecorded{std::move(*missed)});
    },
    [=](const FlushJournal&) { flush(keeper); },
    [=](const RetryJournal&) {
      keeper.state().retry_due = false;
      if (keeper.state().is_failing)
        flush(keeper);
    },
  };
}

} // namespace berth
