#include "runtimes/linux/unix_listener.hpp"

#include "runtimes/linux/retry.hpp"
#include "runtimes/linux/sys_error.hpp"

#include <algorithm>
#include <system_error>

#include <fcntl.h>
#include <grp.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

namespace berth {

namespace {

sockaddr_un address_of(const std::string& path) {
  auto result = sockaddr_un{};
  result.sun_family = AF_UNIX;
  std::copy(path.begin(), path.end(), result.sun_path);
  return result;
}

/// An empty descriptor if nobody can be reached; then `errno` says why.
UniqueFd try_connect(const std::string& path) {
  auto fd = UniqueFd{::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)};
  auto address = address_of(path);
  if (fd && retry([&] {
              return ::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address),
                               sizeof(address));
            }) < 0) {
    auto reason = errno;
    fd = UniqueFd{};
    errno = reason;
  }
  return fd;
}

/// Makes sure that nobody serves the path, and that nothing is there.
Result<void> clear_path(const std::string& path, const UniqueFd& directory,
                        const std::string& name) {
  struct stat status {};
  if (::fstatat(directory.get(), name.c_str(), &status, AT_SYMLINK_NOFOLLOW) < 0) {
    if (errno == ENOENT)
      return {};
    return failure(sys_error("stat", path));
  }
  if (!S_ISSOCK(status.st_mode))
    return failure(ec::wrong_state, path, "something that is not a socket is in the way",
                   "move it away");
  // A server whose queue is full (EAGAIN) is a server, too.
  if (try_connect(path) || errno == EAGAIN)
    return failure(ec::wrong_state, "socket " + path, "another berthd serves it",
                   "stop that one, or use another --root");
  if (errno != ECONNREFUSED && errno != ENOENT)
    return failure(sys_error("connect", path));
  if (::unlinkat(directory.get(), name.c_str(), 0) < 0 && errno != ENOENT)
    return failure(sys_error("unlink", path));
  return {};
}

/// Means to chown(2): as it is.
const auto keep_group = Result<gid_t>{static_cast<gid_t>(-1)};
constexpr auto keep_owner = static_cast<uid_t>(-1);

Result<gid_t> find_group(const std::string& name) {
  errno = 0;
  if (auto entry = ::getgrnam(name.c_str()))
    return entry->gr_gid;
  return failure(ec::bad_request, "group \"" + name + "\"",
                 errno != 0 ? std::system_category().message(errno) : "there is none of this name",
                 "make it with `groupadd --system " + name + "`");
}

} // namespace

Result<void> check_socket_path(const std::string& path) {
  if (path.empty() || path.find('\0') != std::string::npos)
    return failure(ec::bad_request, "socket path", "empty or with a zero byte in it");
  if (path.size() > socket_path_limit)
    return failure(ec::bad_request, "socket path " + path,
                   "has " + std::to_string(path.size()) + " bytes; the kernel allows "
                       + std::to_string(socket_path_limit),
                   "use a directory with a shorter path");
  return {};
}

Result<UniqueFd> connect_unix(const std::string& path) {
  if (auto ok = check_socket_path(path); !ok)
    return failure(std::move(ok.error()));
  auto fd = try_connect(path);
  if (!fd)
    return failure(sys_error("connect", path));
  return fd;
}

Result<UnixListener> UnixListener::bind(const std::string& path, unsigned mode,
                                        const std::string& group) {
  if (auto ok = check_socket_path(path); !ok)
    return failure(std::move(ok.error()));
  auto gid = group.empty() ? keep_group : find_group(group);
  if (!gid)
    return failure(std::move(gid.error()));
  auto slash = path.rfind('/');
  auto parent =
      slash == std::string::npos ? std::string{"."} : path.substr(0, std::max<size_t>(slash, 1));
  auto name = path.substr(slash == std::string::npos ? 0 : slash + 1);
  auto directory = UniqueFd{::open(parent.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
  if (!directory)
    return failure(sys_error("open", parent));
  // The lock makes looking and taking one step. It is on the directory so that no lock file is left
  // behind.
  if (retry([&] { return ::flock(directory.get(), LOCK_EX | LOCK_NB); }) < 0)
    return failure(ec::wrong_state, "socket " + path, "another process is about to make it",
                   "try again");
  if (auto ok = clear_path(path, directory, name); !ok)
    return failure(std::move(ok.error()));
  auto fd = UniqueFd{::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)};
  if (!fd)
    return failure(sys_error("socket"));
  // The file gets the mode of the socket, less the umask: never more than is wanted, and a moment
  // later exactly that.
  if (::fchmod(fd.get(), mode) < 0)
    return failure(sys_error("fchmod", path));
  auto address = address_of(path);
  if (::bind(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)) < 0)
    return failure(sys_error("bind", path));
  struct stat status {};
  if (*gid != *keep_group
      && ::fchownat(directory.get(), name.c_str(), keep_owner, *gid, AT_SYMLINK_NOFOLLOW) < 0)
    return failure(sys_error("chown", path));
  if (::fchmodat(directory.get(), name.c_str(), mode, 0) < 0)
    return failure(sys_error("chmod", path));
  if (::fstatat(directory.get(), name.c_str(), &status, AT_SYMLINK_NOFOLLOW) < 0)
    return failure(sys_error("stat", path));
  if (::listen(fd.get(), SOMAXCONN) < 0)
    return failure(sys_error("listen", path));
  ::flock(directory.get(), LOCK_UN);
  return UnixListener{std::move(directory), std::move(name), std::move(fd), status.st_ino};
}

UnixListener::UnixListener(UniqueFd directory, std::string name, UniqueFd fd, uint64_t inode)
    : directory_(std::move(directory)), name_(std::move(name)), fd_(std::move(fd)), inode_(inode) {
  // nop
}

UnixListener::~UnixListener() {
  if (!fd_)
    return;
  struct stat status {};
  if (::fstatat(directory_.get(), name_.c_str(), &status, AT_SYMLINK_NOFOLLOW) == 0
      && status.st_ino == inode_)
    ::unlinkat(directory_.get(), name_.c_str(), 0);
}

Result<UniqueFd> UnixListener::accept() const {
  auto fd = UniqueFd{
      retry([&] { return ::accept4(fd_.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK); })};
  if (!fd)
    return failure(sys_error("accept"));
  return fd;
}

} // namespace berth
