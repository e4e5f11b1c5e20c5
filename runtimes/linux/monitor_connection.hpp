#pragma once

#include "runtimes/linux/fd_monitor.hpp"
#include "runtimes/linux/process.hpp"
#include "runtimes/monitor_protocol.hpp"

#include <memory>
#include <optional>

namespace berth {

/// The daemon's end of the socket between it and one container's monitor. Never blocks. One thread may receive while
/// another one sends.
class MonitorConnection {
public:
  explicit MonitorConnection(UniqueFd socket);

  /// Starts `binary` for a container whose directory becomes its working directory. The monitor outlives this process; as
  /// long as this process lives, it is reaped by `reaper`.
  static Result<std::shared_ptr<MonitorConnection>> spawn(const std::string& binary, const std::string& container,
                                                          const std::string& directory, FdMonitor& reaper);

  /// For waiting until there is something to receive.
  const std::shared_ptr<const UniqueFd>& socket() const noexcept {
    return socket_;
  }

  /// Fails with `system_error` if the monitor is gone.
  Result<void> send(const MonitorCommand& command);

  /// One packet; nothing if there is none yet; an error when the monitor is gone.
  Result<std::optional<std::string>> receive();

private:
  std::shared_ptr<const UniqueFd> socket_;
};

} // namespace berth
