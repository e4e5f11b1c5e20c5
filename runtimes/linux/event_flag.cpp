#include "runtimes/linux/event_flag.hpp"

#include "runtimes/linux/sys_error.hpp"
#include "runtimes/linux/wait_any.hpp"

#include <sys/eventfd.h>

namespace berth {

Result<EventFlag> EventFlag::make() {
  auto fd = UniqueFd{::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)};
  if (!fd)
    return failure(sys_error("eventfd"));
  return EventFlag{std::move(fd)};
}

void EventFlag::raise() const noexcept {
  // Fails only when the counter is full, and then the flag is raised already.
  ::eventfd_write(fd_.get(), 1);
}

bool EventFlag::raised() const noexcept {
  return wait_any({{&fd_, Interest::readable}}, std::chrono::milliseconds{0}) != 0;
}

} // namespace berth
