#pragma once

#include "messages/error.hpp"

#include <caf/error.hpp>
#include <caf/make_message.hpp>

namespace berth {

/// An `Error` as an actor's answer; subject, reason and next step travel in the context.
caf::error to_caf(const Error& error);

/// The `Error` in an actor's answer. Errors of CAF itself become `deadline_exceeded`, `shutting_down` or `internal`.
Error from_caf(const caf::error& error);

} // namespace berth
