#pragma once

#include "actors/guard.hpp"
#include "actors/observed.hpp"
#include "actors/revision_actor.hpp"

/// What the parts of a REVISION share: plans (revision_plan.cpp) and changes (revision_actor.cpp).
namespace berth::revision {

using Self = SelfPointer<RevisionActor, RevisionState>;

struct Revisions {
  Self self;
  std::shared_ptr<const RevisionContext> context;

  RevisionState& state() const {
    return self->state;
  }

  const RevisionState::Revision& current() const {
    return state().revisions.back();
  }

  /// Calls `on_death` once, when that actor has ended, however it did.
  void watch(const PoolActor& pool, std::function<void()> on_death) const {
    state().watchers[pool.address()] = std::move(on_death);
    self->monitor(pool);
  }

  void unwatch(const PoolActor& pool) const {
    if (state().watchers.erase(pool.address()) > 0)
      self->demonitor(pool.address());
  }
};

Result<std::shared_ptr<const Settings>> load(const std::vector<ConfigFile>& files);

std::set<PoolName> touched_pools(const SettingsDifference& difference);

/// The containers of these pools that have a process.
std::vector<PinnedContainer> pinned_of(const ContainerInfos& containers, const std::set<PoolName>& pools);

/// Adds the pools that do not serve as they are configured to. They are made anew whatever has changed: their host may have been
/// mended, or they died in the middle of a change.
void add_broken_pools(const Revisions& revisions, SettingsDifference& difference, const PoolInfos& pools,
                      const Settings& settings);

/// `revision`: that makes the generation, if it comes to that.
PrepareGeneration prepare_order(const std::shared_ptr<const Settings>& settings, const PoolName& name, bool allow_fallback,
                                uint64_t revision);

/// Why no change can begin now; nothing if one can.
std::optional<Error> under_way(const Revisions& revisions);

caf::result<Plan> make_plan(const Revisions& revisions, const PlanConfig& order);

} // namespace berth::revision
