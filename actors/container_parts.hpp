#pragma once

#include "actors/container_actor.hpp"
#include "actors/observed.hpp"

#include "messages/caf_error.hpp"

#include <algorithm>
#include <functional>
#include <utility>

/// What the parts of a CONTAINER share: what its monitor tells (container_story.cpp), and what is asked of it
/// (container_actor.cpp).
namespace berth::container {

using Self = SelfPointer<ContainerActor, ContainerActorState>;

/// Everything a handler needs; the node's context is immutable, the rest is the actor's own.
struct Life {
  Self self;
  NodeContextPtr node;

  ContainerActorState& state() const {
    return self->state;
  }

  ContainerMemory& memory() const {
    return self->state.memory;
  }

  ContainerInfo& info() const {
    return memory().info;
  }

  const ContainerId& id() const {
    return info().spec.id;
  }

  bool step(Happened event) const {
    auto phase = next(memory().phase, event);
    if (!phase)
      return false;
    memory().phase = *phase;
    // A story that is told again takes nothing back that users have seen.
    info().state = std::max(info().state, visible_state(*phase));
    self->card().set_word(to_string(info().state));
    return true;
  }

  const LaunchMetrics& metrics() const {
    return *state().metrics;
  }

  /// A phase of the launch has ended. One that goes on where another actor has died would measure something else.
  void end_phase(LaunchPhase phase) const {
    auto took = state().clock.lap();
    if (!state().goes_on)
      metrics().phase(phase).observe(took);
  }

  /// Lets NODE and the journal remember how the container stands, before anybody can hear of what has changed; with what there
  /// is to tell about it.
  void keep(std::optional<Event> event = {}) const {
    auto kept = std::make_shared<const ContainerMemory>(memory());
    self->send(state().parent, KeepContainer{kept});
    // Nobody waits for the answer.
    caf::anon_send(node->journal, RecordContainer{std::move(kept), std::move(event)});
  }

  /// The same for what must not be done unrecorded: goes on with `next` when it would outlive a crash, or with why it does not.
  void keep_then(std::function<void(const Result<void>&)> next) const {
    auto kept = std::make_shared<const ContainerMemory>(memory());
    self->send(state().parent, KeepContainer{kept});
    self->request(node->journal, journal_deadline, RecordContainer{std::move(kept), {}})
      .then([=] { next({}); }, [=](caf::error& err) { next(failure(from_caf(err))); });
  }
};

// -- what the monitor tells, and what it leads to (container_story.cpp) ------------------------------------------------

Event event_of(const Life& life, std::string type);

void on_packet(const Life& life, const std::string& bytes);

/// The monitor is gone. After `deleted` or `failed` that is its normal end; before, somebody killed it.
void on_monitor_gone(const Life& life);

void on_oom(const Life& life, const OomKill& kill);

/// Asks OOM to watch the container; again, if there is a new one.
void watch_oom(const Life& life);

/// It never ran, or was given up before it did. `deleted`: nothing is left of it but files.
void fail_launch(const Life& life, const Error& error, bool deleted);

/// Goes on when the last condition for the removal is met; called whenever one of them is.
void remove_if_due(const Life& life);

void end_place(const Life& life);

// -- acting on the container (container_story.cpp) ---------------------------------------------------------------------

void command(const Life& life, const MonitorCommand& what);
void set_timer(const Life& life, std::chrono::milliseconds delay);
void cancel_timer(const Life& life);

/// Through the pidfd where init takes signals itself, else by way of the monitor. SIGKILL ends a sandbox as well, and unlike
/// the runtime the kernel cannot hang.
Result<void> signal_init(const Life& life, int signal);

/// Holds init, if it is there and is the container's.
void hold_init(const Life& life);

/// A process that has ended meanwhile needs no signal, so an error is no news.
void kill_init(const Life& life);

} // namespace berth::container
