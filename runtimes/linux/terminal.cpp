#include "runtimes/linux/terminal.hpp"

#include <unistd.h>

namespace berth {

bool is_terminal(int fd) {
  return ::isatty(fd) == 1;
}

} // namespace berth
