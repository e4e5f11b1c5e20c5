#pragma once

#include "messages/error.hpp"
#include "runtimes/linux/unique_fd.hpp"

#include <string>
#include <string_view>

namespace berth {

/// When the process began: field 22 of /proc/PID/stat, in clock ticks since boot. A pid, its start
/// time and the boot id together name one process for ever. Fails with `system_error` if there is
/// no such process.
Result<uint64_t> process_start_time(int pid);

/// Fails with `system_error` if there is no such process.
Result<int> parent_of(int pid);

/// The start time in the text of a /proc/PID/stat file; the process's name in it may hold spaces
/// and parentheses.
Result<uint64_t> parse_start_time(std::string_view stat);

/// A descriptor that becomes readable when the process ends, and through which only this process
/// can be signalled. Fails with `system_error` if the process is gone or its pid belongs to another
/// one by now (another start time).
Result<UniqueFd> open_pidfd(int pid, uint64_t start_time);

/// Fails with `system_error` if the process is gone.
Result<void> send_signal(const UniqueFd& pidfd, int signal);

/// Changes with each boot of the machine.
Result<std::string> boot_id();

} // namespace berth
