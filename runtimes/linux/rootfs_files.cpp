#include "runtimes/linux/rootfs_files.hpp"

#include "config/spelling.hpp"
#include "runtimes/linux/file.hpp"
#include "runtimes/linux/pidfd.hpp"
#include "runtimes/linux/retry.hpp"
#include "runtimes/linux/sys_error.hpp"

#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace berth {

namespace {

constexpr size_t user_file_limit = 1024 * 1024;

/// Finds a file without opening it.
UniqueFd find_in_root(const UniqueFd& rootfs, const std::string& path) {
  auto how = open_how{};
  how.flags = O_PATH | O_CLOEXEC;
  how.resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS;
  // The C library has no wrapper.
  return UniqueFd{static_cast<int>(
    retry([&] { return ::syscall(SYS_openat2, rootfs.get(), path.c_str(), &how, sizeof(how)); }))};
}

} // namespace

Result<std::string> read_rootfs_file(const UniqueFd& rootfs, const std::string& path,
                                     size_t limit) {
  auto found = find_in_root(rootfs, path);
  // ELOOP: a link that leads to itself leads nowhere.
  if (!found && (errno == ENOENT || errno == ENOTDIR || errno == ELOOP))
    return std::string{};
  if (!found)
    return failure(sys_error("openat2", path));
  struct stat info {};
  if (::fstat(found.get(), &info) != 0)
    return failure(sys_error("fstat", path));
  auto subject = "file " + in_quotes(path) + " of the root file system";
  if (!S_ISREG(info.st_mode))
    return failure(ec::bad_request, subject, "it is not a regular file",
                   "use numeric ids, or repair the file");
  if (static_cast<uint64_t>(info.st_size) > limit)
    return failure(ec::bad_request, subject,
                   "it is longer than " + std::to_string(limit) + " bytes",
                   "use numeric ids, or shorten the file");
  return read_file("/proc/self/fd/" + std::to_string(found.get()), limit);
}

Result<UniqueFd> open_live_root(int pid, uint64_t start_time, const std::string& monitor_path) {
  auto owner = monitor_path.empty() ? Result<int>{pid} : parent_of(pid);
  if (!owner)
    return failure(owner.error());
  auto path = "/proc/" + std::to_string(*owner) + "/root" + monitor_path;
  auto root = UniqueFd{::open(path.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC)};
  if (!root)
    return failure(sys_error("open", path));
  // What was opened is its root if it is still there now. Its monitor does not end before it.
  auto present = process_start_time(pid);
  if (!present)
    return failure(present.error());
  if (*present != start_time)
    return failure(ec::system_error, path, "the pid belongs to another process by now");
  return root;
}

Result<UserFiles> read_user_files(const UniqueFd& rootfs) {
  auto passwd = read_rootfs_file(rootfs, "/etc/passwd", user_file_limit);
  if (!passwd)
    return failure(passwd.error());
  auto group = read_rootfs_file(rootfs, "/etc/group", user_file_limit);
  if (!group)
    return failure(group.error());
  return UserFiles{std::move(*passwd), std::move(*group)};
}

} // namespace berth
