#include "runtimes/linux/pipe.hpp"

#include "runtimes/linux/retry.hpp"
#include "runtimes/linux/sys_error.hpp"

#include <algorithm>

#include <fcntl.h>
#include <unistd.h>

namespace berth {

Result<Pipe> Pipe::make() {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) < 0)
    return failure(sys_error("pipe2"));
  auto result = Pipe{UniqueFd{ends[0]}, UniqueFd{ends[1]}};
  if (::fcntl(ends[0], F_SETFL, O_NONBLOCK) < 0)
    return failure(sys_error("fcntl", "O_NONBLOCK"));
  return result;
}

void Pipe::read_available(std::string& buffer, size_t max) {
  auto begin = buffer.size();
  buffer.resize(begin + max);
  auto n = ssize_t{1};
  while (begin < buffer.size() && n > 0) {
    n = retry([&] { return ::read(read_end.get(), buffer.data() + begin, buffer.size() - begin); });
    begin += static_cast<size_t>(std::max<ssize_t>(n, 0));
  }
  buffer.resize(begin);
  if (n == 0 || (n < 0 && errno != EAGAIN))
    read_end = UniqueFd{};
}

} // namespace berth
