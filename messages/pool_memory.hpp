#pragma once

#include "messages/container.hpp"
#include "messages/container_memory.hpp"
#include "messages/error.hpp"
#include "messages/runtime.hpp"

#include <map>
#include <memory>
#include <vector>

namespace berth {

/// One generation of a pool, as it was accepted and as its probes have found it.
struct GenerationMemory {
  uint64_t number = 0;
  std::shared_ptr<const PoolSettings> settings;
  std::shared_ptr<const NodeSettings> node;
  /// Those whose probe has ended.
  std::map<RuntimeKind, Result<PreparedRuntime>> prepared;
  /// Its containers are stopped, as they come.
  bool is_stopping = false;
  /// That made it; 0: not known.
  uint64_t revision = 0;
};

/// Everything of a POOL that its containers do not know. NODE keeps the newest one.
struct PoolMemory {
  /// At least one; the current one is the newest, the others drain.
  std::vector<GenerationMemory> generations;
  bool retired = false;
  /// These events were told: "pool.retired", "pool.removed".
  bool retired_told = false;
  bool removed_told = false;
  /// Of the actors below it.
  uint64_t restarts = 0;
  /// As it described itself last.
  PoolInfo info;
};

using PoolMemoryPtr = std::shared_ptr<const PoolMemory>;

/// A container that a POOL takes over from one that has died.
struct AdoptedContainer {
  /// Null if it has died, too.
  ContainerActor actor;
  ContainerMemoryPtr memory;
};

/// What a POOL begins with.
struct PoolSeed {
  PoolMemoryPtr memory;
  std::vector<AdoptedContainer> containers;
  /// False while it is tried out: what it has to tell is told with the first `UseOom`, which NODE sends to the pools that it
  /// knows.
  bool is_announced = true;
};

/// The seed of a pool that was never there before.
inline PoolSeed new_pool(std::shared_ptr<const PoolSettings> settings, std::shared_ptr<const NodeSettings> node,
                         uint64_t generation, uint64_t revision = 0) {
  auto memory = PoolMemory{};
  memory.generations.push_back({generation, std::move(settings), std::move(node), {}, false, revision});
  return {std::make_shared<const PoolMemory>(std::move(memory)), {}, true};
}

} // namespace berth
