#include "runtimes/linux/unique_fd.hpp"

#include <unistd.h>

namespace berth {

UniqueFd::~UniqueFd() {
  if (fd_ >= 0)
    ::close(fd_);
}

} // namespace berth
