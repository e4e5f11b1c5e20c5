#pragma once

#include "messages/error.hpp"
#include "runtimes/linux/unique_fd.hpp"

#include <string>

/// Mounts that only the calling process and its descendants see. All errors are `system_error`.
namespace berth {

/// Gives the calling process a mount namespace of its own. What the host mounts and unmounts later
/// still arrives in it, but nothing goes the other way; all its mounts vanish with its last
/// process.
Result<void> enter_private_mount_namespace();

/// Mounts an overlay on `target`: the tree below `lower` is seen and never written to, changes go
/// to `upper` in the held directory `layer`, where `upper` and `work` are made. The layer must not
/// have been used before. `lower` and `layer` are held directories, so their paths may contain any
/// character, and nobody can swap them for links.
Result<void> mount_overlay(const UniqueFd& lower, const UniqueFd& layer, const std::string& target);

/// Unmounts `target` at once, even if it is still in use. Success as well if nothing is mounted
/// there.
Result<void> unmount(const std::string& target);

} // namespace berth
