#include "actors/node_actor.hpp"

#include "actors/guard.hpp"
#include "actors/policy/longest_launch.hpp"
#include "messages/runtime.hpp"
#include "runtimes/launch_check.hpp"
#include "runtimes/runtime_id.hpp"

#include <caf/typed_response_promise.hpp>

#include <algorithm>

namespace berth {

namespace {

using Self = NodeActor::stateful_pointer<NodeState>;

/// Waits for one answer of each actor in `from` and delivers them all. Actors that have just ended are left out; one that
/// does not answer is an error, because the list would not be whole.
template <class Answer, class Handle, class Question>
caf::result<std::vector<Answer>> gather(Self self, const std::vector<Handle>& from, const Question& question,
                                        std::function<void(std::vector<Answer>&)> finish) {
  struct Gathering {
    std::vector<Answer> answers;
    size_t open = 0;
    std::optional<caf::error> failure;
  };
  auto promise = self->make_response_promise<std::vector<Answer>>();
  auto gathering = std::make_shared<Gathering>();
  gathering->open = from.size();
  auto one_less = [=]() mutable {
    if (--gathering->open > 0)
      return;
    if (gathering->failure) {
      promise.deliver(std::move(*gathering->failure));
      return;
    }
    finish(gathering->answers);
    promise.deliver(std::move(gathering->answers));
  };
  if (from.empty())
    promise.deliver(std::vector<Answer>{});
  for (const auto& actor : from)
    self->request(actor, describe_deadline, question)
      .then(
        [=](Answer& answer) mutable {
          gathering->answers.push_back(std::move(answer));
          one_less();
        },
        [=](caf::error& err) mutable {
          if (err != caf::sec::request_receiver_down)
            gathering->failure = std::move(err);
          one_less();
        });
  return promise;
}

std::string names_of(const std::map<PoolName, PoolActor>& pools) {
  auto result = std::string{};
  for (const auto& [name, actor] : pools)
    result += (result.empty() ? "" : ", ") + name.value;
  return result;
}

Error unknown_pool(const NodeState& state, const PoolName& name) {
  return {ec::unknown_pool, "pool \"" + name.value + "\"", "it is not configured",
          state.pools.empty() ? "the configuration has no pools" : "the pools are: " + names_of(state.pools)};
}

ContainerId pick_id(const NodeState& state, const PoolName& pool) {
  for (;;) {
    // The pool's name says where it belongs; a runtime id's tail is random.
    auto id = ContainerId{pool.value.substr(0, 50) + "-" + make_runtime_id().substr(16)};
    if (state.containers.count(id) == 0)
      return id;
  }
}

caf::result<ContainerInfo> on_launch(Self self, LaunchOrder& order) {
  auto& state = self->state;
  auto& spec = order.spec;
  auto pool = state.pools.find(spec.pool);
  if (pool == state.pools.end())
    return to_caf(unknown_pool(state, spec.pool));
  if (spec.id.value.empty())
    spec.id = pick_id(state, spec.pool);
  if (auto checked = check_launch(spec); !checked)
    return to_caf(checked.error());
  if (state.containers.count(spec.id) > 0)
    return to_caf({ec::duplicate_id, "container \"" + spec.id.value + "\"", "a container of this id exists",
                   "pick another id, or remove it with `berth rm " + spec.id.value + "`"});
  if (state.foreign.count(spec.id) > 0)
    return to_caf({ec::duplicate_id, "container \"" + spec.id.value + "\"",
                   "a container of this id was left by an earlier run of berthd", "pick another id"});
  auto id = spec.id;
  auto ticket = ++state.last_ticket;
  state.containers[id] = {spec.pool, pool->second, {}, ticket};
  auto reply = self->make_response_promise<ContainerInfo>();
  self->request(pool->second, state.longest_launch, std::move(order))
    .then([=](ContainerInfo& info) mutable { reply.deliver(std::move(info)); },
          [=](caf::error& err) mutable {
            // Once a container was spawned, it says itself when its id is free.
            auto entry = self->state.containers.find(id);
            if (entry != self->state.containers.end() && entry->second.ticket == ticket && !entry->second.actor)
              self->state.containers.erase(entry);
            reply.deliver(std::move(err));
          });
  return reply;
}

caf::result<ContainerActor> on_find(const NodeState& state, const ContainerId& id) {
  auto entry = state.containers.find(id);
  if (entry == state.containers.end())
    return to_caf({ec::unknown_container, "container \"" + id.value + "\"", "there is none of this id",
                   "see `berth ps -a`"});
  if (!entry->second.actor)
    return to_caf({ec::wrong_state, "container \"" + id.value + "\"",
                   "its launch still waits for a place in pool \"" + entry->second.pool.value + "\"",
                   "take it back with `berth rm -f " + id.value + "`, or try again later"});
  return entry->second.actor;
}

void on_down(Self self, const caf::down_msg& down) {
  auto& state = self->state;
  for (auto i = state.containers.begin(); i != state.containers.end(); ++i)
    if (i->second.actor && i->second.actor.address() == down.source) {
      state.containers.erase(i);
      return;
    }
  std::erase_if(state.retired, [&](const auto& actor) { return actor.address() == down.source; });
  for (const auto& [name, actor] : state.pools)
    if (actor.address() == down.source)
      log::error("actor of a pool died", {{"pool", name.value}, {"error", render(from_caf(down.reason))}});
}

void on_change(Self self, ChangePools& change) {
  auto& state = self->state;
  for (const auto& name : change.removed) {
    auto pool = state.pools.find(name);
    if (pool == state.pools.end())
      continue;
    state.retired.push_back(std::move(pool->second));
    state.pools.erase(pool);
  }
  for (auto& [name, actor] : change.added) {
    self->monitor(actor);
    state.pools[name] = std::move(actor);
  }
  state.longest_launch = change.longest_launch;
}

} // namespace

NodeActor::behavior_type node_actor(Self self, std::shared_ptr<const Settings> settings, SpawnPool spawn_pool,
                                    std::set<ContainerId> foreign) {
  guard(self);
  self->set_down_handler([=](const caf::down_msg& down) { on_down(self, down); });
  auto& state = self->state;
  state.foreign = std::move(foreign);
  for (const auto& [name, pool] : settings->pools) {
    // Shares the life of the whole settings.
    auto actor = spawn_pool(NodeActor{self}, std::shared_ptr<const PoolSettings>{settings, &pool},
                            std::shared_ptr<const NodeSettings>{settings, &settings->node}, 1);
    self->monitor(actor);
    state.pools.emplace(pool.name, actor);
  }
  state.longest_launch = longest_launch(*settings);
  return {
    [=](LaunchOrder& order) { return on_launch(self, order); },
    [=](const FindContainer& find) { return on_find(self->state, find.id); },
    [=](const CancelLaunch& cancel) -> caf::result<bool> {
      auto entry = self->state.containers.find(cancel.id);
      if (entry == self->state.containers.end() || entry->second.actor)
        return false;
      return self->delegate(entry->second.pool_actor, cancel);
    },
    [=](const ListContainers& list) {
      auto actors = std::vector<ContainerActor>{};
      for (const auto& [id, entry] : self->state.containers)
        if (entry.actor && (list.pool.value.empty() || list.pool == entry.pool))
          actors.push_back(entry.actor);
      return gather<ContainerInfo>(self, actors, DescribeContainer{}, [all = list.all](ContainerInfos& infos) {
        if (!all)
          infos.erase(std::remove_if(infos.begin(), infos.end(),
                                     [](const auto& x) { return x.state == ContainerState::exited; }),
                      infos.end());
        std::sort(infos.begin(), infos.end(),
                  [](const auto& x, const auto& y) { return x.accepted_at < y.accepted_at; });
      });
    },
    [=](const ListPools&) {
      auto actors = std::vector<PoolActor>{};
      for (const auto& [name, actor] : self->state.pools)
        actors.push_back(actor);
      actors.insert(actors.end(), self->state.retired.begin(), self->state.retired.end());
      return gather<PoolInfo>(self, actors, DescribePool{}, [](PoolInfos& infos) {
        // Of two with the same name the one that is configured comes first.
        auto key = [](const PoolInfo& x) { return std::pair{x.name, x.state == PoolState::retired}; };
        std::sort(infos.begin(), infos.end(), [&](const auto& x, const auto& y) { return key(x) < key(y); });
      });
    },
    [=](const FindPools&) { return self->state.pools; },
    [=](ChangePools& change) { on_change(self, change); },
    [=](const ContainerSpawned& spawned) {
      auto entry = self->state.containers.find(spawned.id);
      if (entry == self->state.containers.end())
        return;
      entry->second.actor = spawned.actor;
      self->monitor(spawned.actor);
    },
    [=](const ContainerRemoved& removed) { self->state.containers.erase(removed.id); },
  };
}

} // namespace berth
