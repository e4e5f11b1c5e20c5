#pragma once

#include "runtimes/launch_host.hpp"
#include "runtimes/linux/fd_monitor.hpp"

#include <memory>

namespace berth {

/// A node of its own in a temporary directory, with cgroups of its own, for containers that only prove that they can be run.
/// Nothing of it is left at its end. Needs root.
class TrialNode {
public:
  /// Below `parent`, which is absolute; `monitor` as in `find_monitor`. Fails with `system_error` on a host on which nothing could be tried.
  static Result<std::unique_ptr<TrialNode>> make(const std::string& parent, const std::string& monitor);

  TrialNode(const TrialNode&) = delete;
  TrialNode& operator=(const TrialNode&) = delete;

  ~TrialNode();

  const std::string& root() const {
    return root_;
  }

  const LaunchHost& host() const {
    return host_;
  }

  FdMonitor& reaper() {
    return *reaper_;
  }

  /// Removes everything. Fails with `system_error`, naming what is left.
  Result<void> remove();

private:
  explicit TrialNode(std::string root);

  std::string root_;
  LaunchHost host_;
  std::unique_ptr<FdMonitor> reaper_;
};

} // namespace berth
