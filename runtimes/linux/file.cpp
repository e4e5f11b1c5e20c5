#include "runtimes/linux/file.hpp"

#include "runtimes/linux/retry.hpp"
#include "runtimes/linux/sys_error.hpp"

#include <cstdio>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace berth {

namespace {

Result<std::string> read_open_file(int directory, const std::string& path, size_t limit,
                                   int flags) {
  auto fd = UniqueFd{
      retry([&] { return ::openat(directory, path.c_str(), O_RDONLY | O_CLOEXEC | flags); })};
  if (!fd)
    return failure(sys_error("open", path));
  // Sizes of kernel files are not known before; read until the end.
  auto text = std::string{};
  char buffer[4096];
  for (;;) {
    auto n = retry([&] { return ::read(fd.get(), buffer, sizeof(buffer)); });
    if (n < 0)
      return failure(sys_error("read", path));
    if (n == 0)
      return text;
    if (text.size() + static_cast<size_t>(n) > limit)
      return failure(ec::system_error, "read " + path,
                     "longer than " + std::to_string(limit) + " bytes");
    text.append(buffer, static_cast<size_t>(n));
  }
}

Result<void> write_existing(int directory, const std::string& path, std::string_view text,
                            int flags) {
  auto fd = UniqueFd{
      retry([&] { return ::openat(directory, path.c_str(), O_WRONLY | O_CLOEXEC | flags); })};
  if (!fd)
    return failure(sys_error("open", path));
  auto n = retry([&] { return ::write(fd.get(), text.data(), text.size()); });
  if (n < 0)
    return failure(sys_error("write", path));
  if (static_cast<size_t>(n) != text.size())
    return failure(ec::system_error, "write " + path, "only a part was written");
  return {};
}

Result<void> write_new_file(int directory, const std::string& name, std::string_view text,
                            unsigned mode, Durability durability) {
  constexpr auto flags = O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW;
  auto fd = UniqueFd{retry([&] { return ::openat(directory, name.c_str(), flags, mode); })};
  if (!fd)
    return failure(sys_error("open", name));
  // The umask of the process must not decide what others may read.
  if (::fchmod(fd.get(), mode) != 0)
    return failure(sys_error("fchmod", name));
  while (!text.empty()) {
    auto n = retry([&] { return ::write(fd.get(), text.data(), text.size()); });
    if (n < 0)
      return failure(sys_error("write", name));
    text.remove_prefix(static_cast<size_t>(n));
  }
  if (durability == Durability::disk && ::fsync(fd.get()) != 0)
    return failure(sys_error("fsync", name));
  return {};
}

Result<void> replace(int directory, const std::string& path, std::string_view text, unsigned mode,
                     Durability durability) {
  auto slash = path.rfind('/');
  auto name_begin = slash == std::string::npos ? 0 : slash + 1;
  auto temporary = path.substr(0, name_begin) + "." + path.substr(name_begin) + ".tmp";
  if (auto written = write_new_file(directory, temporary, text, mode, durability); !written) {
    ::unlinkat(directory, temporary.c_str(), 0);
    return written;
  }
  if (::renameat(directory, temporary.c_str(), directory, path.c_str()) != 0) {
    auto error = sys_error("rename", path);
    ::unlinkat(directory, temporary.c_str(), 0);
    return failure(std::move(error));
  }
  if (durability == Durability::process)
    return {};
  // The new name is durable only when its directory is.
  auto parent = slash == std::string::npos ? std::string{"."} : path.substr(0, name_begin);
  auto fd = UniqueFd{::openat(directory, parent.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
  if (!fd || ::fsync(fd.get()) != 0)
    return failure(sys_error("fsync", parent));
  return {};
}

} // namespace

Result<std::string> read_file(const std::string& path, size_t limit) {
  return read_open_file(AT_FDCWD, path, limit, 0);
}

Result<std::string> read_file_at(const UniqueFd& directory, const std::string& name, size_t limit) {
  return read_open_file(directory.get(), name, limit, O_NOFOLLOW);
}

Result<void> write_file(const std::string& path, std::string_view text) {
  return write_existing(AT_FDCWD, path, text, 0);
}

Result<void> write_file_at(const UniqueFd& directory, const std::string& name,
                           std::string_view text) {
  return write_existing(directory.get(), name, text, O_NOFOLLOW);
}

Result<void> replace_file(const std::string& path, std::string_view text, unsigned mode,
                          Durability durability) {
  return replace(AT_FDCWD, path, text, mode, durability);
}

Result<void> replace_file_at(const UniqueFd& directory, const std::string& name,
                             std::string_view text, unsigned mode, Durability durability) {
  return replace(directory.get(), name, text, mode, durability);
}

Result<UniqueFd> open_directory(const std::string& path) {
  auto fd = UniqueFd{::open(path.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC)};
  if (!fd)
    return failure(sys_error("open", path));
  return fd;
}

Result<void> make_directories(const std::string& path, unsigned mode) {
  if (::mkdir(path.c_str(), mode) == 0)
    return {};
  auto error = sys_error("mkdir", path);
  if (is_directory(path))
    return {};
  auto trimmed = std::string_view{path}.substr(0, path.find_last_not_of('/') + 1);
  auto slash = trimmed.rfind('/');
  if (slash == std::string_view::npos || slash == 0)
    return failure(std::move(error));
  if (auto made = make_directories(std::string{trimmed.substr(0, slash)}, mode); !made)
    return made;
  // Somebody else may make the same directories at the same time.
  if (::mkdir(path.c_str(), mode) != 0 && !is_directory(path))
    return failure(sys_error("mkdir", path));
  return {};
}

bool is_directory(const std::string& path) {
  struct stat info = {};
  return ::stat(path.c_str(), &info) == 0 && S_ISDIR(info.st_mode);
}

} // namespace berth
