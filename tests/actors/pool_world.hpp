#pragma once

#include "actors/pool_actor.hpp"
#include "tests/support/actor_world.hpp"
#include "tests/support/memory_journal.hpp"
#include "tests/support/parts.hpp"

namespace berth::test {

/// A pool whose runtimes are played by the test. Containers stay at their first step (nobody gives them a start slot) until
/// the test ends them.
struct PoolWorld : ActorWorld {
  std::vector<std::string> events;
  std::vector<Event> event_log;
  std::vector<ContainerId> spawned;
  std::vector<ContainerActor> container_actors;
  std::map<ContainerId, ContainerMemoryPtr> memories;
  PoolMemoryPtr pool_memory;
  Parts parts;
  std::map<RuntimeKind, Result<PreparedRuntime>> health{{RuntimeKind::runc, prepared(RuntimeKind::runc)},
                                                        {RuntimeKind::gvisor, prepared(RuntimeKind::gvisor)}};
  /// Containers stay at their first step.
  bool containers_wait = true;
  /// While false, probes do not answer.
  bool probes_answer = true;
  std::vector<std::function<void()>> open_probes;
  std::set<RuntimeKind> asked;
  /// Runtimes that had to prove that they work.
  int probes = 0;
  RuntimeActor last_runtime;

  static PreparedRuntime prepared(RuntimeKind kind);

  JournalScript journal_script;
  JournalActor journal;
  NodeActor parent;
  LauncherActor launcher;

  PoolWorld();

  RuntimeActor runtime(RuntimeKind kind, bool known);

  /// What the last runtime was asked is answered now. A promise can be kept only by its own actor, so that is asked once more.
  void answer_probes();

  PoolActor pool_of(PoolSettings settings);

  PoolActor spawn_pool(PoolSeed seed);

  static PoolSettings settings(RuntimeKind kind = RuntimeKind::runc);

  Pending<ContainerInfo> launch(const PoolActor& pool, std::string id, std::function<void(LaunchSpec&)> change = {});

  PoolInfo describe(const PoolActor& pool);

  void end(const PoolActor& pool, std::string id);
};

} // namespace berth::test
