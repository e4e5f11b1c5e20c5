#pragma once

#include "actors/log.hpp"
#include "actors/observed.hpp"
#include "messages/actors.hpp"
#include "messages/caf_error.hpp"
#include "messages/self_check.hpp"

#include <caf/scheduled_actor.hpp>

#include <exception>

namespace berth {

/// What an actor tells of itself (`berth actors show`).
using TellState = std::function<ActorState()>;

/// Replaces CAF's default handlers, which write to stdout and end an actor that is sent an error: an error that nobody
/// asked for is logged, and the actor goes on; so is an exception that it dies of. Answers `AreYouThere` and `DescribeActor`,
/// too, which are in no protocol.
inline void guard(caf::scheduled_actor* self, TellState tell = {}) {
  self->set_error_handler([self](caf::scheduled_actor*, caf::error& err) {
    log::warn("unexpected error message", {{"actor", self->name()}, {"error", render(from_caf(err))}});
  });
  self->set_exception_handler([self](caf::scheduled_actor*, std::exception_ptr& thrown) -> caf::error {
    note_crash();
    auto what = std::string{"unknown exception"};
    try {
      std::rethrow_exception(thrown);
    } catch (const std::exception& e) {
      what = e.what();
    } catch (...) {
      // What is no exception says nothing.
    }
    log::error("actor died of an exception", {{"actor", self->name()}, {"what", what}});
    return caf::sec::runtime_error;
  });
  self->set_default_handler([self, tell](caf::scheduled_actor*, caf::message_view& view) -> caf::result<caf::message> {
    if (view.content().match_elements<AreYouThere>())
      return caf::message{};
    if (view.content().match_elements<DescribeActor>())
      return caf::make_message(tell ? tell() : ActorState{});
    // An answer without content to a plain send is normal.
    if (!view.content().empty())
      log::warn("unexpected message", {{"actor", self->name()}, {"type", std::to_string(view.content().type_token())}});
    return caf::sec::unexpected_message;
  });
}

/// The same, and gives the actor its label; without a kind of its own that is the actor's name.
template <class Self>
void guard(Self* self, ActorLabel label, TellState tell = {}) {
  if (label.kind == ActorLabel{}.kind)
    label.kind = self->name();
  self->card().set_label(std::move(label));
  guard(static_cast<caf::scheduled_actor*>(self), std::move(tell));
}

} // namespace berth
