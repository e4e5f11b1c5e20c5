#pragma once

#include "messages/event.hpp"
#include "runtimes/journal.hpp"

#include <string>
#include <string_view>

/// The texts in the rows of the journal: JSON.
namespace berth {

std::string render_event(const Event& event);
/// Fails with `bad_request`, as the next one does.
Result<Event> parse_event(std::string_view text);

std::string render_revision(const RevisionRecord& revision);
Result<RevisionRecord> parse_revision(std::string_view text);

} // namespace berth
