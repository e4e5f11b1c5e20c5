#include "runtimes/linux/fd_monitor.hpp"

#include "runtimes/linux/sys_error.hpp"

#include <array>
#include <cerrno>

#include <pthread.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

namespace berth {

namespace {

/// Stands for the descriptor that wakes the monitor thread; the tokens of watches start at 1.
constexpr FdMonitor::Token wake_token = 0;

/// How many events are taken from the kernel at a time.
constexpr size_t batch_size = 64;

bool add_to(const UniqueFd& epoll, const UniqueFd& fd, FdMonitor::Token token) {
  auto event = epoll_event{};
  event.events = EPOLLIN;
  event.data.u64 = token;
  return ::epoll_ctl(epoll.get(), EPOLL_CTL_ADD, fd.get(), &event) == 0;
}

} // namespace

Result<std::unique_ptr<FdMonitor>> FdMonitor::start() {
  auto epoll = UniqueFd{::epoll_create1(EPOLL_CLOEXEC)};
  if (!epoll)
    return failure(sys_error("epoll_create1"));
  auto wake = UniqueFd{::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)};
  if (!wake)
    return failure(sys_error("eventfd"));
  if (!add_to(epoll, wake, wake_token))
    return failure(sys_error("epoll_ctl"));
  return std::unique_ptr<FdMonitor>{new FdMonitor(std::move(epoll), std::move(wake))};
}

FdMonitor::FdMonitor(UniqueFd epoll, UniqueFd wake)
    : epoll_(std::move(epoll)), wake_(std::move(wake)), thread_([this] { run(); }) {
  // nop
}

FdMonitor::~FdMonitor() {
  stopped_ = true;
  auto one = uint64_t{1};
  // Cannot fail: the descriptor is ours and its counter is far from its maximum.
  (void)!::write(wake_.get(), &one, sizeof(one));
  thread_.join();
}

Result<FdMonitor::Token> FdMonitor::watch(std::shared_ptr<const UniqueFd> fd, Callback callback) {
  auto guard = std::lock_guard{mutex_};
  auto token = next_;
  // The thread looks the token up under the same lock, so an event that comes at once finds its watch.
  if (!add_to(epoll_, *fd, token))
    return failure(sys_error("epoll_ctl"));
  ++next_;
  watches_.emplace(token, Watch{std::move(fd), std::make_shared<Callback>(std::move(callback))});
  return token;
}

void FdMonitor::unwatch(Token token) {
  auto ended = [&] {
    auto guard = std::lock_guard{mutex_};
    auto node = watches_.extract(token);
    // Out of the epoll set while we hold the descriptor: whoever gets its number later is not touched.
    if (node)
      ::epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, node.mapped().fd->get(), nullptr);
    return node;
  }();
  // The callback and what it holds are destroyed without the lock: their destructors may come back to us.
}

void FdMonitor::run() {
  ::pthread_setname_np(::pthread_self(), "fd-monitor");
  auto events = std::array<epoll_event, batch_size>{};
  while (!stopped_) {
    auto n = ::epoll_wait(epoll_.get(), events.data(), static_cast<int>(events.size()), -1);
    for (auto i = 0; i < n && !stopped_; ++i)
      if (events[i].data.u64 != wake_token)
        call(events[i].data.u64);
  }
}

void FdMonitor::call(Token token) {
  auto watch = [&]() -> Watch {
    auto guard = std::lock_guard{mutex_};
    auto i = watches_.find(token);
    return i != watches_.end() ? i->second : Watch{};
  }();
  // Gone: another thread ended the watch after the kernel had reported it.
  if (watch.callback && !(*watch.callback)())
    unwatch(token);
}

} // namespace berth
