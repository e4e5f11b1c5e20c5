#pragma once

#include "messages/error.hpp"
#include "runtimes/linux/unique_fd.hpp"

#include <string>
#include <string_view>

namespace berth {

/// Sends SIGKILL to every process in a cgroup and the groups below it, through pidfds, so that no other can be hit. Nothing there
/// is success; what cannot be killed shows when the group is removed.
void kill_group(const std::string& directory);

/// Sends SIGKILL to every process that has this text as one of its arguments: calls of a runtime for a container, by its runtime
/// id, which is random and in no other command line; they are in no group of the container's.
void kill_by_argument(const std::string& argument);

/// `open_pidfd` for a process that is in this cgroup, given as OCI runtimes name it (from the root of the hierarchies), or in one
/// below it. Fails with `system_error` if it is not there: then the pid, however it was recorded, is not the container's.
Result<UniqueFd> open_pidfd_in(int pid, uint64_t start_time, const std::string& cgroup);

/// Does the text of a /proc/PID/cgroup file name this group, or one below it, in any hierarchy?
bool is_listed_in_cgroup(std::string_view proc_cgroup, std::string_view cgroup);

} // namespace berth
