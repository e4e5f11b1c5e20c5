#include "runtimes/linux/oom_watch.hpp"

#include "runtimes/linux/file.hpp"
#include "runtimes/linux/retry.hpp"
#include "runtimes/linux/sys_error.hpp"

#include <algorithm>
#include <array>
#include <cerrno>

#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <unistd.h>

using namespace std::chrono_literals;

namespace berth {

namespace {

constexpr auto v1_counters = "memory.oom_control";
constexpr auto v2_counters = "memory.events";

/// Both kinds of counter files are a few short lines.
constexpr size_t counters_limit = 1024;
constexpr size_t value_limit = 64;

/// One call of `drain` takes at most this many full buffers from the kernel.
constexpr int drain_rounds = 4;
constexpr size_t v1_batch = 256;
constexpr size_t v2_batch = 16 * 1024;

/// Measured from notice to count: 3 ms at the median on an idle machine, 8 ms on a busy one. So short pauses at first, then
/// longer ones: 14 reads of 10 us in about a second.
constexpr std::chrono::milliseconds v1_follow_ups[]
  = {1ms, 1ms, 2ms, 4ms, 8ms, 8ms, 8ms, 16ms, 16ms, 32ms, 64ms, 128ms, 256ms, 512ms};

Result<UniqueFd> open_counters(const UniqueFd& group, const char* name,
                               const std::string& memory_cgroup) {
  auto fd = UniqueFd{::openat(group.get(), name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW)};
  if (!fd)
    return failure(sys_error("open", memory_cgroup + "/" + name));
  return fd;
}

std::optional<uint64_t> read_count(const UniqueFd& group, const char* name) {
  auto text = read_file_at(group, name, value_limit);
  return text ? parse_counter(*text) : std::nullopt;
}

std::optional<uint64_t> read_limit(const UniqueFd& group, const std::string& name) {
  auto text = read_file_at(group, name, value_limit);
  return text ? parse_limit(*text) : std::nullopt;
}

Result<OomCounters> read_v1(std::string_view text, const UniqueFd& group) {
  auto control = parse_oom_control(text);
  if (!control)
    return failure(std::move(control.error()));
  auto limit = read_limit(group, "memory.limit_in_bytes");
  auto peak = read_count(group, "memory.max_usage_in_bytes");
  // The runtime removes the group at this very moment. Half of it is worse than nothing: the end brings all of it.
  if (!limit || !peak)
    return failure(ec::system_error, "memory counters", "the group has gone");
  return OomCounters{control->oom_kill, 0, *limit, *peak};
}

Result<OomCounters> read_v2(std::string_view text, const UniqueFd& group) {
  auto events = parse_memory_events(text);
  if (!events)
    return failure(std::move(events.error()));
  // The limit is that of the runtime's group, for as long as the runtime has not removed it.
  auto limit = read_limit(group, std::string{runtime_group_name} + "/memory.max");
  if (!limit)
    limit = read_limit(group, "memory.max");
  if (!limit)
    return failure(ec::system_error, "memory counters", "the group has gone");
  // Ours counts what the kernel needs for the runtime's group, too, and may be above its limit.
  auto peak = read_count(group, (std::string{runtime_group_name} + "/memory.peak").c_str());
  for (auto name : {"memory.peak", "memory.current"})
    if (!peak)
      peak = read_count(group, name);
  return OomCounters{events->oom_kill, events->oom_group_kill.value_or(0), *limit, peak.value_or(0)};
}

} // namespace

Result<std::unique_ptr<OomWatch>> OomWatch::open(CgroupVersion version) {
  auto v2 = version == CgroupVersion::v2;
  auto descriptor =
      UniqueFd{v2 ? ::inotify_init1(IN_CLOEXEC | IN_NONBLOCK) : ::epoll_create1(EPOLL_CLOEXEC)};
  if (!descriptor) {
    auto cause = errno;
    auto error = sys_error(v2 ? "inotify_init1" : "epoll_create1");
    if (v2 && cause == EMFILE)
      error.next = "raise the sysctl fs.inotify.max_user_instances";
    return failure(std::move(error));
  }
  return std::unique_ptr<OomWatch>{new OomWatch(version, std::move(descriptor))};
}

OomWatch::OomWatch(CgroupVersion version, UniqueFd descriptor)
    : version_(version), descriptor_(std::make_shared<const UniqueFd>(std::move(descriptor))) {
  // nop
}

Result<OomWatch::WatchId> OomWatch::add(const std::string& memory_cgroup) {
  // Held all the time: who drains an event of this watch finds the watch.
  auto guard = std::lock_guard{mutex_};
  auto id = next_++;
  auto watch =
      version_ == CgroupVersion::v1 ? place_v1(memory_cgroup, id) : place_v2(memory_cgroup, id);
  if (!watch)
    return failure(std::move(watch.error()));
  watches_.emplace(id, std::move(*watch));
  return id;
}

Result<std::shared_ptr<OomWatch::Watch>> OomWatch::place_v1(const std::string& memory_cgroup,
                                                            WatchId id) {
  auto group = open_directory(memory_cgroup);
  if (!group)
    return failure(std::move(group.error()));
  auto counters = open_counters(*group, v1_counters, memory_cgroup);
  if (!counters)
    return failure(std::move(counters.error()));
  auto notice = UniqueFd{::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)};
  if (!notice)
    return failure(sys_error("eventfd", memory_cgroup));
  // Edge-triggered: each notice is an edge of its own, so the descriptor need not be read.
  auto event = epoll_event{};
  event.events = EPOLLIN | EPOLLET;
  event.data.u64 = id;
  if (::epoll_ctl(descriptor_->get(), EPOLL_CTL_ADD, notice.get(), &event) != 0)
    return failure(sys_error("epoll_ctl", memory_cgroup));
  auto order = std::to_string(notice.get()) + " " + std::to_string(counters->get());
  if (auto written = write_file_at(*group, "cgroup.event_control", order); !written)
    return failure(std::move(written.error()));
  return std::make_shared<Watch>(
      Watch{std::move(*group), std::move(*counters), std::move(notice), -1});
}

Result<std::shared_ptr<OomWatch::Watch>> OomWatch::place_v2(const std::string& memory_cgroup,
                                                            WatchId id) {
  auto group = open_directory(memory_cgroup);
  if (!group)
    return failure(std::move(group.error()));
  auto counters = open_counters(*group, v2_counters, memory_cgroup);
  if (!counters)
    return failure(std::move(counters.error()));
  // By way of the open file, so that watch and counters cannot be of two groups.
  auto path = "/proc/self/fd/" + std::to_string(counters->get());
  auto number = ::inotify_add_watch(descriptor_->get(), path.c_str(), IN_MODIFY | IN_MASK_CREATE);
  if (number < 0) {
    auto cause = errno;
    auto error = sys_error("inotify_add_watch", memory_cgroup + "/" + v2_counters);
    if (cause == ENOSPC)
      error.next = "raise the sysctl fs.inotify.max_user_watches";
    return failure(std::move(error));
  }
  by_inotify_watch_.emplace(number, id);
  return std::make_shared<Watch>(
      Watch{std::move(*group), std::move(*counters), UniqueFd{}, number});
}

void OomWatch::remove(WatchId id) {
  auto guard = std::lock_guard{mutex_};
  auto node = watches_.extract(id);
  if (!node)
    return;
  auto& watch = *node.mapped();
  // A reader may hold the watch a little longer; the kernel shall be quiet from now on.
  if (watch.notice)
    ::epoll_ctl(descriptor_->get(), EPOLL_CTL_DEL, watch.notice.get(), nullptr);
  if (watch.inotify_watch >= 0) {
    ::inotify_rm_watch(descriptor_->get(), watch.inotify_watch);
    by_inotify_watch_.erase(watch.inotify_watch);
  }
}

Result<OomCounters> OomWatch::read(WatchId id) const {
  auto watch = [&]() -> std::shared_ptr<const Watch> {
    auto guard = std::lock_guard{mutex_};
    auto i = watches_.find(id);
    return i != watches_.end() ? i->second : nullptr;
  }();
  auto name = "watch " + std::to_string(id);
  if (!watch)
    return failure(ec::system_error, std::move(name), "ended");
  auto text = std::array<char, counters_limit>{};
  auto size = retry([&] { return ::pread(watch->counters.get(), text.data(), text.size(), 0); });
  if (size < 0)
    return failure(sys_error("read", name));
  auto view = std::string_view{text.data(), static_cast<size_t>(size)};
  return version_ == CgroupVersion::v1 ? read_v1(view, watch->group) : read_v2(view, watch->group);
}

std::vector<OomWatch::WatchId> OomWatch::drain() {
  auto result = version_ == CgroupVersion::v1 ? drain_v1() : drain_v2();
  std::sort(result.begin(), result.end());
  result.erase(std::unique(result.begin(), result.end()), result.end());
  return result;
}

std::vector<OomWatch::WatchId> OomWatch::drain_v1() {
  auto result = std::vector<WatchId>{};
  auto events = std::array<epoll_event, v1_batch>{};
  for (auto round = 0; round < drain_rounds; ++round) {
    auto n = retry([&] {
      return ::epoll_wait(descriptor_->get(), events.data(), static_cast<int>(events.size()), 0);
    });
    auto guard = std::lock_guard{mutex_};
    for (auto i = 0; i < n; ++i)
      if (watches_.count(events[static_cast<size_t>(i)].data.u64) > 0)
        result.push_back(events[static_cast<size_t>(i)].data.u64);
    if (n < static_cast<int>(events.size()))
      break;
  }
  return result;
}

std::vector<OomWatch::WatchId> OomWatch::drain_v2() {
  auto result = std::vector<WatchId>{};
  alignas(inotify_event) std::array<char, v2_batch> buffer;
  for (auto round = 0; round < drain_rounds; ++round) {
    auto size = retry([&] { return ::read(descriptor_->get(), buffer.data(), buffer.size()); });
    auto guard = std::lock_guard{mutex_};
    for (auto offset = ssize_t{0}; offset < size;) {
      auto& event = *reinterpret_cast<const inotify_event*>(buffer.data() + offset);
      offset += static_cast<ssize_t>(sizeof(inotify_event) + event.len);
      if ((event.mask & IN_Q_OVERFLOW) != 0)
        // The kernel does not know any more who it was.
        for (auto& [id, watch] : watches_)
          result.push_back(id);
      else if (auto i = by_inotify_watch_.find(event.wd); i != by_inotify_watch_.end())
        result.push_back(i->second);
    }
    if (size < static_cast<ssize_t>(buffer.size()))
      break;
  }
  return result;
}

std::span<const std::chrono::milliseconds> OomWatch::follow_ups() const noexcept {
  return version_ == CgroupVersion::v1 ? std::span{v1_follow_ups}
                                       : std::span<const std::chrono::milliseconds>{};
}

} // namespace berth
