#include "actors/node_actor.hpp"

#include "actors/guard.hpp"
#include "actors/node_parts.hpp"
#include "actors/policy/longest_launch.hpp"
#include "actors/tell_state.hpp"
#include "messages/runtime.hpp"
#include "runtimes/launch_check.hpp"
#include "runtimes/runtime_id.hpp"

#include <caf/typed_response_promise.hpp>

#include <algorithm>

namespace berth {

namespace {

using node::Node;
using node::Self;
using Reply = caf::typed_response_promise<ContainerInfo>;

/// A launch that so many pools have died with, before they made a container of it, is not given to another one: it may be what
/// they die of.
constexpr uint32_t launch_attempts = 5;

using PoolPtr = NodeState::PoolPtr;
using Container = NodeState::Container;

ContainerId pick_id(const NodeState& state, const PoolName& pool) {
  for (;;) {
    // The pool's name says where it belongs; a runtime id's tail is random.
    auto id = ContainerId{pool.value.substr(0, 50) + "-" + make_runtime_id().substr(16)};
    if (state.containers.count(id) == 0)
      return id;
  }
}

/// The launch, which has its answer now.
std::optional<NodeState::Launch> take_launch(const Node& node, uint64_t ticket) {
  auto& state = node.state();
  auto found = state.launches.extract(ticket);
  if (!found)
    return std::nullopt;
  // Once a container was spawned, it says itself when its id is free.
  auto entry = state.containers.find(found.mapped().id);
  if (entry != state.containers.end() && entry->second.ticket == ticket && !entry->second.actor)
    state.containers.erase(entry);
  return std::move(found.mapped());
}

using node::has_container;
using node::refuse_launch;

/// Gives a launch to its pool; again, if that has died with it.
void pass_launch(const Node& node, uint64_t ticket) {
  auto& launch = node.state().launches.at(ticket);
  auto attempt = ++launch.attempts;
  launch.without_container += has_container(node, launch) ? 0 : 1;
  if (launch.without_container > launch_attempts)
    return refuse_launch(node, ticket,
                         to_caf({ec::restarting, "pool \"" + launch.pool->name.value + "\"",
                                 "its actor has died " + std::to_string(launch_attempts) + " times while it had this launch",
                                 "this is a defect: please report it"}));
  auto order = launch.order;
  order.ticket = ticket;
  order.is_repeated = attempt > 1;
  order.is_made = has_container(node, launch);
  auto is_current = [=] {
    auto found = node.state().launches.find(ticket);
    return found != node.state().launches.end() && found->second.attempts == attempt;
  };
  node.self->request(launch.pool->actor, node.state().longest_launch, std::move(order))
    .then(
      [=](ContainerInfo& info) {
        if (auto answered = take_launch(node, ticket))
          node::answer_launch(node, *answered, info);
      },
      [=](caf::error& err) {
        // The pool has died with it, and the next one gets it.
        if (!is_death(err) && is_current())
          refuse_launch(node, ticket, err);
      });
}

/// Answers the launch of a container that has run or has failed by what is remembered of it: its pool may not live to do so.
void answer_by_memory(const Node& node, const Container& container) {
  if (!container.memory || (!container.memory->running_told && holds_place(*container.memory)))
    return;
  auto launch = take_launch(node, container.ticket);
  if (!launch)
    return;
  const auto& memory = *container.memory;
  if (memory.failure && !memory.running_told)
    node::answer_launch(node, *launch, memory.info.profile.kind, to_caf(*memory.failure));
  else
    node::answer_launch(node, *launch, memory.info);
}

/// Nothing is left of a container.
void forget_container(const Node& node, const ContainerId& id) {
  auto entry = node.state().containers.extract(id);
  if (!entry)
    return;
  answer_by_memory(node, entry.mapped());
  node::look_at_drain(node);
  for (auto& seeker : entry.mapped().seekers)
    seeker.deliver(to_caf({ec::unknown_container, "container \"" + id.value + "\"", "it was removed", "see `berth ps -a`"}));
}

caf::result<ContainerInfo> on_launch(const Node& node, LaunchOrder& order) {
  auto& state = node.state();
  auto refuse = [&](const Error& error) {
    node.order->metrics->launch_did_not_run(order.spec.pool, {}, error.code);
    return to_caf(error);
  };
  auto& spec = order.spec;
  auto pool = state.pools.find(spec.pool);
  if (pool == state.pools.end())
    return to_caf(node::unknown_pool(state, spec.pool));
  if (spec.id.value.empty())
    spec.id = pick_id(state, spec.pool);
  if (auto checked = check_launch(spec); !checked)
    return refuse(checked.error());
  if (state.containers.count(spec.id) > 0)
    return refuse({ec::duplicate_id, "container \"" + spec.id.value + "\"", "a container of this id exists",
                   "pick another id, or remove it with `berth rm " + spec.id.value + "`"});
  if (state.foreign.count(spec.id) > 0)
    return refuse({ec::duplicate_id, "container \"" + spec.id.value + "\"",
                   "something of this name is there that berthd does not understand",
                   "pick another id, or see `berth doctor --reconcile`"});
  if (state.is_drained)
    return refuse(node::drained());
  if (pool->second->restarts.resting)
    return refuse(*pool->second->restarts.resting);
  auto ticket = ++state.last_ticket;
  auto& entry = state.containers[spec.id];
  entry.pool = pool->second;
  entry.ticket = ticket;
  auto reply = node.self->make_response_promise<ContainerInfo>();
  auto id = spec.id;
  state.launches[ticket] = {std::move(id), pool->second, std::move(order), reply, 0};
  pass_launch(node, ticket);
  return reply;
}

caf::result<ContainerActor> on_find(const Node& node, const FindContainer& find) {
  auto& containers = node.state().containers;
  auto entry = containers.find(find.id);
  if (entry == containers.end())
    return to_caf({ec::unknown_container, "container \"" + find.id.value + "\"", "there is none of this id",
                   "see `berth ps -a`"});
  auto& container = entry->second;
  if (!container.actor && !container.memory)
    return to_caf({ec::wrong_state, "container \"" + find.id.value + "\"",
                   "its launch still waits for a place in pool \"" + container.pool->name.value + "\"",
                   "take it back with `berth rm -f " + find.id.value + "`, or try again later"});
  if (container.actor && !container.death && container.actor.address() != find.except)
    return container.actor;
  auto promise = node.self->make_response_promise<ContainerActor>();
  container.seekers.push_back(promise);
  return promise;
}

caf::result<bool> on_cancel(const Node& node, const CancelLaunch& cancel) {
  auto entry = node.state().containers.find(cancel.id);
  if (entry == node.state().containers.end() || entry->second.actor)
    return false;
  return node.self->delegate(entry->second.pool->actor, cancel);
}

ContainerInfos list_containers(const Node& node, const ListContainers& list) {
  auto result = ContainerInfos{};
  for (const auto& [id, entry] : node.state().containers) {
    if (!entry.memory || !(list.pool.value.empty() || list.pool == entry.pool->name))
      continue;
    if (list.all || entry.memory->info.state != ContainerState::exited)
      result.push_back(entry.memory->info);
  }
  std::sort(result.begin(), result.end(), [](const auto& x, const auto& y) { return x.accepted_at < y.accepted_at; });
  return result;
}

/// What is known of a pool that has no actor at the moment.
PoolInfo info_without_actor(const NodeState::Pool& pool) {
  auto info = pool.memory->info;
  info.name = pool.name;
  if (info.state != PoolState::retired)
    info.state = PoolState::restarting;
  if (pool.restarts.resting)
    info.reason = render(*pool.restarts.resting);
  return info;
}

/// Waits for one answer of each pool.
caf::result<PoolInfos> list_pools(const Node& node) {
  struct Gathering {
    PoolInfos infos;
    size_t open = 0;
    std::optional<caf::error> failure;
  };
  auto pools = std::vector<PoolPtr>{};
  for (const auto& [name, pool] : node.state().pools)
    pools.push_back(pool);
  pools.insert(pools.end(), node.state().retired.begin(), node.state().retired.end());
  auto promise = node.self->make_response_promise<PoolInfos>();
  auto gathering = std::make_shared<Gathering>();
  gathering->open = pools.size();
  auto finish = [=]() mutable {
    if (gathering->failure) {
      promise.deliver(std::move(*gathering->failure));
      return;
    }
    // Of two with the same name the one that is configured comes first.
    auto key = [](const PoolInfo& x) { return std::pair{x.name, x.state == PoolState::retired}; };
    std::sort(gathering->infos.begin(), gathering->infos.end(),
              [&](const auto& x, const auto& y) { return key(x) < key(y); });
    promise.deliver(std::move(gathering->infos));
  };
  auto add = [=](const NodeState::Pool& pool, PoolInfo info) mutable {
    info.restarts += pool.restarts.history.total;
    gathering->infos.push_back(std::move(info));
    if (--gathering->open == 0)
      finish();
  };
  if (pools.empty())
    finish();
  for (const auto& pool : pools)
    node.self->request(pool->actor, describe_deadline, DescribePool{})
      .then([=](PoolInfo& info) mutable { add(*pool, std::move(info)); },
            [=](caf::error& err) mutable {
              // One that has died meanwhile is on its way back.
              if (is_death(err))
                return add(*pool, info_without_actor(*pool));
              gathering->failure = std::move(err);
              if (--gathering->open == 0)
                finish();
            });
  return promise;
}

// -- deaths -------------------------------------------------------------------------------------------------------------

/// In the order in which they came.
std::vector<uint64_t> launches_of(const Node& node, const PoolPtr& pool) {
  auto result = std::vector<uint64_t>{};
  for (const auto& [ticket, launch] : node.state().launches)
    if (launch.pool == pool)
      result.push_back(ticket);
  return result;
}

void spawn_pool(const Node& node, const PoolPtr& pool, PoolSeed seed) {
  pool->memory = seed.memory;
  pool->actor = node.order->spawn_pool(NodeActor{node.self}, std::move(seed));
  pool->lives = true;
  pool->restarts.resting.reset();
  pool->restarts.born = node.self->clock().now();
  note_restarts(caf::actor_cast<caf::strong_actor_ptr>(pool->actor), pool->restarts.history.total);
  node.self->monitor(pool->actor);
  node.self->send(pool->actor, UseOom{node.state().oom});
}

void restart_pool(const Node& node, const PoolPtr& pool) {
  auto seed = PoolSeed{pool->memory, {}};
  for (const auto& [id, entry] : node.state().containers)
    if (entry.pool == pool && entry.memory)
      seed.containers.push_back({entry.death ? ContainerActor{} : entry.actor, entry.memory});
  spawn_pool(node, pool, std::move(seed));
  for (auto ticket : launches_of(node, pool))
    pass_launch(node, ticket);
}

/// Tells of a death for which the pool has to come back, and lets it come after its pause.
void bring_back(const Node& node, const PoolPtr& pool, const Death& death, const ContainerId& container = {}) {
  auto tell = [=](Event event) {
    event.pool = pool->name;
    event.container = container;
    node.self->send(node.order->journal, std::move(event));
  };
  node.order->metrics->restarted(death.kind);
  tell(tell_death(death, container));
  pool->lives = false;
  if (death.pause.count() > 0)
    pool->restarts.resting = resting_error(death);
  after_pause(node.self, node.state().put_off, death.pause, [=] {
    if (death.pause.count() > 0)
      tell(tell_return(death, container));
    restart_pool(node, pool);
  });
}

void on_pool_death(const Node& node, const PoolPtr& pool, const caf::error& reason) {
  auto death = note_death(pool->restarts, ActorKind::pool, "pool \"" + pool->name.value + "\"", reason,
                          node.self->clock().now(), node.order->restart_limits);
  bring_back(node, pool, death);
  if (!pool->restarts.resting)
    return;
  // Those that have a container wait for what becomes of it: it goes on meanwhile.
  for (auto ticket : launches_of(node, pool))
    if (!has_container(node, node.state().launches.at(ticket)))
      refuse_launch(node, ticket, to_caf(*pool->restarts.resting));
  for (const auto& [id, entry] : node.state().containers)
    if (entry.pool == pool)
      answer_by_memory(node, entry);
}

/// A container has died whose pool has ended, as there was nothing to do for it any more. Now there is.
void revive_pool(const Node& node, const PoolPtr& pool, const ContainerId& id, const caf::error& reason) {
  node.state().retired.push_back(pool);
  auto death = note_death(pool->restarts, ActorKind::container, "container \"" + id.value + "\"", reason,
                          node.self->clock().now(), node.order->restart_limits);
  bring_back(node, pool, death, id);
}

bool is_known(const Node& node, const PoolPtr& pool) {
  const auto& state = node.state();
  auto configured = state.pools.find(pool->name);
  return (configured != state.pools.end() && configured->second == pool)
         || std::find(state.retired.begin(), state.retired.end(), pool) != state.retired.end();
}

void on_pool_down(const Node& node, const PoolPtr& pool, const caf::error& reason) {
  if (!is_regular_end(reason))
    return on_pool_death(node, pool, reason);
  pool->lives = false;
  auto& state = node.state();
  std::erase(state.retired, pool);
  // It has ended because it is not configured any more and has no containers; what it was given meanwhile nobody will do.
  for (auto ticket : launches_of(node, pool)) {
    // An id may stand for the container of a later launch by now.
    auto launch = state.launches.find(ticket);
    auto entry = launch == state.launches.end() ? state.containers.end() : state.containers.find(launch->second.id);
    if (entry != state.containers.end() && entry->second.ticket == ticket)
      answer_by_memory(node, entry->second);
    refuse_launch(node, ticket, to_caf({ec::unknown_pool, "pool \"" + pool->name.value + "\"", "it is not configured any more",
                                        "see `berth pools`"}));
  }
  for (const auto& [id, entry] : state.containers)
    if (entry.pool == pool && entry.death)
      return revive_pool(node, pool, id, entry.death);
}

void use_oom(const Node& node, const OomActor& oom) {
  node.state().oom = oom;
  node.state().oom_restarts.born = node.self->clock().now();
  note_restarts(caf::actor_cast<caf::strong_actor_ptr>(node.state().oom), node.state().oom_restarts.history.total);
  node.self->monitor(oom);
  auto tell = [&](const PoolPtr& pool) {
    if (pool->lives)
      node.self->send(pool->actor, UseOom{oom});
  };
  for (const auto& [name, pool] : node.state().pools)
    tell(pool);
  for (const auto& pool : node.state().retired)
    tell(pool);
}

void start_oom(const Node& node);

void on_oom_death(const Node& node, const caf::error& reason) {
  auto& state = node.state();
  auto death = note_death(state.oom_restarts, ActorKind::oom, "node", reason, node.self->clock().now(),
                          node.order->restart_limits);
  node.order->metrics->restarted(death.kind);
  node.self->send(node.order->journal, tell_death(death));
  after_pause(node.self, state.put_off, death.pause, [=] {
    if (death.pause.count() > 0)
      node.self->send(node.order->journal, tell_return(death));
    start_oom(node);
  });
}

void start_oom(const Node& node) {
  auto oom = node.order->spawn_oom();
  if (oom)
    return use_oom(node, *oom);
  log::error("OOM kills cannot be watched", {{"error", render(oom.error())}});
  on_oom_death(node, to_caf(oom.error()));
}

void on_container_down(const Node& node, const ContainerId& id, const caf::error& reason) {
  if (is_regular_end(reason))
    return forget_container(node, id);
  auto& entry = node.state().containers.at(id);
  entry.death = reason;
  // Its pool starts it again.
  if (!is_known(node, entry.pool))
    revive_pool(node, entry.pool, id, reason);
}

void on_down(const Node& node, const caf::down_msg& down) {
  auto& state = node.state();
  if (state.oom && state.oom.address() == down.source)
    return on_oom_death(node, down.reason);
  for (auto& [id, entry] : state.containers)
    if (entry.actor && entry.actor.address() == down.source)
      return on_container_down(node, ContainerId{id}, down.reason);
  for (const auto& [name, pool] : state.pools)
    if (pool->actor.address() == down.source)
      return on_pool_down(node, PoolPtr{pool}, down.reason);
  for (const auto& pool : state.retired)
    if (pool->actor.address() == down.source)
      return on_pool_down(node, PoolPtr{pool}, down.reason);
}

// -- what others tell ---------------------------------------------------------------------------------------------------

PoolActors on_change(const Node& node, ChangePools& change) {
  auto& state = node.state();
  auto removed = PoolActors{};
  for (const auto& name : change.removed) {
    auto pool = state.pools.find(name);
    if (pool == state.pools.end())
      continue;
    // One that dies before it hears of it comes back as it shall be.
    auto memory = PoolMemory{*pool->second->memory};
    memory.retired = true;
    for (auto& generation : memory.generations)
      generation.is_stopping = generation.is_stopping || change.drain == DrainMode::stop;
    pool->second->memory = std::make_shared<const PoolMemory>(std::move(memory));
    removed[name] = pool->second->actor;
    state.retired.push_back(std::move(pool->second));
    state.pools.erase(pool);
  }
  for (auto& [name, added] : change.added) {
    auto pool = std::make_shared<NodeState::Pool>();
    pool->name = name;
    pool->actor = added.actor;
    pool->memory = added.memory;
    pool->restarts.born = node.self->clock().now();
    node.self->monitor(pool->actor);
    node.self->send(pool->actor, UseOom{state.oom});
    state.pools[name] = std::move(pool);
  }
  state.longest_launch = change.longest_launch;
  return removed;
}

void on_spawned(const Node& node, const ContainerSpawned& spawned) {
  auto entry = node.state().containers.find(spawned.id);
  if (entry == node.state().containers.end() || entry->second.ticket != spawned.memory->ticket) {
    // Nobody would ever find it.
    caf::anon_send(spawned.actor, RemoveContainer{true});
    return;
  }
  auto& container = entry->second;
  container.actor = spawned.actor;
  container.death = {};
  // One that goes on has said what is to be remembered.
  if (!container.memory)
    container.memory = spawned.memory;
  node.self->monitor(spawned.actor);
  for (auto& seeker : std::exchange(container.seekers, {}))
    seeker.deliver(spawned.actor);
}

void on_keep_container(const Node& node, const KeepContainer& keep) {
  auto found = node.state().containers.find(keep.memory->info.spec.id);
  if (found == node.state().containers.end() || found->second.ticket != keep.memory->ticket)
    return;
  auto& entry = found->second;
  entry.memory = keep.memory;
  if (!entry.pool->lives)
    answer_by_memory(node, entry);
  node::look_at_drain(node);
}

void on_keep_pool(const Node& node, const KeepPool& keep) {
  auto sender = caf::actor_cast<caf::actor_addr>(node.self->current_sender());
  auto take = [&](const PoolPtr& pool) {
    if (pool->actor.address() == sender)
      pool->memory = keep.memory;
  };
  for (const auto& [name, pool] : node.state().pools)
    take(pool);
  for (const auto& pool : node.state().retired)
    // It may not have heard yet that it is retired.
    if (keep.memory->retired)
      take(pool);
}

OwnedActors owned_actors(const NodeState& state) {
  auto result = OwnedActors{};
  if (state.oom)
    result.push_back({ActorKind::oom, "oom", caf::actor_cast<caf::actor>(state.oom)});
  auto add = [&](const NodeState::Pool& pool) {
    result.push_back({ActorKind::pool, "pool \"" + pool.name.value + "\"", caf::actor_cast<caf::actor>(pool.actor)});
  };
  for (const auto& [name, pool] : state.pools)
    add(*pool);
  for (const auto& pool : state.retired)
    add(*pool);
  return result;
}

} // namespace

namespace node {

void refuse_launch(const Node& node, uint64_t ticket, const caf::error& error) {
  auto launch = take_launch(node, ticket);
  if (!launch)
    return;
  auto entry = node.state().containers.find(launch->id);
  auto runtime = std::optional<RuntimeKind>{};
  if (entry != node.state().containers.end() && entry->second.ticket == ticket && entry->second.memory)
    runtime = entry->second.memory->info.profile.kind;
  answer_launch(node, *launch, runtime, error);
}

bool has_container(const Node& node, const NodeState::Launch& launch) {
  auto entry = node.state().containers.find(launch.id);
  return entry != node.state().containers.end() && entry->second.actor;
}

} // namespace node

NodeActor::behavior_type node_actor(Self self, NodeOrder parts) {
  guard(self, ActorLabel{}, [self] { return tell(self->state); });
  auto node = Node{self, std::make_shared<const NodeOrder>(std::move(parts))};
  auto& state = self->state;
  self->set_down_handler([=](const caf::down_msg& down) { on_down(node, down); });
  state.foreign = node.order->foreign;
  state.longest_launch = longest_launch(*node.order->settings);
  start_oom(node);
  state.last_ticket = node.order->last_ticket;
  state.is_drained = node.order->is_drained;
  if (state.is_drained)
    log::warn("node is drained, launches are refused", {{"next", "end it with `berth drain --cancel`"}});
  for (const auto& start : node.order->pools) {
    auto pool = std::make_shared<NodeState::Pool>();
    pool->name = start.name;
    if (start.memory->retired)
      state.retired.push_back(pool);
    else
      state.pools[pool->name] = pool;
    auto seed = PoolSeed{start.memory, {}};
    for (const auto& container : start.containers) {
      auto& entry = state.containers[container->info.spec.id];
      entry.pool = pool;
      entry.memory = container;
      entry.ticket = container->ticket;
      seed.containers.push_back({{}, container});
    }
    spawn_pool(node, pool, std::move(seed));
  }
  return {
    [=](LaunchOrder& order) { return on_launch(node, order); },
    [=](const FindContainer& find) { return on_find(node, find); },
    [=](const CancelLaunch& cancel) { return on_cancel(node, cancel); },
    [=](const ExplainLaunch& launch) { return node::on_explain(node, launch); },
    [=](const ListContainers& list) { return list_containers(node, list); },
    [=](const ListPools&) { return list_pools(node); },
    [=](const FindPools&) {
      auto result = PoolActors{};
      for (const auto& [name, pool] : node.state().pools)
        result[name] = pool->actor;
      return result;
    },
    [=](ChangePools& change) { return on_change(node, change); },
    [=](const ContainerSpawned& spawned) { on_spawned(node, spawned); },
    [=](const KeepContainer& keep) { on_keep_container(node, keep); },
    [=](const RecallContainer& recall) -> caf::result<RecalledContainer> {
      auto entry = node.state().containers.find(recall.id);
      if (entry == node.state().containers.end() || !entry->second.memory)
        return to_caf({ec::unknown_container, "container \"" + recall.id.value + "\"", "it was removed", {}});
      return RecalledContainer{entry->second.memory};
    },
    [=](const KeepPool& keep) { on_keep_pool(node, keep); },
    [=](const RecallPools&) {
      auto result = RecalledPools{};
      for (const auto& [name, pool] : node.state().pools)
        result.pools[name] = pool->memory;
      return result;
    },
    [=](const ContainerRemoved& removed) { forget_container(node, removed.id); },
    [=](const DrainNode& drain) { return node::on_drain(node, drain); },
    [=](const UndrainNode&) { return node::on_undrain(node); },
    [=](const ListActors&) { return owned_actors(node.state()); },
    [=](const RestartDue& due) { take_up(node.state().put_off, due.ticket); },
  };
}

} // namespace berth
