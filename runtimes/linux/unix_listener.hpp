#pragma once

#include "messages/error.hpp"
#include "runtimes/linux/unique_fd.hpp"

#include <string>

namespace berth {

/// Longest path of a Unix socket: `sun_path` without its final zero.
constexpr size_t socket_path_limit = 107;

/// Fails with `bad_request` if a socket cannot have this path because of its length or a zero byte
/// in it.
Result<void> check_socket_path(const std::string& path);

/// Connects to a stream socket. Does not wait: a server whose queue is full counts as an error
/// (EAGAIN).
Result<UniqueFd> connect_unix(const std::string& path);

/// A listening stream socket in the file system.
class UnixListener {
public:
  /// Makes the socket, with exactly these permission bits from its first moment on. One that a dead
  /// process left behind is replaced; one that somebody serves is not (`wrong_state`), and neither
  /// is anything that is no socket. Two processes that try at once cannot both succeed.
  /// With a `group` name the socket belongs to that group (`bad_request` if there is none).
  static Result<UnixListener> bind(const std::string& path, unsigned mode,
                                   const std::string& group = {});

  UnixListener(UnixListener&&) noexcept = default;
  UnixListener& operator=(UnixListener&&) = delete;

  /// Removes the socket, unless another one is in its place by now.
  ~UnixListener();

  /// The next waiting connection. Fails with `system_error` if there is none, or no descriptor is
  /// left for it.
  Result<UniqueFd> accept() const;

  /// Readable while a connection waits. For waiting only.
  const UniqueFd& fd() const noexcept {
    return fd_;
  }

private:
  UnixListener(UniqueFd directory, std::string name, UniqueFd fd, uint64_t inode);

  UniqueFd directory_;
  std::string name_;
  UniqueFd fd_;
  uint64_t inode_ = 0;
};

} // namespace berth
