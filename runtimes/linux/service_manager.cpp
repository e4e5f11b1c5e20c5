#include "runtimes/linux/service_manager.hpp"

#include "runtimes/linux/retry.hpp"
#include "runtimes/linux/sys_error.hpp"
#include "runtimes/linux/unique_fd.hpp"

#include <charconv>
#include <cstddef>
#include <cstdlib>
#include <cstring>

#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

namespace berth {

namespace {

/// How long a message waits for a service manager that does not read: rather lost than in the way of everything else.
constexpr auto send_timeout = timeval{.tv_sec = 1, .tv_usec = 0};

std::string take(const char* variable) {
  auto* value = std::getenv(variable);
  auto result = std::string{value == nullptr ? "" : value};
  ::unsetenv(variable);
  return result;
}

/// 0 for what is no number.
int64_t number_in(const std::string& text) {
  auto result = int64_t{0};
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), result);
  return error == std::errc{} && end == text.data() + text.size() ? result : 0;
}

/// A line is a field of its own.
std::string as_one_line(std::string_view text) {
  auto result = std::string{text.substr(0, text.find('\n'))};
  if (result.size() < text.size())
    result += " …";
  return result;
}

std::string since_boot() {
  // CLOCK_MONOTONIC, as systemd reads it.
  auto now = std::chrono::steady_clock::now().time_since_epoch();
  return std::to_string(std::chrono::duration_cast<std::chrono::microseconds>(now).count());
}

} // namespace

ServiceManager ServiceManager::take_from_environment() {
  auto result = ServiceManager{};
  result.address_ = take("NOTIFY_SOCKET");
  auto interval = number_in(take("WATCHDOG_USEC"));
  auto pid = take("WATCHDOG_PID");
  if (interval > 0 && (pid.empty() || number_in(pid) == ::getpid()))
    result.watchdog_ = std::chrono::microseconds{interval};
  return result;
}

ServiceManager::ServiceManager(ServiceManager&& other) noexcept
    : address_(std::move(other.address_)), watchdog_(other.watchdog_), reloads_(other.reloads_) {
  // nop
}

Result<void> ServiceManager::ready(std::string_view status) {
  auto guard = std::lock_guard{mutex_};
  return send("READY=1", status);
}

Result<void> ServiceManager::begin_reload(std::string_view status) {
  auto guard = std::lock_guard{mutex_};
  ++reloads_;
  return send("RELOADING=1\nMONOTONIC_USEC=" + since_boot(), status);
}

Result<void> ServiceManager::end_reload(std::string_view status) {
  auto guard = std::lock_guard{mutex_};
  return send(--reloads_ > 0 ? "" : "READY=1", status);
}

Result<void> ServiceManager::stopping(std::string_view status) {
  auto guard = std::lock_guard{mutex_};
  return send("STOPPING=1", status);
}

Result<void> ServiceManager::feed_watchdog() {
  return send("WATCHDOG=1");
}

Result<void> ServiceManager::tell(std::string_view status) {
  return send("", status);
}

Result<void> ServiceManager::send(std::string_view state, std::string_view status) const {
  if (address_.empty())
    return {};
  auto address = sockaddr_un{};
  address.sun_family = AF_UNIX;
  auto is_abstract = address_.front() == '@';
  if (!is_abstract && address_.front() != '/')
    return failure(ec::system_error, "NOTIFY_SOCKET " + address_, "neither a path nor an abstract name");
  // A path needs the null at its end, an abstract name has it at its beginning.
  if (address_.size() + (is_abstract ? 0 : 1) > sizeof(address.sun_path))
    return failure(ec::system_error, "NOTIFY_SOCKET " + address_, "too long for a socket address");
  std::memcpy(address.sun_path, address_.data(), address_.size());
  if (is_abstract)
    address.sun_path[0] = '\0';
  auto length = offsetof(sockaddr_un, sun_path) + address_.size() + (is_abstract ? 0 : 1);
  auto socket = UniqueFd{::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0)};
  if (!socket)
    return failure(sys_error("socket", "NOTIFY_SOCKET"));
  ::setsockopt(socket.get(), SOL_SOCKET, SO_SNDTIMEO, &send_timeout, sizeof(send_timeout));
  auto message = std::string{state};
  if (!status.empty())
    message += (message.empty() ? "STATUS=" : "\nSTATUS=") + as_one_line(status);
  auto sent = retry([&] {
    return ::sendto(socket.get(), message.data(), message.size(), MSG_NOSIGNAL,
                    reinterpret_cast<const sockaddr*>(&address), static_cast<socklen_t>(length));
  });
  if (sent < 0)
    return failure(sys_error("sendto", "NOTIFY_SOCKET " + address_));
  return {};
}

} // namespace berth
