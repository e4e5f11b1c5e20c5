#pragma once

#include "actors/node_context.hpp"
#include "actors/observed.hpp"
#include "actors/policy/take_over.hpp"
#include "actors/restarts.hpp"
#include "messages/journal.hpp"
#include "messages/revision.hpp"

#include <caf/stateful_actor.hpp>
#include <caf/typed_event_based_actor.hpp>
#include <caf/typed_response_promise.hpp>

#include <deque>
#include <functional>
#include <memory>
#include <set>

namespace berth {

/// How many revisions are kept to go back to.
constexpr size_t revisions_kept = 100;

struct RevisionState {
  struct Revision {
    RevisionInfo info;
    std::vector<ConfigFile> files;
    /// Null for one of an earlier berthd that is not in effect.
    std::shared_ptr<const Settings> settings;
  };

  /// Oldest first; the last one is in effect.
  std::deque<Revision> revisions;
  uint64_t last_number = 0;
  /// Of the change that is under way; 0: none.
  uint64_t changing = 0;
  /// The last generation of every pool there ever was: one that comes back goes on counting.
  std::map<PoolName, uint64_t> last_generations;
  /// Pools that died in the middle of a change and did not come back in time for it.
  std::set<PoolName> not_in_effect;
  /// What to do when an actor has ended.
  std::map<caf::actor_addr, std::function<void()>> watchers;
  PutOff put_off;

  static inline const char* name = "revision";
};

/// What the actor works with.
struct RevisionContext {
  NodeActor node;
  JournalActor journal;
  SpawnPool spawn_pool;
  /// Called with the settings of each revision that takes effect, before it does.
  std::function<void(const std::shared_ptr<const Settings>&)> on_change;
  NodeMetricsPtr metrics = std::make_shared<NodeMetrics>();
};

/// REVISION of a node that has come to these revisions, of which the last one, with its settings, is in effect.
RevisionActor::behavior_type revision_actor(SelfPointer<RevisionActor, RevisionState> self, RevisionContext context,
                                            std::vector<KnownRevision> revisions,
                                            std::map<PoolName, uint64_t> last_generations);

} // namespace berth
