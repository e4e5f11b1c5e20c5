#pragma once

#include <vector>

namespace berth {

/// One step in the history of the journal's tables: statements that turn the version before it into the next one.
using JournalSchema = std::vector<const char*>;

/// All versions up to the present one.
const JournalSchema& journal_schema();

} // namespace berth
