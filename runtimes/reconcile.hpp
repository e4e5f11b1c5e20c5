#pragma once

#include "messages/container_memory.hpp"
#include "messages/ledger.hpp"
#include "runtimes/journal.hpp"
#include "runtimes/survey.hpp"

#include <set>

namespace berth {

/// What berthd starts with.
struct Reconciliation {
  /// Every container that is managed from now on, with what its actor has to know to go on; in order of acceptance.
  std::vector<ContainerMemory> containers;
  /// Ids that must not be given away, because something is there that is not understood.
  std::set<ContainerId> foreign;
  /// All that was found. Orphans are still to be removed, in this order.
  Ledger ledger;
};

/// Matches what the journal says with what is there: every row, directory, monitor, log, layer, cgroup, runtime record, mount and
/// network namespace gets one verdict.
///
/// A container is what the journal or, if that has lost it, the record in its directory says. It goes on if its monitor does; its
/// monitor's story tells how far it came. A launch that was not told to start is given up, as nobody waits for it any more:
/// so nothing is started twice. What was there in another boot of the host has ended, and its pids mean nothing. Names alone
/// prove nothing: the runtime id, which is random, ties a directory to a row.
Reconciliation reconcile(const std::vector<ContainerRecord>& journal, const Survey& survey, const std::string& boot_id);

} // namespace berth
