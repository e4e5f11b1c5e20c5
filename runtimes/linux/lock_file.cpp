#include "runtimes/linux/lock_file.hpp"

#include "runtimes/linux/file.hpp"
#include "runtimes/linux/sys_error.hpp"

#include <cerrno>

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

namespace berth {

Result<UniqueFd> take_lock(const std::string& path) {
  auto file = UniqueFd{::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, private_file_mode)};
  if (!file)
    return failure(sys_error("open", path));
  if (::flock(file.get(), LOCK_EX | LOCK_NB) != 0) {
    if (errno != EWOULDBLOCK)
      return failure(sys_error("flock", path));
    auto holder = read_file(path, 64).value_or("");
    while (!holder.empty() && holder.back() == '\n')
      holder.pop_back();
    return failure(ec::wrong_state, path, "it is locked by another berthd" + (holder.empty() ? "" : ", pid " + holder),
                   "stop that one, or give this one another directory (--root)");
  }
  auto pid = std::to_string(::getpid()) + "\n";
  if (::ftruncate(file.get(), 0) != 0 || ::pwrite(file.get(), pid.data(), pid.size(), 0) < 0)
    return failure(sys_error("write", path));
  return file;
}

} // namespace berth
