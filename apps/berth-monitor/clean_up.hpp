#pragma once

#include "runtimes/monitor_protocol.hpp"

namespace berth {

/// Collects what could not be removed, and why.
class Leftovers {
public:
  void add(const std::string& what) {
    text_ += (text_.empty() ? "" : "; ") + what;
  }

  void add(const Result<void>& removed) {
    if (!removed)
      add(render(removed.error()));
  }

  /// Empty: all is gone.
  const std::string& text() const {
    return text_;
  }

private:
  std::string text_;
};

/// Removes what a runtime that was killed may leave of this container in its state root.
void remove_runtime_state(const MonitorPlan& plan, Leftovers& leftovers);

void remove_cgroups(const MonitorPlan& plan, Leftovers& leftovers);

/// Unmounts the root file system and removes its writable layer.
void remove_rootfs(const MonitorPlan& plan, const std::string& mounted_on, Leftovers& leftovers);

} // namespace berth
