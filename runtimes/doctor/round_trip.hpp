#pragma once

#include "runtimes/doctor/trial_node.hpp"

#include <chrono>
#include <string>

namespace berth {

/// "4.1.1" out of "Version: 4.1.1" and more lines; empty if that is not what `criu --version` has said.
std::string parse_criu_version(std::string_view text);

/// The line of a log of CRIU, or of what it has printed, that says why it failed; empty if there is none.
std::string criu_complaint(std::string_view log);

/// What to do about a complaint, if that is plain: install a program that CRIU does not find. Else empty.
std::string criu_fix(std::string_view complaint);

struct RoundTrip {
  std::chrono::milliseconds checkpoint_time{0};
  std::chrono::milliseconds restore_time{0};
};

/// Checkpoints a container of runc and restores it, which has to remember what happened to it before. Each of the steps may
/// take `deadline`. Blocks; nothing is left, whatever the outcome. Fails with `runtime_failed` and CRIU's own reason.
Result<RoundTrip> try_round_trip(TrialNode& node, const std::string& runc_binary, std::chrono::milliseconds deadline);

} // namespace berth
