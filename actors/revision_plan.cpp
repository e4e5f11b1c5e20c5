#include "actors/policy/config_digest.hpp"
#include "actors/policy/lost_launches.hpp"
#include "actors/policy/objection_to.hpp"
#include "actors/policy/same_invocation.hpp"
#include "actors/revision_parts.hpp"
#include "config/compare_settings.hpp"
#include "config/load_settings.hpp"

#include <algorithm>

namespace berth::revision {

namespace {

std::vector<ConfigText> texts_of(const std::vector<ConfigFile>& files) {
  auto result = std::vector<ConfigText>{};
  for (const auto& file : files)
    result.push_back({file.name, file.text});
  return result;
}

/// One plan on its way, shared by the answers that it waits for.
struct Planning {
  Plan plan;
  PlanConfig order;
  std::shared_ptr<const Settings> settings;
  PoolInfos pools;
  ContainerInfos containers;
  caf::typed_response_promise<Plan> promise;
  /// Pools that are being tried out.
  std::map<PoolName, PoolActor> open;
};

using PlanningPtr = std::shared_ptr<Planning>;

const PoolInfo* find_pool(const PoolInfos& pools, const PoolName& name) {
  auto found = std::find_if(pools.begin(), pools.end(),
                            [&](const auto& x) { return x.name == name && x.state != PoolState::retired; });
  return found == pools.end() ? nullptr : &*found;
}

void finish(const PlanningPtr& planning) {
  auto by_pool = [](const Refusal& x, const Refusal& y) { return x.pool < y.pool; };
  std::stable_sort(planning->plan.refused.begin(), planning->plan.refused.end(), by_pool);
  planning->promise.deliver(std::move(planning->plan));
}

void tried_out(const Revisions& revisions, const PlanningPtr& planning, const PoolName& name, std::optional<Error> error) {
  auto trial = planning->open.extract(name);
  if (!trial)
    return;
  revisions.unwatch(trial.mapped());
  revisions.self->send_exit(trial.mapped(), caf::exit_reason::user_shutdown);
  if (error)
    planning->plan.refused.push_back({name, std::move(*error)});
  if (planning->open.empty())
    finish(planning);
}

/// What is known of the pool's runtimes and holds for these settings, too: an apply would not try it out again.
std::map<RuntimeKind, Result<PreparedRuntime>> known_of(const PoolMemory& memory, const PrepareGeneration& next) {
  auto result = std::map<RuntimeKind, Result<PreparedRuntime>>{};
  const auto& now = memory.generations.back();
  for (const auto& [kind, prepared] : now.prepared)
    if (prepared && same_invocation(kind, {*now.settings, *now.node}, {*next.settings, *next.node}))
      result.emplace(kind, prepared);
  return result;
}

void try_out(const Revisions& revisions, const PlanningPtr& planning, const RecalledPools& recalled) {
  const auto& order = planning->order;
  auto names = std::vector<PoolName>{};
  for (const auto& difference : planning->plan.difference.pools)
    if (difference.kind != PoolChangeKind::removed)
      names.push_back(difference.name);
  for (const auto& name : names) {
    auto next = prepare_order(planning->settings, name, order.allow_fallback, 0);
    auto memory = *new_pool(next.settings, next.node, 1).memory;
    auto known = recalled.pools.find(name);
    if (known != recalled.pools.end())
      memory.generations.front().prepared = known_of(*known->second, next);
    auto seed = PoolSeed{std::make_shared<const PoolMemory>(std::move(memory)), {}, false};
    planning->open[name] = revisions.context->spawn_pool(revisions.context->node, std::move(seed));
  }
  planning->plan.tried_out = true;
  if (names.empty())
    return finish(planning);
  for (const auto& name : names) {
    const auto* pool = find_pool(planning->pools, name);
    auto now = pool != nullptr ? std::optional{pool->state} : std::nullopt;
    auto trial = planning->open.at(name);
    revisions.watch(trial, [=] {
      tried_out(revisions, planning, name,
                Error{ec::restarting, "pool \"" + name.value + "\"", "its actor died while it was tried out", "try again"});
    });
    revisions.self->request(trial, order.timeout, AwaitReady{})
      .then(
        [=](const PoolInfo& info) {
          tried_out(revisions, planning, name,
                    objection_to(name, now, info.state, info.reason, planning->order.allow_fallback));
        },
        [=](caf::error& err) {
          auto error = from_caf(err);
          // Of one that has died, the death tells.
          if (error.code != ec::restarting)
            tried_out(revisions, planning, name,
                      Error{error.code, "pool \"" + name.value + "\"",
                            "its runtimes did not prove within " + std::to_string(planning->order.timeout.count())
                              + " ms that they work",
                            "give them more time with --timeout"});
        });
  }
}

void look_around(const Revisions& revisions, const PlanningPtr& planning) {
  auto& plan = planning->plan;
  add_broken_pools(revisions, plan.difference, planning->pools, *planning->settings);
  plan.pinned = pinned_of(planning->containers, touched_pools(plan.difference));
  if (auto error = under_way(revisions))
    plan.refused.push_back({{}, std::move(*error)});
  for (const auto& difference : plan.difference.pools) {
    const auto* pool = find_pool(planning->pools, difference.name);
    auto settings = [&](const Settings& of) -> const PoolSettings* {
      auto found = of.pools.find(difference.name.value);
      return found == of.pools.end() ? nullptr : &found->second;
    };
    for (auto& error : lost_launches(difference.name, settings(*revisions.current().settings), settings(*planning->settings),
                                     pool != nullptr ? pool->queued : 0))
      plan.refused_launches.push_back({difference.name, std::move(error)});
  }
  if (!planning->order.try_out)
    return finish(planning);
  revisions.self->request(revisions.context->node, describe_deadline, RecallPools{})
    .then([=](const RecalledPools& recalled) { try_out(revisions, planning, recalled); },
          [=](caf::error& err) { planning->promise.deliver(std::move(err)); });
}

} // namespace

Result<std::shared_ptr<const Settings>> load(const std::vector<ConfigFile>& files) {
  if (files.empty())
    return failure(ec::bad_request, "configuration", "no file was given", "send at least one");
  auto settings = load_settings(texts_of(files));
  if (!settings)
    return failure(to_error(settings.error()));
  return std::make_shared<const Settings>(std::move(*settings));
}

std::set<PoolName> touched_pools(const SettingsDifference& difference) {
  auto result = std::set<PoolName>{};
  for (const auto& pool : difference.pools)
    result.insert(pool.name);
  return result;
}

std::vector<PinnedContainer> pinned_of(const ContainerInfos& containers, const std::set<PoolName>& pools) {
  auto result = std::vector<PinnedContainer>{};
  for (const auto& container : containers)
    if (container.pid != 0 && pools.count(container.spec.pool) > 0)
      result.push_back({container.spec.id, container.spec.pool, container.generation, container.profile.kind,
                        container.pid, container.pid_start_time, true});
  return result;
}

void add_broken_pools(const Revisions& revisions, SettingsDifference& difference, const PoolInfos& pools,
                      const Settings& settings) {
  for (const auto& pool : pools) {
    auto is_broken = pool.state == PoolState::degraded || pool.state == PoolState::unavailable
                     || revisions.state().not_in_effect.count(pool.name) > 0;
    auto is_there = std::any_of(difference.pools.begin(), difference.pools.end(),
                                [&](const auto& x) { return x.name == pool.name; });
    if (is_broken && !is_there && settings.pools.contains(pool.name.value))
      difference.pools.push_back({pool.name, PoolChangeKind::changed, {}});
  }
  std::sort(difference.pools.begin(), difference.pools.end(),
            [](const auto& x, const auto& y) { return x.name < y.name; });
}

PrepareGeneration prepare_order(const std::shared_ptr<const Settings>& settings, const PoolName& name, bool allow_fallback,
                                uint64_t revision) {
  // Both share the life of the whole settings.
  return {std::shared_ptr<const PoolSettings>{settings, &settings->pools.at(name.value)},
          std::shared_ptr<const NodeSettings>{settings, &settings->node}, allow_fallback, revision};
}

std::optional<Error> under_way(const Revisions& revisions) {
  if (revisions.state().changing == 0)
    return std::nullopt;
  return Error{ec::wrong_state, "configuration",
               "revision " + std::to_string(revisions.state().changing) + " is being applied",
               "wait until it is in effect: see `berth history`"};
}

caf::result<Plan> make_plan(const Revisions& revisions, const PlanConfig& order) {
  auto settings = load(order.files);
  if (!settings)
    return to_caf(settings.error());
  auto planning = std::make_shared<Planning>();
  planning->order = order;
  planning->settings = std::move(*settings);
  auto& plan = planning->plan;
  plan.revision = revisions.current().info.number;
  plan.digest = digest_of(*planning->settings);
  plan.difference = compare(*revisions.current().settings, *planning->settings);
  planning->promise = revisions.self->make_response_promise<Plan>();
  auto failed = [=](caf::error& err) { planning->promise.deliver(std::move(err)); };
  revisions.self->request(revisions.context->node, 2 * describe_deadline, ListPools{})
    .then(
      [=](PoolInfos& pools) {
        planning->pools = std::move(pools);
        revisions.self->request(revisions.context->node, 2 * describe_deadline, ListContainers{true, {}})
          .then(
            [=](ContainerInfos& containers) {
              planning->containers = std::move(containers);
              look_around(revisions, planning);
            },
            failed);
      },
      failed);
  return planning->promise;
}

} // namespace berth::revision
