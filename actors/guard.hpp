#pragma once

#include "actors/log.hpp"
#include "messages/caf_error.hpp"
#include "messages/self_check.hpp"

#include <caf/scheduled_actor.hpp>

namespace berth {

/// Replaces CAF's default handlers, which write to stdout and end an actor that is sent an error: an error that nobody
/// asked for is logged, and the actor goes on. Answers `AreYouThere`, too, which is in no protocol.
inline void guard(caf::scheduled_actor* self) {
  self->set_error_handler([self](caf::scheduled_actor*, caf::error& err) {
    log::warn("unexpected error message", {{"actor", self->name()}, {"error", render(from_caf(err))}});
  });
  self->set_default_handler([self](caf::scheduled_actor*, caf::message_view& view) -> caf::result<caf::message> {
    if (view.content().match_elements<AreYouThere>())
      return caf::message{};
    // An answer without content to a plain send is normal.
    if (!view.content().empty())
      log::warn("unexpected message", {{"actor", self->name()}, {"type", std::to_string(view.content().type_token())}});
    return caf::sec::unexpected_message;
  });
}

} // namespace berth
