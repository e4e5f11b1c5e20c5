#pragma once

#include "config/settings.hpp"
#include "messages/journal.hpp"
#include "messages/pool_memory.hpp"

namespace berth {

/// A revision and the settings that it came to, if they are needed.
struct KnownRevision {
  RevisionRecord record;
  /// Null for those that are only kept to go back to.
  std::shared_ptr<const Settings> settings;
};

/// A pool as it begins after a start of berthd.
struct PoolStart {
  PoolName name;
  PoolMemoryPtr memory;
  std::vector<ContainerMemoryPtr> containers;
};

/// How a berthd begins that may have had predecessors.
struct TakeOver {
  /// What the node runs by.
  std::shared_ptr<const Settings> settings;
  /// Oldest first; the last one is in effect.
  std::vector<KnownRevision> revisions;
  /// The last revision is a new one, and must be recorded with these generations before anything is done by it.
  bool is_new_revision = false;
  std::vector<GenerationRecord> generations;
  /// The last generation of every pool there ever was.
  std::map<PoolName, uint64_t> last_generations;
  /// Configured ones first, then those that are not configured any more and have containers.
  std::vector<PoolStart> pools;
  uint64_t last_ticket = 0;
  /// For the log and the ledger: what is not as the operator may expect.
  std::vector<std::string> notes;
};

/// The newest word counts: the configured files, if they have changed since they were read last; else the revision that was in
/// effect, be it from the files, an apply or a rollback. So a crash changes no settings, and an edited file has its way at the
/// next start.
///
/// Pools whose settings differ from those that were in effect begin a new generation. Containers stay in theirs, with the
/// settings of the revision that made it.
TakeOver take_over(const ConfigHistory& journal, const Settings& files, const std::vector<ConfigFile>& texts,
                   std::vector<ContainerMemory> containers, Timestamp now);

} // namespace berth
