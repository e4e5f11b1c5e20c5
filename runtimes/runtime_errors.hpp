#pragma once

#include "messages/launch.hpp"
#include "messages/runtime_profile.hpp"
#include "runtimes/monitor_protocol.hpp"

#include <optional>
#include <string_view>

/// Turns what an OCI runtime printed into errors that say what to do. The texts are no interface of
/// the runtimes: whatever is not recognized becomes `runtime_failed` with the runtime's own words,
/// made short.
namespace berth {

/// Why a launch failed, by the message of its monitor: lines of the runtime's log (JSON), of its
/// stderr, or both.
Error explain_launch_failure(const RuntimeProfile& profile, const MonitorFailed& failed,
                             const LaunchSpec& spec);

/// The same, but nothing if the message is none of those whose meaning is known.
std::optional<Error> recognize_launch_failure(const RuntimeProfile& profile,
                                              const MonitorFailed& failed, const LaunchSpec& spec);

/// Nothing if the program that `exec` ran has ended by itself, so that `wait_status` is its own.
/// Else why the runtime could not run it, by the text of the log file that this call of `exec` had
/// for itself.
std::optional<Error> explain_exec_failure(const RuntimeProfile& profile, int wait_status,
                                          std::string_view log, const LaunchSpec& spec);

} // namespace berth
