#pragma once

#include "runtimes/linux/fd_monitor.hpp"
#include "runtimes/linux/process.hpp"
#include "runtimes/monitor_protocol.hpp"

#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

namespace berth {

/// Who is told what a monitor tells. Called on the thread of an `FdMonitor`, or by `MonitorConnection::listen`: must not block.
struct MonitorListener {
  /// One packet of the monitor.
  std::function<void(std::string bytes)> packet;
  /// It has closed its socket; the last call.
  std::function<void()> gone;
};

/// What the monitor of a container has told so far, from the file in the container's directory; empty if there is none.
std::vector<std::string> read_monitor_story(const std::string& directory);

/// The daemon's end of the socket between it and one container's monitor. Never blocks. One thread may receive while
/// another one sends.
///
/// Either somebody receives from it, or it is watched and listened to. Then it keeps the story that the monitor has told (a
/// handful of packets), so that a listener that comes in the place of another hears it from its beginning.
class MonitorConnection : public std::enable_shared_from_this<MonitorConnection> {
public:
  explicit MonitorConnection(UniqueFd socket);

  /// Starts `binary` for a container whose directory becomes its working directory. The monitor outlives this process; as
  /// long as this process lives, it is reaped by `reaper`.
  static Result<std::shared_ptr<MonitorConnection>> spawn(const std::string& binary, const std::string& container,
                                                          const std::string& directory, FdMonitor& reaper);

  /// The link to a monitor that was started by an earlier daemon, or the story of one that has ended, as it stands in the
  /// container's directory.
  static std::shared_ptr<MonitorConnection> find(const std::string& directory);

  /// A monitor that has told this and is gone.
  static std::shared_ptr<MonitorConnection> ended(std::vector<std::string> story);

  /// For waiting until there is something to receive.
  const UniqueFd& socket() const noexcept {
    return *socket_;
  }

  /// Fails with `system_error` if the monitor is gone.
  Result<void> send(const MonitorCommand& command);

  /// One packet; nothing if there is none yet; an error when the monitor is gone.
  Result<std::optional<std::string>> receive();

  /// Hears the monitor from now on, on the thread of `fds`; nothing to do for one that has ended. If that is not possible, it is told to give up
  /// and counts as gone.
  void watch(FdMonitor& fds);

  /// Tells `listener` the story so far and everything that follows, in the order in which the monitor told it, and nobody else
  /// any more. What a monitor answers to a command is no part of the story and only told to whoever listens then.
  void listen(MonitorListener listener);

private:
  MonitorConnection() = default;

  void hear(std::string packet);
  void end();

  std::mutex mutex_;
  std::shared_ptr<const UniqueFd> socket_; // guarded by mutex_ once it is watched
  std::vector<std::string> story_;         // guarded by mutex_
  bool gone_ = false;                      // guarded by mutex_
  MonitorListener listener_;               // guarded by mutex_
};

} // namespace berth
