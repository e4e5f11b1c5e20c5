#pragma once

#include "messages/cause.hpp"

#include <caf/type_erased_tuple.hpp>

namespace berth {

/// What a recorder has to know of a message.
struct MessageTraits {
  /// The type's name, as in messages/: "LaunchOrder"; of built-in types CAF's. Static storage.
  const char* name = "";
  /// What led to it, as it says itself. Null for answers, which are plain values.
  const Cause* cause = nullptr;
};

MessageTraits traits_of(const caf::type_erased_tuple& content);

} // namespace berth
