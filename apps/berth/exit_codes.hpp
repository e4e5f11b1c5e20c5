#pragma once

namespace berth::cli {

// What the command exits with. `run` and `exec` give the code of what they ran, and these when there is none.

constexpr int success = 0;
/// A verb other than `run` and `exec` failed, in whole or in part.
constexpr int verb_failed = 1;
/// `plan`: something would change.
constexpr int plan_has_changes = 2;
/// `why`: such a launch would be refused.
constexpr int why_refused = 3;
/// The command line cannot be understood.
constexpr int usage_error = 2;
/// `run` and `exec`: Berth failed before there was anything to take an exit code from.
constexpr int berth_failed = 125;
constexpr int not_executable = 126;
constexpr int not_found = 127;
/// Added to the number of a signal that ended something.
constexpr int signal_base = 128;

} // namespace berth::cli
