#pragma once

#include "runtimes/doctor/finding.hpp"

#include <string>

namespace berth::cli {

/// How many findings there are of each status.
struct FindingCounts {
  size_t ok = 0;
  size_t notes = 0;
  size_t warnings = 0;
  size_t problems = 0;
};

FindingCounts count(const Findings& findings);

/// A line for each finding, grouped by area, with the fix below it, and a summary at the end.
std::string findings_as_text(const Findings& findings, bool in_colour);

/// {"fit", "counts", "findings"}, laid out for people.
std::string findings_as_json(const Findings& findings);

} // namespace berth::cli
