#include "runtimes/linux/monitor_connection.hpp"

#include "runtimes/linux/pidfd.hpp"
#include "runtimes/linux/unix_socket.hpp"

#include <sys/wait.h>

namespace berth {

namespace {

/// A monitor is our child, but not ours to end: a `Child` would kill it when this process stops.
Result<void> reap_later(Child child, FdMonitor& reaper) {
  auto start_time = process_start_time(child.pid());
  if (!start_time)
    return failure(start_time.error());
  auto pidfd = open_pidfd(child.pid(), *start_time);
  if (!pidfd)
    return failure(pidfd.error());
  // Nobody else reaps it, so the pid stays its own until the callback runs.
  auto pid = child.release();
  auto token = reaper.watch(std::make_shared<const UniqueFd>(std::move(*pidfd)), [pid] {
    ::waitpid(pid, nullptr, WNOHANG);
    return false;
  });
  if (!token)
    return failure(token.error());
  return {};
}

} // namespace

MonitorConnection::MonitorConnection(UniqueFd socket)
  : socket_(std::make_shared<const UniqueFd>(std::move(socket))) {
  // nop
}

Result<std::shared_ptr<MonitorConnection>> MonitorConnection::spawn(const std::string& binary,
                                                                    const std::string& container,
                                                                    const std::string& directory, FdMonitor& reaper) {
  auto sockets = seqpacket_pair();
  if (!sockets)
    return failure(sockets.error());
  auto options = SpawnOptions{};
  options.fd3 = sockets->second.get();
  options.cwd = directory;
  options.new_session = true;
  auto child = Child::spawn({binary, "--container", container}, options);
  if (!child)
    return failure(child.error());
  if (auto watched = reap_later(std::move(*child), reaper); !watched)
    return failure(watched.error());
  return std::make_shared<MonitorConnection>(std::move(sockets->first));
}

Result<void> MonitorConnection::send(const MonitorCommand& command) {
  return send_packet(*socket_, encode(command));
}

Result<std::optional<std::string>> MonitorConnection::receive() {
  auto received = receive_packet(*socket_, monitor_packet_limit);
  if (!received)
    return failure(received.error());
  switch (received->kind) {
    case ReceivedPacket::Kind::packet:
      return std::optional{std::move(received->bytes)};
    case ReceivedPacket::Kind::nothing_yet:
      return std::nullopt;
    case ReceivedPacket::Kind::closed:
      break;
  }
  return failure(ec::system_error, "monitor", "it has closed its socket");
}

} // namespace berth
