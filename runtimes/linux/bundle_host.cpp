#include "runtimes/linux/bundle_host.hpp"

#include "config/spelling.hpp"
#include "runtimes/linux/sys_error.hpp"

#include <cerrno>

#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

namespace berth {

Result<BundleHost> detect_bundle_host(bool swap_limit) {
  auto files = rlimit{};
  if (::getrlimit(RLIMIT_NOFILE, &files) != 0)
    return failure(sys_error("getrlimit", "RLIMIT_NOFILE"));
  auto result = BundleHost{};
  result.cgroup_namespaces = ::access("/proc/self/ns/cgroup", F_OK) == 0;
  result.swap_limit = swap_limit;
  result.max_open_files = files.rlim_max;
  return result;
}

Result<DeviceNode> read_device_node(const std::string& path) {
  auto subject = "device " + in_quotes(path);
  struct stat info {};
  if (::stat(path.c_str(), &info) != 0) {
    if (errno == ENOENT || errno == ENOTDIR)
      return failure(ec::bad_request, subject, "the host has no such device", "see `ls -l /dev`");
    return failure(sys_error("stat", path));
  }
  if (!S_ISCHR(info.st_mode) && !S_ISBLK(info.st_mode))
    return failure(ec::bad_request, subject, "it is no device node",
                   "mount files and directories with --mount");
  auto result = DeviceNode{};
  result.path = path;
  result.type = S_ISCHR(info.st_mode) ? 'c' : 'b';
  result.major = major(info.st_rdev);
  result.minor = minor(info.st_rdev);
  result.mode = info.st_mode & 0777;
  result.uid = info.st_uid;
  result.gid = info.st_gid;
  return result;
}

} // namespace berth
