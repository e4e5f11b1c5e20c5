#pragma once

#include "actors/actor_card.hpp"
#include "actors/log.hpp"
#include "actors/trace_recorder.hpp"

#include <caf/mailbox_element.hpp>
#include <caf/resumable.hpp>
#include <caf/stateful_actor.hpp>
#include <caf/typed_event_based_actor.hpp>

namespace berth {

/// An actor that has a card.
class ObservedActor {
public:
  ActorCard& card() const noexcept {
    return *card_;
  }

protected:
  explicit ObservedActor(caf::actor_addr address) : card_(actor_book().enter(std::move(address))) {
    // nop
  }

  ObservedActor(const ObservedActor&) = delete;
  ObservedActor& operator=(const ObservedActor&) = delete;

  virtual ~ObservedActor() {
    actor_book().leave(card_);
  }

  const ActorCardPtr& card_ptr() const noexcept {
    return card_;
  }

private:
  ActorCardPtr card_;
};

/// Wraps a message on its way into a mailbox if it has to be recorded. The wrapper measures: sent is now, handling begins when
/// the receiver looks at the content, and ends with the element, which CAF destroys after the handler.
caf::mailbox_element_ptr trace_message(caf::mailbox_element_ptr element, const ActorCardPtr& receiver);

/// An actor whose messages and turns are counted on its card.
template <class Base>
class Counted : public Base, public ObservedActor {
public:
  template <class... Ts>
  explicit Counted(caf::actor_config& config, Ts&&... xs)
      : Base(config, std::forward<Ts>(xs)...), ObservedActor(this->address()) {
    // nop
  }

  void enqueue(caf::mailbox_element_ptr element, caf::execution_unit* unit) override {
    card().note_message();
    Base::enqueue(std::move(element), unit);
  }

  caf::resumable::resume_result resume(caf::execution_unit* unit, size_t max_messages) override {
    // The actor may be gone after its turn, and may have another one on another thread.
    auto mine = card_ptr();
    mine->begin_turn();
    auto* before = std::exchange(this_actor, mine.get());
    auto began = turn_ticks();
    auto result = Base::resume(unit, max_messages);
    this_actor = before;
    // Only an actor that has more to do is still ours to look at.
    auto waiting = result == caf::resumable::resume_later ? this->mailbox().size() : 0;
    mine->end_turn(turn_ticks() - began, waiting);
    return result;
  }

  bool cleanup(caf::error&& reason, caf::execution_unit* host) override {
    actor_book().leave(card_ptr());
    return Base::cleanup(std::move(reason), host);
  }
};

/// The base of every actor of ours: counts and, if asked to, records its messages. CAF's own profiler is compiled out of the
/// distribution's library.
template <class Base>
class Observed : public Counted<Base> {
public:
  using Counted<Base>::Counted;

  void enqueue(caf::mailbox_element_ptr element, caf::execution_unit* unit) override {
    if (trace_recorder().is_hot())
      element = trace_message(std::move(element), this->card_ptr());
    Counted<Base>::enqueue(std::move(element), unit);
  }

  caf::resumable::resume_result resume(caf::execution_unit* unit, size_t max_messages) override {
    auto result = Counted<Base>::resume(unit, max_messages);
    this_point = {};
    return result;
  }
};

/// What a line of the log is about that the actor of the calling thread writes: its kind, and its container with the trace of
/// that.
log::Context log_context_of_actor();

/// The handler of the message that the thread handles has thrown.
void note_crash();

/// Tells an actor's card how often one in its place was started again.
void note_restarts(const caf::strong_actor_ptr& actor, uint64_t restarts);

/// How an actor of ours with this protocol and this state sees itself.
template <class Handle, class State>
using SelfPointer = caf::stateful_actor<State, Observed<typename Handle::base>>*;

} // namespace berth
