#include "tests/actors/pool_world.hpp"

#include "actors/pool_actor.hpp"
#include "tests/actors/played_node.hpp"
#include "tests/actors/unit_node.hpp"
#include "tests/support/slot_hogs.hpp"

namespace berth::test {

PoolWorld::PoolWorld() {
  journal_script.on_event = [this](const Event& event) {
    events.push_back(event.type);
    event_log.push_back(event);
  };
  journal = spawn(memory_journal, &journal_script);
  auto node = PlayedNode{};
  node.on_spawned = [this](const ContainerSpawned& x) {
    spawned.push_back(x.id);
    container_actors.push_back(x.actor);
    memories[x.id] = x.memory;
    adopt(x.actor);
  };
  node.on_keep = [this](const KeepContainer& keep) { memories[keep.memory->info.spec.id] = keep.memory; };
  node.on_recall = [this](const RecallContainer& recall) -> caf::result<RecalledContainer> {
    if (memories.count(recall.id) == 0)
      return to_caf({ec::unknown_container, "container", "it was removed", {}});
    return RecalledContainer{memories.at(recall.id)};
  };
  node.on_keep_pool = [this](const KeepPool& keep) { pool_memory = keep.memory; };
  parent = spawn(play_node, node);
  launcher = spawn([](LauncherActor::pointer self) -> LauncherActor::behavior_type {
    return {[self](const StartMonitor&) -> caf::result<MonitorLink> { return self->make_response_promise<MonitorLink>(); },
            [](const RemoveFiles&) {}, [](const SweepContainer&) { return SweptContainer{}; }};
  });
}

RuntimeActor PoolWorld::runtime(RuntimeKind kind, bool known) {
  asked.insert(kind);
  probes += known ? 0 : 1;
  return last_runtime = spawn([this, kind](RuntimeActor::pointer self) -> RuntimeActor::behavior_type {
    return {[this, kind, self](const PrepareRuntime&) -> caf::result<PreparedRuntime> {
              auto promise = self->make_response_promise<PreparedRuntime>();
              auto answer = [this, kind, promise]() mutable {
                if (health.at(kind))
                  promise.deliver(*health.at(kind));
                else
                  promise.deliver(to_caf(health.at(kind).error()));
              };
              open_probes.push_back(answer);
              if (probes_answer)
                for (auto& open : std::exchange(open_probes, {}))
                  open();
              return promise;
            }};
  });
}

void PoolWorld::answer_probes() {
  probes_answer = true;
  caf::anon_send(last_runtime, PrepareRuntime{});
  run();
}

PoolActor PoolWorld::pool_of(PoolSettings settings) {
  return spawn_pool(new_pool(std::make_shared<const PoolSettings>(std::move(settings)),
                             std::make_shared<const NodeSettings>(), 1));
}

PoolActor PoolWorld::spawn_pool(PoolSeed seed) {
  auto node = unit_node(*this, parts, journal, launcher);
  auto spawn_runtime = [this](RuntimeKind kind, const PoolSettings&, const NodeSettings&,
                              const std::optional<PreparedRuntime>& known) { return runtime(kind, known.has_value()); };
  auto pool = spawn(pool_actor, NodeContextPtr{node}, parent, std::move(seed), SpawnRuntime{spawn_runtime});
  if (containers_wait)
    take_all_slots(*this, pool);
  run();
  return pool;
}

PoolSettings PoolWorld::settings(RuntimeKind kind) {
  auto result = PoolSettings{};
  result.name = {"web"};
  result.runtime.value = kind;
  return result;
}

PreparedRuntime PoolWorld::prepared(RuntimeKind kind) {
  auto result = PreparedRuntime{};
  result.profile.kind = kind;
  result.profile.version = "1";
  return result;
}

ActorWorld::Pending<ContainerInfo> PoolWorld::launch(const PoolActor& pool, std::string id, std::function<void(LaunchSpec&)> change) {
  auto order = LaunchOrder{};
  order.spec.id = {std::move(id)};
  order.spec.pool = {"web"};
  if (change)
    change(order.spec);
  return ask<ContainerInfo>(pool, std::move(order));
}

PoolInfo PoolWorld::describe(const PoolActor& pool) {
  return *ask<PoolInfo>(pool, DescribePool{}).get();
}

void PoolWorld::end(const PoolActor& pool, std::string id) {
  caf::anon_send(pool, ContainerEnded{{std::move(id)}});
  run();
}

} // namespace berth::test
