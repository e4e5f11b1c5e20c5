#include "runtimes/linux/log_follower.hpp"

#include "runtimes/linux/retry.hpp"
#include "runtimes/linux/sys_error.hpp"

#include <algorithm>
#include <array>
#include <csignal>
#include <set>

#include <fcntl.h>
#include <poll.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <sys/timerfd.h>
#include <unistd.h>

using namespace std::chrono_literals;

namespace berth {

namespace {

using Clock = std::chrono::steady_clock;

constexpr size_t block_size = 64 * 1024;

/// Longer lines are no entries of a log of ours; they are given out in parts.
constexpr size_t line_limit = 64 * 1024;

/// A rotation takes less than a millisecond. One that is never completed, because the writer died in it, ends in a gap.
constexpr int rotation_attempts = 50;
constexpr auto rotation_pause = 2ms;

/// How often a reader looks that the kernel does not tell of news.
constexpr auto clocked_period = 20ms;

/// The kernel tells that a file is closed a moment before it counts it as closed.
constexpr auto closing_pause = 5ms;
constexpr int closing_checks = 20;

/// Above any number of files: how many there are is not known any more.
constexpr uint64_t unknown_newer = UINT32_MAX;

int add_watch(const UniqueFd& inotify, const UniqueFd& target, uint32_t mask) {
  // By way of the descriptor: what is watched is what is open, whatever its name is by now.
  auto path = "/proc/self/fd/" + std::to_string(target.get());
  return ::inotify_add_watch(inotify.get(), path.c_str(), mask);
}

/// Is the file open for writing anywhere? Nothing if the kernel does not tell. It refuses a read lease for exactly these
/// files; a lease that is granted is given back at once.
std::optional<bool> has_writer(const UniqueFd& file) {
  // Whoever opens the file for writing in between waits for a moment, and we get a signal, by default the deadly SIGIO.
  if (::fcntl(file.get(), F_SETSIG, SIGURG) != 0)
    return std::nullopt;
  if (::fcntl(file.get(), F_SETLEASE, F_RDLCK) != 0)
    return errno == EAGAIN ? std::optional{true} : std::nullopt;
  ::fcntl(file.get(), F_SETLEASE, F_UNLCK);
  return false;
}

} // namespace

Result<LogFollower> LogFollower::open(const std::string& path, Mode mode) {
  auto chain = LogChain::open(path);
  if (!chain)
    return failure(std::move(chain.error()));
  auto inotify = UniqueFd{};
  if (mode == Mode::follow) {
    inotify = UniqueFd{::inotify_init1(IN_CLOEXEC | IN_NONBLOCK)};
    if (!inotify && errno == EMFILE)
      return open_clocked(std::move(*chain));
    if (!inotify)
      return failure(sys_error("inotify_init1"));
    // Before the first look, so that nothing happens between look and watch.
    if (add_watch(inotify, chain->directory(), IN_CREATE | IN_MOVED_TO | IN_ONLYDIR) < 0)
      return failure(sys_error("inotify_add_watch", path));
  }
  auto result = LogFollower{std::move(*chain), mode, std::move(inotify)};
  if (auto entered = result.enter_first(); !entered)
    return failure(std::move(entered.error()));
  if (!result.file_ && mode == Mode::read)
    return failure(ec::system_error, "open " + path, "No such file or directory");
  return result;
}

/// A user has 128 inotify instances by default (fs.inotify.max_user_instances). Readers beyond those look at a clock.
Result<LogFollower> LogFollower::open_clocked(LogChain chain) {
  auto clock = UniqueFd{::timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK)};
  if (!clock)
    return failure(sys_error("timerfd_create"));
  constexpr auto period = timespec{0, std::chrono::nanoseconds{clocked_period}.count()};
  auto times = itimerspec{period, period};
  if (::timerfd_settime(clock.get(), 0, &times, nullptr) != 0)
    return failure(sys_error("timerfd_settime"));
  auto result = LogFollower{std::move(chain), Mode::follow, std::move(clock)};
  result.is_clocked_ = true;
  if (auto entered = result.enter_first(); !entered)
    return failure(std::move(entered.error()));
  return result;
}

Result<void> LogFollower::enter_first() {
  auto first = successor();
  return first && first->file ? enter(std::move(*first)) : Result<void>{};
}

LogFollower::LogFollower(LogChain chain, Mode mode, UniqueFd inotify)
    : chain_(std::move(chain)), mode_(mode), inotify_(std::move(inotify)) {
  // nop
}

Result<LogFollower::Piece> LogFollower::next(std::chrono::milliseconds timeout) {
  for (auto end = Clock::now() + timeout;;) {
    if (std::exchange(gap_ahead_, false))
      return Piece{Piece::Kind::gap, {}};
    if (auto lines = take_lines(false))
      return Piece{Piece::Kind::lines, std::move(*lines)};
    stirred_ = false;
    auto more = read_block();
    if (!more)
      return failure(std::move(more.error()));
    if (*more)
      continue;
    // The end of the file for now. If the next two answers make it final, whatever was written before them is still to be
    // read; and a writer that rotates has the new file in place before it closes the old one.
    auto over = !may_grow();
    auto step = successor();
    if (step && (over || step->file)) {
      more = read_block();
      if (!more)
        return failure(std::move(more.error()));
      if (*more)
        continue;
      if (auto lines = take_lines(true))
        return Piece{Piece::Kind::lines, std::move(*lines)};
      if (!step->file)
        return Piece{Piece::Kind::end, {}};
      if (auto entered = enter(std::move(*step)); !entered)
        return failure(std::move(entered.error()));
      continue;
    }
    // While we looked for a successor, the kernel has told of something that was written: nobody will be woken for it again.
    if (stirred_)
      continue;
    auto left = std::chrono::ceil<std::chrono::milliseconds>(end - Clock::now());
    if (left <= 0ms && closing_checks_ == 0)
      return Piece{Piece::Kind::idle, {}};
    wait(std::max(left, 0ms));
  }
}

LogFollower::Attempt LogFollower::successor() {
  for (auto i = 0; i < rotation_attempts; ++i) {
    take_events();
    if (auto step = look_for_successor())
      return step;
    // Not for events: a rotation that died has none.
    ::poll(nullptr, 0, rotation_pause.count());
  }
  if (file_ && linked_inode(file_) != 0)
    return std::nullopt;
  // What is left of our log after a rotation that was not completed; lines may be missing before it.
  auto step = oldest();
  if (step)
    step->gap = static_cast<bool>(file_);
  return step;
}

LogFollower::Attempt LogFollower::look_for_successor() {
  if (!file_)
    return oldest();
  auto inode = linked_inode(file_);
  if (inode == 0)
    return after_removed();
  if (inode == chain_.current())
    return Step{};
  return after_linked(inode);
}

LogFollower::Attempt LogFollower::oldest() {
  auto files = chain_.files();
  return files.empty() ? Step{} : open_step(files, std::prev(files.end()));
}

LogFollower::Attempt LogFollower::after_linked(uint64_t inode) {
  auto files = chain_.files();
  auto mine =
      std::find_if(files.begin(), files.end(), [&](auto& entry) { return entry.second == inode; });
  if (mine == files.end())
    return std::nullopt;
  if (mine == files.begin())
    return Step{};
  // The nearest lower number, for in the middle of a rotation one of them is free.
  return open_step(files, std::prev(mine));
}

LogFollower::Attempt LogFollower::after_removed() {
  // Our file has no number any more, so the next one is found by counting the files begun since. The count holds when no
  // rotation is going on and the kernel has told of the last one, which it does a moment after the new name is seen.
  auto current = chain_.current();
  auto watched = pollfd{inotify_.get(), POLLIN, 0};
  ::poll(&watched, 1, rotation_pause.count());
  if (take_events() || chain_.is_rotating())
    return std::nullopt;
  auto files = chain_.files();
  // Somebody removed the newest file. Older ones may be left, but we have read them.
  if (newer_ == 0 && current == 0)
    return Step{};
  auto known = mode_ == Mode::follow && newer_ > 0;
  auto end = known ? files.lower_bound(static_cast<uint32_t>(newer_)) : files.end();
  if (end == files.begin())
    return Step{};
  auto number = std::prev(end)->first;
  auto step = open_step(files, std::prev(end));
  if (!step || chain_.is_rotating() || chain_.current() != current)
    return std::nullopt;
  step->gap = !known || number + 1 != newer_;
  return step;
}

/// Opens one of the files if all of them are where they were: files move to higher numbers only, so none has slipped in.
LogFollower::Attempt LogFollower::open_step(const Files& files, Files::const_iterator next) {
  auto file = chain_.open_file(next->first);
  if (!file || linked_inode(file) != next->second || chain_.files() != files || take_events())
    return std::nullopt;
  auto newer = std::set<uint64_t>{};
  // During a rotation one file has two numbers.
  for (auto i = files.begin(); i != next; ++i)
    newer.insert(i->second);
  return Step{std::move(file), false, newer.size()};
}

Result<void> LogFollower::enter(Step step) {
  file_ = std::move(step.file);
  offset_ = 0;
  newer_ = step.newer;
  gap_ahead_ = step.gap;
  closed_ = false;
  closing_checks_ = 0;
  if (is_clocked_)
    newer_ = unknown_newer;
  if (mode_ == Mode::read || is_clocked_)
    return {};
  if (file_watch_ >= 0)
    ::inotify_rm_watch(inotify_.get(), file_watch_);
  file_watch_ = add_watch(inotify_, file_, IN_MODIFY | IN_CLOSE_WRITE);
  if (file_watch_ < 0) {
    auto error = sys_error("inotify_add_watch", chain_.name());
    error.next = "raise the sysctl fs.inotify.max_user_watches";
    return failure(std::move(error));
  }
  return {};
}

/// False at the end of the file.
Result<bool> LogFollower::read_block() {
  if (!file_)
    return false;
  auto old_size = buffer_.size();
  buffer_.resize(old_size + block_size);
  auto n = retry([&] {
    return ::pread(file_.get(), buffer_.data() + old_size, block_size, static_cast<off_t>(offset_));
  });
  buffer_.resize(old_size + static_cast<size_t>(std::max(n, ssize_t{0})));
  if (n < 0)
    return failure(sys_error("read", chain_.name()));
  offset_ += static_cast<uint64_t>(n);
  struct stat info = {};
  if (n == 0 && ::fstat(file_.get(), &info) == 0 && static_cast<uint64_t>(info.st_size) < offset_) {
    // The writer took back a line that it could not complete, because the disk is full.
    offset_ = static_cast<uint64_t>(info.st_size);
    buffer_.clear();
  }
  return n > 0;
}

/// The whole lines that were read, or all that was.
std::optional<std::string> LogFollower::take_lines(bool all) {
  auto length = buffer_.rfind('\n') + 1; // 0 if there is none
  if (all || (length == 0 && buffer_.size() >= line_limit))
    length = buffer_.size();
  if (length == 0)
    return std::nullopt;
  auto result = buffer_.substr(0, length);
  buffer_.erase(0, length);
  return result;
}

/// Can more lines come, here or in a file that does not exist yet?
bool LogFollower::may_grow() const {
  if (mode_ == Mode::read)
    return false;
  if (!file_)
    return !chain_.is_gone();
  return has_writer(file_).value_or(!closed_);
}

void LogFollower::wait(std::chrono::milliseconds timeout) {
  if (closing_checks_ > 0) {
    --closing_checks_;
    timeout = timeout > 0ms ? std::min<std::chrono::milliseconds>(timeout, closing_pause) : closing_pause;
  }
  auto watched = pollfd{inotify_.get(), POLLIN, 0};
  constexpr auto longest = std::chrono::milliseconds{1h};
  ::poll(&watched, 1, static_cast<int>(std::min(timeout, longest).count()));
  take_events();
}

/// True if the files have changed.
bool LogFollower::take_events() {
  auto changed = false;
  if (is_clocked_) {
    auto periods = uint64_t{0};
    (void) retry([&] { return ::read(inotify_.get(), &periods, sizeof(periods)); });
    return false;
  }
  alignas(inotify_event) std::array<char, 4096> buffer;
  for (auto size = ssize_t{1}; inotify_ && size > 0;) {
    size = retry([&] { return ::read(inotify_.get(), buffer.data(), buffer.size()); });
    for (auto offset = ssize_t{0}; offset < size;) {
      auto& event = *reinterpret_cast<const inotify_event*>(buffer.data() + offset);
      offset += static_cast<ssize_t>(sizeof(inotify_event) + event.len);
      stirred_ = true;
      if ((event.mask & IN_Q_OVERFLOW) != 0) {
        newer_ = unknown_newer;
        changed = true;
      } else if (event.wd == file_watch_ && (event.mask & IN_CLOSE_WRITE) != 0) {
        closed_ = true;
        closing_checks_ = closing_checks;
      } else if (event.len > 0 && chain_.name() == event.name) {
        ++newer_;
        changed = true;
      }
    }
  }
  return changed;
}

} // namespace berth
