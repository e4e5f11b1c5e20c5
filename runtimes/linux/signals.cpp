#include "runtimes/linux/signals.hpp"

#include "runtimes/linux/sys_error.hpp"

#include <cerrno>
#include <csignal>

#include <sys/signalfd.h>
#include <unistd.h>

namespace berth {

Result<UniqueFd> block_signals(std::initializer_list<int> signals) {
  std::signal(SIGPIPE, SIG_IGN);
  sigset_t set;
  ::sigemptyset(&set);
  for (auto signal : signals)
    ::sigaddset(&set, signal);
  if (::pthread_sigmask(SIG_BLOCK, &set, nullptr) != 0)
    return failure(sys_error("pthread_sigmask"));
  auto descriptor = UniqueFd{::signalfd(-1, &set, SFD_CLOEXEC)};
  if (!descriptor)
    return failure(sys_error("signalfd"));
  return descriptor;
}

Result<int> next_signal(const UniqueFd& descriptor) {
  auto info = signalfd_siginfo{};
  for (;;) {
    auto n = ::read(descriptor.get(), &info, sizeof(info));
    if (n == sizeof(info))
      return static_cast<int>(info.ssi_signo);
    if (n < 0 && errno == EINTR)
      continue;
    return failure(sys_error("read", "signalfd"));
  }
}

} // namespace berth
