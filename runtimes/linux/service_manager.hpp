#pragma once

#include "messages/error.hpp"

#include <chrono>
#include <mutex>
#include <string>
#include <string_view>

namespace berth {

/// The service manager that has started this process (systemd), told by datagrams how the service stands: the protocol of
/// sd_notify(3). Where there is none, all of this does nothing. May be used by any thread.
///
/// A message that cannot be sent is an error for whoever wants to log it; there is nothing else to be done about it.
class ServiceManager {
public:
  /// None.
  ServiceManager() = default;

  /// Takes NOTIFY_SOCKET, WATCHDOG_USEC and WATCHDOG_PID out of the environment, so that no child speaks for this process. To
  /// be called before the first thread is started.
  static ServiceManager take_from_environment();

  ServiceManager(ServiceManager&& other) noexcept;

  /// Without `feed_watchdog` for so long, the service manager ends this process. Zero: it does not watch.
  std::chrono::microseconds watchdog() const {
    return watchdog_;
  }

  /// The start is complete. `status` is one line for `systemctl status`, here and below.
  Result<void> ready(std::string_view status);

  /// A change of the configuration is on its way, until `end_reload` was called as often.
  Result<void> begin_reload(std::string_view status);
  Result<void> end_reload(std::string_view status);

  Result<void> stopping(std::string_view status);

  /// All is well.
  Result<void> feed_watchdog();

  Result<void> tell(std::string_view status);

private:
  Result<void> send(std::string_view state, std::string_view status = {}) const;

  /// A path, or '@' and an abstract name. Empty: there is nobody to be told.
  std::string address_;
  std::chrono::microseconds watchdog_{0};
  std::mutex mutex_;
  /// Under way; guarded by mutex_, and so is the order in which they are told.
  size_t reloads_ = 0;
};

} // namespace berth
