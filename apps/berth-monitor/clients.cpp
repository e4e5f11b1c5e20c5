#include "apps/berth-monitor/clients.hpp"

#include "runtimes/linux/file.hpp"
#include "runtimes/linux/retry.hpp"
#include "runtimes/linux/unix_socket.hpp"

#include <fcntl.h>
#include <unistd.h>

namespace berth {

namespace {

/// A daemon, its successor before the old connection is seen to be closed, and somebody who looks.
constexpr size_t most_connections = 4;

} // namespace

void Clients::add(UniqueFd connection) {
  for (auto& packet : told_)
    if (!send_packet(connection, packet))
      return;
  connections_.push_back(std::move(connection));
}

Result<void> Clients::listen() {
  auto here = open_directory(".");
  if (!here)
    return failure(std::move(here.error()));
  auto listener = seqpacket_listen(*here, monitor_socket_name);
  if (!listener)
    return failure(std::move(listener.error()));
  listener_ = std::move(*listener);
  return {};
}

void Clients::tell(const MonitorMessage& message) {
  told_.push_back(encode(message));
  // First for those who may never come in time. Without room on the disk there is still the socket.
  if (!story_)
    story_ = UniqueFd{::open(monitor_story_name, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW, private_file_mode)};
  auto entry = story_entry(told_.back());
  static_cast<void>(retry([&] { return ::write(story_.get(), entry.data(), entry.size()); }));
  send(told_.back());
}

void Clients::answer(const MonitorMessage& message) {
  send(encode(message));
}

void Clients::send(const std::string& packet) {
  std::erase_if(connections_,
                [&](const UniqueFd& connection) { return !send_packet(connection, packet); });
}

void Clients::watch(PollSet& set) const {
  set.add(listener_);
  for (auto& connection : connections_)
    set.add(connection);
}

std::vector<MonitorCommand> Clients::serve(const PollSet& set) {
  auto commands = std::vector<MonitorCommand>{};
  // One packet a round and connection: level-triggered, so the next one is not forgotten.
  std::erase_if(connections_, [&](const UniqueFd& connection) {
    if (!set.ready(connection))
      return false;
    auto packet = receive_packet(connection, monitor_packet_limit);
    if (!packet || packet->kind == ReceivedPacket::Kind::closed)
      return true;
    if (packet->kind == ReceivedPacket::Kind::nothing_yet)
      return false;
    auto command = decode_monitor_command(packet->bytes);
    if (command)
      commands.push_back(std::move(*command));
    return !command;
  });
  if (set.ready(listener_))
    accept();
  return commands;
}

void Clients::accept() {
  auto connection = seqpacket_accept(listener_);
  if (connection && *connection && connections_.size() < most_connections)
    add(std::move(*connection));
}

} // namespace berth
