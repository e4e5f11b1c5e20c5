#pragma once

#include "actors/policy/take_over.hpp"
#include "apps/berthd/daemon.hpp"
#include "messages/ledger.hpp"
#include "runtimes/journal.hpp"
#include "runtimes/launch_host.hpp"

#include <functional>
#include <memory>
#include <set>

namespace berth {

/// What earlier runs of berthd have left on this node, matched and cleaned up, and how this one begins.
struct Past {
  std::shared_ptr<Journal> journal;
  uint64_t last_event = 0;
  std::map<std::string, std::string> meta;
  LaunchHost host;
  TakeOver begin;
  /// Ids that must not be given away.
  std::set<ContainerId> foreign;
  std::shared_ptr<const Ledger> ledger;
};

/// Opens the journal, decides by what settings the node runs and matches everything that is there; removes orphans. `make_host`
/// looks at the host by these settings. Nothing is running yet that could change it: to be called before the first actor, and by
/// whoever holds the lock of the node.
Result<Past> take_over_node(const NodePaths& paths, const DaemonOptions& options,
                            const std::function<Result<LaunchHost>(const Settings&)>& make_host);

} // namespace berth
