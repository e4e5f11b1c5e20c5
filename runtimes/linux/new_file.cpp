#include "runtimes/linux/new_file.hpp"

#include "runtimes/linux/file.hpp"
#include "runtimes/linux/retry.hpp"
#include "runtimes/linux/sys_error.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace berth {

Result<void> write_new_private_file(const std::string& path, std::string_view text, bool may_replace) {
  if (may_replace && ::unlink(path.c_str()) != 0 && errno != ENOENT)
    return failure(sys_error("unlink", path));
  // Exclusive: somebody else's file or link is never written to, however fast they are.
  auto fd = UniqueFd{retry([&] { return ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, private_file_mode); })};
  if (!fd)
    return failure(sys_error("open", path));
  while (!text.empty()) {
    auto n = retry([&] { return ::write(fd.get(), text.data(), text.size()); });
    if (n < 0) {
      auto error = sys_error("write", path);
      ::unlink(path.c_str());
      return failure(std::move(error));
    }
    text.remove_prefix(static_cast<size_t>(n));
  }
  return {};
}

Result<void> make_private_directory(const std::string& path, bool may_exist) {
  if (::mkdir(path.c_str(), private_directory_mode) == 0)
    return {};
  auto error = sys_error("mkdir", path);
  struct stat info = {};
  if (!may_exist || errno != EEXIST || ::lstat(path.c_str(), &info) != 0)
    return failure(std::move(error));
  if (!S_ISDIR(info.st_mode) || info.st_uid != ::geteuid() || (info.st_mode & 0022) != 0)
    return failure(ec::system_error, path, "it is no directory that belongs to the caller alone");
  return {};
}

} // namespace berth
