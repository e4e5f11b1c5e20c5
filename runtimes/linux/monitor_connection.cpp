#include "runtimes/linux/monitor_connection.hpp"

#include "runtimes/linux/file.hpp"
#include "runtimes/linux/pidfd.hpp"
#include "runtimes/linux/unix_socket.hpp"

#include "runtimes/linux/wait_any.hpp"

#include <algorithm>
#include <csignal>
#include <cstdlib>
#include <filesystem>

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

/// Twice as many packets as a story has at most. What a monitor that has lost its mind tells beyond that is told once.
constexpr size_t longest_story = 8;

/// How long a monitor that was just started may take until it listens.
constexpr auto longest_beginning = std::chrono::seconds{5};

/// The monitor whose working directory this is; an empty descriptor if there is none.
UniqueFd find_monitor_process(const std::string& directory) {
  auto ignored = std::error_code{};
  for (const auto& entry : std::filesystem::directory_iterator{"/proc", ignored}) {
    auto pid = std::atoi(entry.path().filename().c_str());
    if (pid <= 0 || std::filesystem::read_symlink(entry.path() / "cwd", ignored) != directory
        || read_file(entry.path() / "comm", 64).value_or("") != "berth-monitor\n")
      continue;
    if (auto start_time = process_start_time(pid))
      if (auto held = open_pidfd(pid, *start_time))
        return std::move(*held);
  }
  return {};
}

Error closed() {
  return {ec::system_error, "monitor", "it has closed its socket", {}};
}

/// The same distinction that the monitor makes for those who come back to it. A packet that is not understood is told again,
/// so that it is complained of again.
bool is_part_of_story(const std::string& packet) {
  auto message = decode_monitor_message(packet);
  return !message || !std::holds_alternative<MonitorSignalFailed>(*message);
}

} // namespace

std::vector<std::string> read_monitor_story(const std::string& directory) {
  auto held = open_directory(directory);
  if (!held)
    return {};
  auto story = read_story(read_file_at(*held, monitor_story_name, story_limit).value_or(std::string{}));
  auto tells_exit = std::any_of(story.begin(), story.end(), [](const auto& packet) {
    auto message = decode_monitor_message(packet);
    return message && std::holds_alternative<MonitorExited>(*message);
  });
  // Where there was no room for the story, and with monitors that wrote none, there is still the record of the exit.
  if (!tells_exit)
    if (auto text = read_file_at(*held, monitor_exit_name, story_limit))
      if (auto exited = parse_exit_record(*text))
        story.push_back(encode(MonitorMessage{*exited}));
  return story;
}

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

std::shared_ptr<MonitorConnection> MonitorConnection::find(const std::string& directory) {
  auto deadline = std::chrono::steady_clock::now() + longest_beginning;
  for (;;) {
    if (auto held = open_directory(directory))
      if (auto socket = seqpacket_connect(*held, monitor_socket_name))
        return std::make_shared<MonitorConnection>(std::move(*socket));
    // Looks at all processes of the host, so only where nobody listens. Before the story is read: if there is no process any
    // more, all that it told is there.
    auto monitor = find_monitor_process(directory);
    auto story = read_monitor_story(directory);
    auto is_over = !monitor || (!story.empty() && ends_story(story.back()));
    if (is_over || std::chrono::steady_clock::now() >= deadline) {
      if (!is_over)
        static_cast<void>(send_signal(monitor, SIGKILL));
      return ended(std::move(story));
    }
    // The file of a socket is there before anybody listens, so its creation would tell too early.
    static_cast<void>(wait_any({{&monitor, Interest::readable}}, std::chrono::milliseconds{5}));
  }
}

std::shared_ptr<MonitorConnection> MonitorConnection::ended(std::vector<std::string> story) {
  auto result = std::shared_ptr<MonitorConnection>{new MonitorConnection};
  result->story_ = std::move(story);
  result->gone_ = true;
  return result;
}

Result<void> MonitorConnection::send(const MonitorCommand& command) {
  auto socket = [&] {
    auto guard = std::lock_guard{mutex_};
    return socket_;
  }();
  if (!socket)
    return failure(closed());
  return send_packet(*socket, encode(command));
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
  return failure(closed());
}

void MonitorConnection::watch(FdMonitor& fds) {
  if (!socket_)
    return;
  auto watched = fds.watch(socket_, [self = shared_from_this()] {
    for (;;) {
      auto packet = self->receive();
      if (!packet) {
        self->end();
        return false;
      }
      if (!*packet)
        return true;
      self->hear(std::move(**packet));
    }
  });
  if (watched)
    return;
  (void)send(AbortCommand{});
  end();
}

void MonitorConnection::listen(MonitorListener listener) {
  // Under the lock, so that nothing new comes between the old.
  auto guard = std::lock_guard{mutex_};
  listener_ = std::move(listener);
  for (const auto& packet : story_)
    listener_.packet(packet);
  if (gone_)
    listener_.gone();
}

void MonitorConnection::hear(std::string packet) {
  auto guard = std::lock_guard{mutex_};
  if (story_.size() < longest_story && is_part_of_story(packet))
    story_.push_back(packet);
  if (listener_.packet)
    listener_.packet(std::move(packet));
}

void MonitorConnection::end() {
  auto guard = std::lock_guard{mutex_};
  gone_ = true;
  // Ended containers are kept until they are removed, and need no descriptor for that.
  socket_.reset();
  if (listener_.gone)
    listener_.gone();
}

} // namespace berth
