#pragma once

#include "messages/error.hpp"
#include "runtimes/linux/unique_fd.hpp"

#include <string>

namespace berth {

/// Text of a regular file inside a container's root file system; empty if there is none. `rootfs`
/// is a held directory. Links are followed as the container would follow them: an absolute one
/// begins at `rootfs`, and none leads out of it. Nothing but a regular file is ever opened, so that
/// a FIFO cannot block us nor a device be touched. Fails with `bad_request` for anything else at
/// `path` and for more than `limit` bytes, else with `system_error`.
Result<std::string> read_rootfs_file(const UniqueFd& rootfs, const std::string& path, size_t limit);

/// The root of a running container, as a held directory. `monitor_path` empty: as its init sees it. Else init is a
/// sandbox that has no such view, and its parent, the monitor, has the root file system at this path of its own mount
/// namespace. Fails with `system_error`, also if the pid is another process's by now.
Result<UniqueFd> open_live_root(int pid, uint64_t start_time, const std::string& monitor_path);

/// The files that say who a named user is (oci_user.hpp).
struct UserFiles {
  std::string passwd;
  std::string group;
};

/// At most 1 MiB each.
Result<UserFiles> read_user_files(const UniqueFd& rootfs);

} // namespace berth
