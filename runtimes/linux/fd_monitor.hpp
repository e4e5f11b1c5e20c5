#pragma once

#include "messages/error.hpp"
#include "runtimes/linux/unique_fd.hpp"

#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>
#include <unordered_map>

namespace berth {

/// One background thread that waits for descriptors so that no actor has to. The only bridge from kernel events (a pidfd,
/// a socket, an inotify queue) to actors: a callback sends a message and returns.
class FdMonitor {
public:
  /// Runs on the monitor thread when the descriptor is readable (or hung up). Returns false to end the watch. Must not
  /// block and must not touch actor state.
  using Callback = std::function<bool()>;

  /// Names a watch. A token is never used twice, unlike a descriptor number, so a late event cannot reach a stranger.
  using Token = uint64_t;

  static Result<std::unique_ptr<FdMonitor>> start();

  /// Stops the thread. Callbacks that did not run yet never run.
  ~FdMonitor();

  FdMonitor(const FdMonitor&) = delete;
  FdMonitor& operator=(const FdMonitor&) = delete;

  /// Level-triggered: calls `callback` for as long as `fd` is readable. The descriptor stays open until the watch has
  /// ended: it leaves the epoll set before it can be closed and its number be reused. One descriptor has one watch at a
  /// time. The callback may run before this returns.
  Result<Token> watch(std::shared_ptr<const UniqueFd> fd, Callback callback);

  /// Ends a watch, from any thread and from callbacks, too. A call that the thread has begun to make goes on, with its
  /// descriptor open; none follows it. Unknown tokens are ignored.
  void unwatch(Token token);

private:
  struct Watch {
    std::shared_ptr<const UniqueFd> fd;
    std::shared_ptr<Callback> callback;
  };

  FdMonitor(UniqueFd epoll, UniqueFd wake);

  void run();
  void call(Token token);

  UniqueFd epoll_;
  UniqueFd wake_;
  std::atomic<bool> stopped_{false};
  std::mutex mutex_;
  Token next_ = 1;                           // guarded by mutex_
  std::unordered_map<Token, Watch> watches_; // guarded by mutex_
  std::thread thread_;                       // last: it starts when everything else exists
};

} // namespace berth
