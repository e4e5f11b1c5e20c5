#pragma once

#include "apps/berth-monitor/poll_set.hpp"
#include "runtimes/monitor_protocol.hpp"

#include <string>
#include <vector>

namespace berth {

/// The connections to `berthd`: the inherited one, and those of daemons that come later. Nothing
/// here can fail the monitor: a connection that misbehaves or does not read is closed, and whoever
/// comes back is told everything again.
class Clients {
public:
  void add(UniqueFd connection);

  /// Lets daemons come back: listens on `monitor.sock` in the working directory.
  Result<void> listen();

  /// Sends a message to all and keeps it for those who come later, in memory and in the file `story` of the working directory.
  void tell(const MonitorMessage& message);

  /// Like `tell`, but for those who are there only: the answer to a command.
  void answer(const MonitorMessage& message);

  bool empty() const {
    return connections_.empty();
  }

  void watch(PollSet& set) const;

  /// Accepts who waits, and returns the commands that arrived.
  std::vector<MonitorCommand> serve(const PollSet& set);

private:
  void send(const std::string& packet);
  void accept();

  UniqueFd listener_;
  UniqueFd story_;
  std::vector<UniqueFd> connections_;
  std::vector<std::string> told_;
};

} // namespace berth
