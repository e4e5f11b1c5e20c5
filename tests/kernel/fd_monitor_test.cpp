#include "runtimes/linux/fd_monitor.hpp"

#include "tests/support/catch.hpp"

#include <chrono>
#include <future>
#include <set>
#include <thread>

#include <fcntl.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

using namespace berth;
using namespace std::chrono_literals;

namespace {

using SharedFd = std::shared_ptr<const UniqueFd>;

constexpr auto patience = 20s;

SharedFd make_eventfd() {
  auto fd = std::make_shared<const UniqueFd>(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  REQUIRE(*fd);
  return fd;
}

void signal(const SharedFd& fd) {
  auto one = uint64_t{1};
  if (::write(fd->get(), &one, sizeof(one)) != sizeof(one))
    throw std::runtime_error("cannot write to an eventfd");
}

/// Takes what is there; 0 if nothing is.
uint64_t drain(const SharedFd& fd) {
  auto n = uint64_t{0};
  return ::read(fd->get(), &n, sizeof(n)) == sizeof(n) ? n : 0;
}

std::unique_ptr<FdMonitor> start_monitor() {
  auto monitor = FdMonitor::start();
  REQUIRE(monitor);
  return std::move(*monitor);
}

/// Returns when the monitor thread has finished whatever it was doing when this was called.
void synchronize(FdMonitor& monitor) {
  auto fd = make_eventfd();
  auto reached = std::promise<void>{};
  REQUIRE(monitor.watch(fd, [&] {
    reached.set_value();
    return false;
  }));
  signal(fd);
  REQUIRE(reached.get_future().wait_for(patience) == std::future_status::ready);
}

} // namespace

TEST_CASE("a callback runs for as long as its descriptor is readable") {
  auto monitor = start_monitor();
  auto fd = make_eventfd();
  auto calls = std::atomic<int>{0};
  auto third = std::promise<void>{};
  REQUIRE(monitor->watch(fd, [&, fd] {
    if (++calls < 3)
      return true;
    drain(fd);
    third.set_value();
    return true;
  }));
  signal(fd);
  REQUIRE(third.get_future().wait_for(patience) == std::future_status::ready);
  synchronize(*monitor);
  CHECK(calls == 3);
}

TEST_CASE("a callback that returns false is never called again and its descriptor is closed") {
  auto monitor = start_monitor();
  auto fd = make_eventfd();
  auto held = std::weak_ptr{fd};
  auto calls = std::atomic<int>{0};
  signal(fd);
  REQUIRE(monitor->watch(std::move(fd), [&] {
    ++calls;
    return false;
  }));
  synchronize(*monitor);
  synchronize(*monitor);
  CHECK(calls == 1);
  CHECK(held.expired());
}

TEST_CASE("a hung-up peer makes its descriptor readable") {
  auto monitor = start_monitor();
  int ends[2];
  REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) == 0);
  auto ours = std::make_shared<const UniqueFd>(ends[0]);
  auto theirs = UniqueFd{ends[1]};
  auto hung_up = std::promise<void>{};
  REQUIRE(monitor->watch(ours, [&] {
    hung_up.set_value();
    return false;
  }));
  theirs = UniqueFd{};
  REQUIRE(hung_up.get_future().wait_for(patience) == std::future_status::ready);
}

TEST_CASE("a watch of something that cannot be watched is refused") {
  auto monitor = start_monitor();
  auto file = std::make_shared<const UniqueFd>(::open("/proc/self/exe", O_RDONLY | O_CLOEXEC));
  REQUIRE(*file);
  auto refused = monitor->watch(file, [] { return true; });
  REQUIRE(!refused);
  CHECK(refused.error().code == ec::system_error);
  auto fd = make_eventfd();
  REQUIRE(monitor->watch(fd, [] { return true; }));
  CHECK(!monitor->watch(fd, [] { return true; }));
}

TEST_CASE("an ended watch leaves the descriptor to its owner, who may watch it again at once") {
  auto monitor = start_monitor();
  auto fd = make_eventfd();
  auto old_calls = std::atomic<int>{0};
  auto token = monitor->watch(fd, [&] {
    ++old_calls;
    return true;
  });
  REQUIRE(token);
  monitor->unwatch(*token);
  monitor->unwatch(*token);
  monitor->unwatch(4711);
  auto told = std::promise<void>{};
  auto next = monitor->watch(fd, [&] {
    told.set_value();
    return false;
  });
  REQUIRE(next);
  CHECK(*next != *token);
  signal(fd);
  REQUIRE(told.get_future().wait_for(patience) == std::future_status::ready);
  CHECK(old_calls == 0);
}

TEST_CASE("a callback in flight keeps its descriptor while another thread ends the watch") {
  auto monitor = start_monitor();
  auto fd = make_eventfd();
  auto held = std::weak_ptr{fd};
  auto number = fd->get();
  auto entered = std::promise<void>{};
  auto go_on = std::promise<void>{};
  auto was_open = std::atomic<bool>{false};
  signal(fd);
  auto token = monitor->watch(std::move(fd), [&] {
    entered.set_value();
    go_on.get_future().wait_for(patience);
    was_open = ::fcntl(number, F_GETFD) != -1;
    return true;
  });
  REQUIRE(token);
  REQUIRE(entered.get_future().wait_for(patience) == std::future_status::ready);
  monitor->unwatch(*token);
  go_on.set_value();
  synchronize(*monitor);
  CHECK(was_open);
  CHECK(held.expired());
}

TEST_CASE("a callback may end its own watch, another one's, and start new ones") {
  auto monitor = start_monitor();
  auto first = make_eventfd();
  auto second = make_eventfd();
  auto third = make_eventfd();
  auto done = std::promise<void>{};
  auto second_calls = std::atomic<int>{0};
  auto second_token = monitor->watch(second, [&] {
    ++second_calls;
    return true;
  });
  REQUIRE(second_token);
  auto first_token = std::atomic<FdMonitor::Token>{0};
  auto token = monitor->watch(first, [&] {
    monitor->unwatch(*second_token);
    monitor->unwatch(first_token);
    signal(second);
    signal(third);
    return monitor
        ->watch(third,
                [&] {
                  done.set_value();
                  return false;
                })
        .has_value();
  });
  REQUIRE(token);
  first_token = *token;
  signal(first);
  REQUIRE(done.get_future().wait_for(patience) == std::future_status::ready);
  synchronize(*monitor);
  CHECK(second_calls == 0);
}

TEST_CASE("what a callback holds may come back to the monitor when it is destroyed") {
  auto monitor = start_monitor();
  auto other = make_eventfd();
  auto other_token = monitor->watch(other, [] { return true; });
  REQUIRE(other_token);
  auto fd = make_eventfd();
  auto guard = std::shared_ptr<void>(nullptr, [&](void*) { monitor->unwatch(*other_token); });
  auto token = monitor->watch(fd, [guard = std::move(guard)] { return true; });
  REQUIRE(token);
  monitor->unwatch(*token);
  CHECK(monitor->watch(other, [] { return true; }));
}

TEST_CASE("a stopped monitor calls nobody and closes what it held") {
  auto calls = std::atomic<int>{0};
  auto held = std::weak_ptr<const UniqueFd>{};
  auto kept = make_eventfd();
  {
    auto monitor = start_monitor();
    auto fd = make_eventfd();
    held = fd;
    REQUIRE(monitor->watch(std::move(fd), [&] {
      ++calls;
      return true;
    }));
    REQUIRE(monitor->watch(kept, [&] {
      ++calls;
      return true;
    }));
  }
  signal(kept);
  CHECK(calls == 0);
  CHECK(held.expired());
  CHECK(drain(kept) == 1);
}

TEST_CASE("no event is lost and none reaches a stranger while descriptor numbers are reused") {
  // Threads open, watch, signal and drop descriptors as fast as they can, so that numbers come back at once. Each callback
  // checks that the value it reads is the one that its own round has written.
  auto monitor = start_monitor();
  constexpr auto threads = 4;
  constexpr auto rounds = 2000;
  auto strangers = std::atomic<int>{0};
  auto lost = std::atomic<int>{0};
  auto one_round = [&](uint64_t mark) {
    auto fd = std::make_shared<const UniqueFd>(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
    auto told = std::make_shared<std::promise<uint64_t>>();
    auto future = told->get_future();
    auto token = monitor->watch(fd, [fd, told] {
      told->set_value(drain(fd));
      return false;
    });
    auto written = token && ::write(fd->get(), &mark, sizeof(mark)) == sizeof(mark);
    fd.reset();
    if (!written || future.wait_for(patience) != std::future_status::ready)
      ++lost;
    else if (future.get() != mark)
      ++strangers;
  };
  // Ends the watch while its event is under way: whether it is told or not, nobody else may hear of it.
  auto one_race = [&](uint64_t mark) {
    auto fd = std::make_shared<const UniqueFd>(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
    auto token = monitor->watch(fd, [&strangers, mark, fd] {
      if (drain(fd) != mark)
        ++strangers;
      return true;
    });
    if (!token || ::write(fd->get(), &mark, sizeof(mark)) != sizeof(mark))
      ++lost;
    else
      monitor->unwatch(*token);
  };
  auto workers = std::vector<std::thread>{};
  for (auto t = 0; t < threads; ++t)
    workers.emplace_back([&, t] {
      for (auto i = 0; i < rounds; ++i) {
        auto mark = static_cast<uint64_t>(t) * rounds + static_cast<uint64_t>(i) + 1;
        if (t % 2 == 0)
          one_round(mark);
        else
          one_race(mark);
      }
    });
  for (auto& worker : workers)
    worker.join();
  CHECK(lost == 0);
  CHECK(strangers == 0);
}

TEST_CASE("many descriptors are told apart") {
  auto monitor = start_monitor();
  constexpr auto count = 400;
  auto fds = std::vector<SharedFd>{};
  auto mutex = std::mutex{};
  auto told = std::set<int>{};
  auto all = std::promise<void>{};
  for (auto i = 0; i < count; ++i) {
    fds.push_back(make_eventfd());
    REQUIRE(monitor->watch(fds.back(), [&, i] {
      auto guard = std::lock_guard{mutex};
      if (told.insert(i).second && told.size() == count)
        all.set_value();
      return false;
    }));
  }
  for (auto& fd : fds)
    signal(fd);
  REQUIRE(all.get_future().wait_for(patience) == std::future_status::ready);
}
