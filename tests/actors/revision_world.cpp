#include "tests/actors/revision_world.hpp"

#include "actors/oom_actor.hpp"
#include "actors/policy/take_over.hpp"
#include "actors/pool_actor.hpp"
#include "actors/revision_actor.hpp"
#include "config/load_settings.hpp"
#include "tests/actors/unit_node.hpp"
#include "tests/support/slot_hogs.hpp"

namespace berth::test {

RevisionWorld::RevisionWorld() {
  journal_script.on_event = [this](const Event& event) {
    events.push_back(event.type + (event.pool.value.empty() ? "" : " " + event.pool.value));
  };
  journal = spawn(memory_journal, &journal_script);
  launcher = spawn([]() -> LauncherActor::behavior_type {
    return {[](const StartMonitor&) -> caf::result<MonitorLink> { return caf::sec::runtime_error; },
            [](const RemoveFiles&) {}, [](const SweepContainer&) { return SweptContainer{}; }};
  });
}

RuntimeActor RevisionWorld::runtime(RuntimeKind kind, const std::optional<PreparedRuntime>& known) {
  probes += known ? 0 : 1;
  return spawn([this, kind](RuntimeActor::pointer self) -> RuntimeActor::behavior_type {
    return {[this, kind, self](const PrepareRuntime&) -> caf::result<PreparedRuntime> {
              if (!probes_answer)
                return self->make_response_promise<PreparedRuntime>();
              if (broken.count(kind) > 0)
                return to_caf({ec::platform_failed, to_string(kind), "it hangs", "use another"});
              auto prepared = PreparedRuntime{};
              prepared.profile.kind = kind;
              return prepared;
            }};
  });
}

void RevisionWorld::start(const std::string& text) {
  auto loaded = load_settings({{"f.yaml", text}});
  REQUIRE(loaded);
  auto settings = std::make_shared<const Settings>(std::move(*loaded));
  auto context = unit_node(*this, parts, journal, launcher);
  auto spawn_runtime = SpawnRuntime{[this](RuntimeKind kind, const PoolSettings&, const NodeSettings&,
                                           const std::optional<PreparedRuntime>& known) { return runtime(kind, known); }};
  auto spawn_pool = SpawnPool{[=, this](const NodeActor& parent, PoolSeed seed) {
    auto pool = spawn(pool_actor, NodeContextPtr{context}, parent, std::move(seed), spawn_runtime);
    parts.add(ActorKind::pool, caf::actor_cast<caf::actor>(pool));
    take_all_slots(*this, pool);
    return pool;
  }};
  auto spawn_oom = SpawnOom{[this]() -> Result<OomActor> {
    auto oom = spawn(oom_actor, OomSource{});
    parts.add(ActorKind::oom, caf::actor_cast<caf::actor>(oom));
    return oom;
  }};
  auto begin = take_over({}, *settings, files(text), {}, now());
  node = spawn(node_actor, NodeOrder{begin.settings, begin.pools, 0, false, spawn_pool, spawn_oom, journal, {}, {}});
  auto on_change = [this](const std::shared_ptr<const Settings>& next) { in_effect.push_back(next); };
  revisions = spawn(revision_actor, RevisionContext{spawn_teller(), journal, spawn_pool, on_change},
                    begin.revisions, begin.last_generations);
  run();
  events.clear();
}

NodeActor RevisionWorld::spawn_teller() {
  return spawn([this](NodeActor::pointer self) -> NodeActor::behavior_type {
    return {[=, this](LaunchOrder& x) { return self->delegate(node, std::move(x)); },
            [=, this](FindContainer& x) { return self->delegate(node, std::move(x)); },
            [=, this](CancelLaunch& x) { return self->delegate(node, std::move(x)); },
            [=, this](ExplainLaunch& x) { return self->delegate(node, std::move(x)); },
            [=, this](ListContainers& x) -> caf::result<ContainerInfos> {
              if (told.empty())
                return self->delegate(node, std::move(x));
              auto list = std::move(told.front());
              told.pop_front();
              return list;
            },
            [=, this](ListPools& x) { return self->delegate(node, x); },
            [=, this](FindPools& x) { return self->delegate(node, x); },
            [=, this](ChangePools& x) { return self->delegate(node, std::move(x)); },
            [=, this](DrainNode& x) { return self->delegate(node, std::move(x)); },
            [=, this](UndrainNode& x) { return self->delegate(node, std::move(x)); },
            [=, this](ContainerSpawned& x) { (void)self->delegate(node, std::move(x)); },
            [=, this](KeepContainer& x) { (void)self->delegate(node, std::move(x)); },
            [=, this](RecallContainer& x) { return self->delegate(node, std::move(x)); },
            [=, this](KeepPool& x) { (void)self->delegate(node, std::move(x)); },
            [=, this](RecallPools& x) { return self->delegate(node, x); },
            [=, this](ContainerRemoved& x) { (void)self->delegate(node, std::move(x)); },
            [=, this](ListActors& x) { return self->delegate(node, x); },
            [](RestartDue&) {}};
  });
}

ActorWorld::Pending<Receipt> RevisionWorld::apply(const std::string& text, ChangeOptions options) {
  return ask<Receipt>(revisions, ApplyConfig{files(text), std::move(options)});
}

ActorWorld::Pending<Receipt> RevisionWorld::apply_without_run(const std::string& text) {
  return begin_to_ask<Receipt>(revisions, ApplyConfig{files(text), {.origin = "test"}});
}

ActorWorld::Pending<Receipt> RevisionWorld::roll_back(uint64_t revision) {
  return ask<Receipt>(revisions, RollBack{revision, {.origin = "test"}});
}

Plan RevisionWorld::plan(const std::string& text) {
  return *ask<Plan>(revisions, PlanConfig{files(text)}).get();
}

RevisionInfos RevisionWorld::history() {
  return *ask<RevisionInfos>(revisions, ListRevisions{}).get();
}

PoolInfos RevisionWorld::list_pools() {
  return *ask<PoolInfos>(node, ListPools{}).get();
}

std::string RevisionWorld::pools() {
  auto result = std::string{};
  for (const auto& pool : list_pools()) {
    if (pool.state == PoolState::retired)
      continue;
    result += (result.empty() ? "" : " ") + pool.name.value + ":" + std::to_string(pool.generation);
    for (const auto& old : pool.draining)
      result += "(" + std::to_string(old.generation) + ":" + std::to_string(old.containers) + ")";
  }
  return result;
}

ActorWorld::Pending<ContainerInfo> RevisionWorld::launch(const std::string& pool, const std::string& id) {
  auto order = LaunchOrder{};
  order.spec.id = {id};
  order.spec.pool = {pool};
  order.spec.rootfs = "/r";
  order.spec.args = {"x"};
  return ask<ContainerInfo>(node, std::move(order));
}

ContainerInfo RevisionWorld::describe(const std::string& id) {
  auto found = ask<ContainerActor>(node, FindContainer{{id}});
  REQUIRE(found.get());
  adopt(*found.get());
  auto described = ask<ContainerInfo>(*found.get(), DescribeContainer{});
  return *described.get();
}

void RevisionWorld::remove(const std::string& id) {
  auto found = ask<ContainerActor>(node, FindContainer{{id}});
  REQUIRE(found.get());
  auto removed = ask<void>(*found.get(), RemoveContainer{true});
  CHECK(removed.get());
}

} // namespace berth::test
