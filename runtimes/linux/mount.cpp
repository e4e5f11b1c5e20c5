#include "runtimes/linux/mount.hpp"

#include "runtimes/linux/sys_error.hpp"

#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

namespace berth {

namespace {

std::string path_of(const UniqueFd& directory) {
  return "/proc/self/fd/" + std::to_string(directory.get());
}

/// The root of an overlay has owner and mode of its upper directory: they must be those of the
/// user's tree.
Result<void> make_upper(const UniqueFd& lower, const UniqueFd& layer) {
  struct stat wanted = {};
  if (::fstat(lower.get(), &wanted) != 0)
    return failure(sys_error("fstat", "root file system"));
  if (::mkdirat(layer.get(), "upper", 0700) != 0)
    return failure(sys_error("mkdir", "upper"));
  if (::fchownat(layer.get(), "upper", wanted.st_uid, wanted.st_gid, AT_SYMLINK_NOFOLLOW) != 0)
    return failure(sys_error("chown", "upper"));
  if (::fchmodat(layer.get(), "upper", wanted.st_mode & 07777, 0) != 0)
    return failure(sys_error("chmod", "upper"));
  return {};
}

} // namespace

Result<void> enter_private_mount_namespace() {
  if (::unshare(CLONE_NEWNS) != 0)
    return failure(sys_error("unshare", "mount namespace"));
  if (::mount(nullptr, "/", nullptr, MS_SLAVE | MS_REC, nullptr) != 0)
    return failure(sys_error("mount", "slave propagation"));
  return {};
}

Result<void> mount_overlay(const UniqueFd& lower, const UniqueFd& layer,
                           const std::string& target) {
  if (auto made = make_upper(lower, layer); !made)
    return made;
  if (::mkdirat(layer.get(), "work", 0700) != 0)
    return failure(sys_error("mkdir", "work"));
  auto options = "lowerdir=" + path_of(lower) + ",upperdir=" + path_of(layer)
                 + "/upper,workdir=" + path_of(layer) + "/work";
  // Volatile: the layer lives as long as its container, so nothing in it is worth a sync. Kernels
  // before 5.10 refuse the word.
  if (::mount("overlay", target.c_str(), "overlay", 0, (options + ",volatile").c_str()) == 0)
    return {};
  if (errno == EINVAL && ::mount("overlay", target.c_str(), "overlay", 0, options.c_str()) == 0)
    return {};
  return failure(sys_error("mount", "overlay on " + target));
}

Result<void> unmount(const std::string& target) {
  // EINVAL: not a mount point.
  if (::umount2(target.c_str(), MNT_DETACH | UMOUNT_NOFOLLOW) != 0 && errno != EINVAL
      && errno != ENOENT)
    return failure(sys_error("umount", target));
  return {};
}

} // namespace berth
