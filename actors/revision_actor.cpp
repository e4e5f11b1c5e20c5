#include "actors/revision_actor.hpp"

#include "actors/policy/config_digest.hpp"
#include "actors/policy/longest_launch.hpp"
#include "actors/policy/objection_to.hpp"
#include "actors/revision_parts.hpp"
#include "actors/tell_state.hpp"
#include "config/compare_settings.hpp"
#include "runtimes/fault_point.hpp"

#include <algorithm>
#include <set>

namespace berth {

namespace revision {

namespace {

using Clock = std::chrono::steady_clock;

/// One change on its way, shared by the answers that it waits for.
struct Change {
  uint64_t number = 0;
  std::vector<ConfigFile> files;
  std::shared_ptr<const Settings> settings;
  ChangeOptions options;
  Receipt receipt;
  caf::typed_response_promise<Receipt> promise;
  /// Of the node before the change, and of the pools that are new.
  PoolActors pools;
  std::map<PoolName, AddedPool> added;
  /// Numbers of the generations that take effect.
  std::map<PoolName, uint64_t> generations;
  ContainerInfos before;
  bool is_preparing = false;
  /// Answers that are still to come.
  size_t open = 0;
  std::optional<Error> failure;
  Clock::time_point step_began = Clock::now();
};

using ChangePtr = std::shared_ptr<Change>;

std::chrono::nanoseconds lap(Change& change) {
  auto now = Clock::now();
  return now - std::exchange(change.step_began, now);
}

void publish(const Revisions& revisions, const char* type, const Change& change, const std::string& error = {}) {
  auto event = Event{};
  event.type = type;
  event.time = now();
  event.numbers["revision"] = static_cast<int64_t>(change.number);
  event.texts["origin"] = change.options.origin;
  event.texts["digest"] = change.receipt.digest;
  if (!error.empty())
    event.texts["error"] = error;
  revisions.self->send(revisions.context->journal, std::move(event));
}

// -- pools that die in the middle of it ----------------------------------------------------------------------------------

/// How often a pool is asked to commit, counted from 1, and how long to wait before the next time. NODE has started it again by
/// then, if it does not rest.
constexpr uint32_t commit_attempts = 9;

std::chrono::milliseconds pause_before(uint32_t attempt) {
  return std::chrono::milliseconds{25} * (1 << attempt);
}

Error died_preparing(const PoolName& pool) {
  return {ec::restarting, "pool \"" + pool.value + "\"", "its actor died while its new settings were prepared",
          "it is started again, nothing was changed: try again"};
}

void one_prepared(const Revisions& revisions, const ChangePtr& change, std::optional<Error> error);

/// A promise goes with its pool, and is not answered: only the death tells.
void watch_pools(const Revisions& revisions, const ChangePtr& change) {
  auto watch = [&](const PoolName& name, const PoolActor& pool) {
    revisions.watch(pool, [=] { one_prepared(revisions, change, died_preparing(name)); });
  };
  for (const auto& difference : change->receipt.difference.pools)
    if (auto pool = change->pools.find(difference.name); pool != change->pools.end())
      watch(pool->first, pool->second);
  for (const auto& [name, added] : change->added)
    watch(name, added.actor);
}

void stop_preparing(const Revisions& revisions, const ChangePtr& change) {
  change->is_preparing = false;
  for (const auto& [name, pool] : change->pools)
    revisions.unwatch(pool);
  for (const auto& [name, added] : change->added)
    revisions.unwatch(added.actor);
}

// -- the end ------------------------------------------------------------------------------------------------------------

void count(NodeMetrics& metrics, const Receipt& receipt) {
  metrics.changes_committed.add();
  metrics.change_prepare.observe(receipt.prepare_time);
  metrics.change_commit.observe(receipt.commit_time);
  for (const auto& pool : receipt.pools)
    metrics.pool_changes.with({pool.name.value, to_string(pool.kind)}).add();
}

void finish(const Revisions& revisions, const ChangePtr& change, ContainerInfos after) {
  auto& receipt = change->receipt;
  receipt.pinned = pinned_of(after, touched_pools(receipt.difference));
  // Those that were started by the new settings are not pinned to old ones.
  std::erase_if(receipt.pinned, [&](const auto& pinned) {
    return std::any_of(receipt.pools.begin(), receipt.pools.end(), [&](const auto& pool) {
      return pool.name == pinned.pool && pool.new_generation == pinned.generation;
    });
  });
  for (auto& pinned : receipt.pinned) {
    auto was = std::find_if(change->before.begin(), change->before.end(), [&](const auto& x) {
      return x.spec.id == pinned.id && x.generation == pinned.generation && x.pid != 0;
    });
    // One that has come since then, or has a new life under an old id, has nothing to be compared with.
    pinned.untouched = was == change->before.end()
                       || (was->pid == pinned.pid && was->pid_start_time == pinned.start_time);
  }
  std::sort(receipt.pools.begin(), receipt.pools.end(), [](const auto& x, const auto& y) { return x.name < y.name; });
  count(*revisions.context->metrics, receipt);
  revisions.state().changing = 0;
  publish(revisions, "node.revision", *change);
  log::info("revision is in effect", {{"revision", std::to_string(change->number)},
                                      {"origin", change->options.origin},
                                      {"pools", std::to_string(receipt.pools.size())},
                                      {"pinned", std::to_string(receipt.pinned.size())},
                                      {"prepare_ms", std::to_string(receipt.prepare_time.count() / 1'000'000)},
                                      {"commit_us", std::to_string(receipt.commit_time.count() / 1'000)},
                                      {"digest", receipt.digest}});
  for (const auto& pool : receipt.pools)
    log::info("receipt of a pool", {{"revision", std::to_string(change->number)},
                                    {"pool", pool.name.value},
                                    {"change", to_string(pool.kind)},
                                    {"generation", std::to_string(pool.old_generation) + "->" + std::to_string(pool.new_generation)},
                                    {"runtime", std::string{to_string(pool.old_runtime)} + "->" + to_string(pool.new_runtime)},
                                    {"state", to_string(pool.state)},
                                    {"accepted", std::to_string(pool.accepted)},
                                    {"queued", std::to_string(pool.queued)},
                                    {"refused", std::to_string(pool.refused)},
                                    {"pinned", std::to_string(pool.pinned)},
                                    {"in_effect", pool.in_effect ? "true" : "false"},
                                    {"reason", pool.reason}});
  fault_point("apply.told");
  change->promise.deliver(receipt);
}

/// Says that nothing has changed, and why; for the answer to whoever asked.
caf::error refuse(const std::string& origin, const Error& error) {
  log::error("configuration was not applied, nothing has changed", {{"origin", origin}, {"error", render(error)}});
  return to_caf(error);
}

void fail(const Revisions& revisions, const ChangePtr& change) {
  stop_preparing(revisions, change);
  for (const auto& difference : change->receipt.difference.pools)
    if (auto pool = change->pools.find(difference.name);
        difference.kind == PoolChangeKind::changed && pool != change->pools.end())
      revisions.self->send(pool->second, AbortGeneration{});
  for (const auto& [name, added] : change->added)
    revisions.self->send_exit(added.actor, caf::exit_reason::user_shutdown);
  revisions.state().changing = 0;
  publish(revisions, "node.revision_refused", *change, render(*change->failure));
  revisions.context->metrics->changes_aborted.add();
  change->promise.deliver(refuse(change->options.origin, *change->failure));
}

// -- commit -------------------------------------------------------------------------------------------------------------

void keep(const Revisions& revisions, const ChangePtr& change) {
  auto& state = revisions.state();
  state.last_number = change->number;
  state.revisions.back().info.current = false;
  state.revisions.push_back({{change->number, change->receipt.time, change->options.origin, change->receipt.digest,
                              change->receipt.difference, true},
                             std::move(change->files),
                             change->settings});
  if (state.revisions.size() > revisions_kept)
    state.revisions.pop_front();
}

void describe_after(const Revisions& revisions, const ChangePtr& change) {
  change->receipt.commit_time = lap(*change);
  revisions.self->request(revisions.context->node, 2 * describe_deadline, ListContainers{true, {}})
    .then([=](ContainerInfos& after) { finish(revisions, change, std::move(after)); },
          // The change is in effect all the same.
          [=](caf::error&) { finish(revisions, change, change->before); });
}

void committed(const Revisions& revisions, const ChangePtr& change, PoolReceipt receipt) {
  auto& state = revisions.state();
  if (receipt.new_generation != 0)
    state.last_generations[receipt.name] = receipt.new_generation;
  // A pool that died in the middle has made another one.
  if (auto recorded = change->generations.find(receipt.name);
      receipt.new_generation != 0 && recorded != change->generations.end() && recorded->second != receipt.new_generation)
    caf::anon_send(revisions.context->journal,
                   RecordRevision{nullptr, {{receipt.name, receipt.new_generation, change->number}}, {}});
  if (receipt.in_effect)
    state.not_in_effect.erase(receipt.name);
  else
    state.not_in_effect.insert(receipt.name);
  change->receipt.pools.push_back(std::move(receipt));
  fault_point("apply.committed");
  if (--change->open == 0)
    describe_after(revisions, change);
}

/// What is known of a pool that has not answered.
PoolReceipt unanswered(const Revisions& revisions, const PoolDifference& difference, const Error& error) {
  auto receipt = PoolReceipt{};
  receipt.name = difference.name;
  receipt.kind = difference.kind;
  receipt.reason = render(error);
  // A pool that shall end comes back, if it does, as one that ends: NODE knows.
  receipt.in_effect = difference.kind == PoolChangeKind::removed;
  receipt.state = receipt.in_effect ? PoolState::retired : PoolState::unavailable;
  receipt.old_generation = revisions.state().last_generations[difference.name];
  return receipt;
}

PoolReceipt receipt_of_added(const PoolInfo& info) {
  auto receipt = PoolReceipt{};
  receipt.name = info.name;
  receipt.kind = PoolChangeKind::added;
  receipt.new_generation = info.generation;
  receipt.old_runtime = receipt.new_runtime = info.effective;
  receipt.state = info.state;
  receipt.reason = info.reason;
  return receipt;
}

void commit_again(const Revisions& revisions, const ChangePtr& change, const PoolDifference& difference, uint32_t attempt);

/// `attempt`: how often it was tried.
void commit_failed(const Revisions& revisions, const ChangePtr& change, const PoolDifference& difference, uint32_t attempt,
                   const caf::error& err) {
  auto error = from_caf(err);
  auto comes_back = error.code == ec::restarting && difference.kind != PoolChangeKind::removed;
  if (comes_back && attempt < commit_attempts)
    return after_pause(revisions.self, revisions.state().put_off, pause_before(attempt),
                       [=] { commit_again(revisions, change, difference, attempt + 1); });
  log::error("pool did not answer its commit", {{"pool", difference.name.value}, {"error", render(error)}});
  committed(revisions, change, unanswered(revisions, difference, error));
}

/// The others have committed, so there is only the way forward: one that died with what it had prepared prepares it anew.
void commit_again(const Revisions& revisions, const ChangePtr& change, const PoolDifference& difference, uint32_t attempt) {
  auto failed = [=](const caf::error& err) { commit_failed(revisions, change, difference, attempt, err); };
  auto go = [=](PoolActors& pools) {
    auto found = pools.find(difference.name);
    if (found == pools.end())
      return committed(revisions, change,
                       unanswered(revisions, difference, {ec::internal, "pool", "its actor is not known", {}}));
    auto pool = found->second;
    // Whichever comes first: the answer, or the death, with which a promise goes.
    auto is_open = std::make_shared<bool>(true);
    auto once = [=](const std::function<void()>& work) {
      if (!std::exchange(*is_open, false))
        return;
      revisions.unwatch(pool);
      work();
    };
    auto fail_once = [=](caf::error& err) { once([&] { failed(err); }); };
    revisions.watch(pool, [=] { once([&] { failed(caf::sec::request_receiver_down); }); });
    if (difference.kind == PoolChangeKind::added)
      return revisions.self->request(pool, pool_deadline, DescribePool{})
        .then([=](const PoolInfo& info) { once([&] { committed(revisions, change, receipt_of_added(info)); }); }, fail_once);
    auto order = prepare_order(change->settings, difference.name, change->options.allow_fallback, change->number);
    revisions.self->request(pool, change->options.timeout, std::move(order))
      .then(
        [=](const PreparedGeneration&) {
          revisions.self->request(pool, pool_deadline, CommitGeneration{change->options.drain})
            .then([=](PoolReceipt& receipt) { once([&] { committed(revisions, change, std::move(receipt)); }); }, fail_once);
        },
        fail_once);
  };
  revisions.self->request(revisions.context->node, describe_deadline, FindPools{})
    .then(go, [=](caf::error& err) { failed(err); });
}

void commit_pools(const Revisions& revisions, const ChangePtr& change) {
  change->open = change->receipt.difference.pools.size();
  if (change->open == 0)
    return describe_after(revisions, change);
  for (const auto& difference : change->receipt.difference.pools) {
    auto done = [=](PoolReceipt& receipt) { committed(revisions, change, std::move(receipt)); };
    auto failed = [=](caf::error& err) { commit_failed(revisions, change, difference, 1, err); };
    switch (difference.kind) {
      case PoolChangeKind::changed:
        revisions.self
          ->request(change->pools.at(difference.name), pool_deadline, CommitGeneration{change->options.drain})
          .then(done, failed);
        break;
      case PoolChangeKind::removed:
        revisions.self->request(change->pools.at(difference.name), pool_deadline, RetirePool{change->options.drain})
          .then(done, failed);
        break;
      case PoolChangeKind::added:
        revisions.self->request(change->added.at(difference.name).actor, pool_deadline, DescribePool{})
          .then([=](const PoolInfo& info) { committed(revisions, change, receipt_of_added(info)); }, failed);
        break;
    }
  }
}

void put_in_effect(const Revisions& revisions, const ChangePtr& change) {
  fault_point("apply.recorded");
  revisions.context->on_change(change->settings);
  keep(revisions, change);
  auto change_pools = ChangePools{change->added, {}, change->options.drain, longest_launch(*change->settings)};
  for (const auto& difference : change->receipt.difference.pools)
    if (difference.kind == PoolChangeKind::removed)
      change_pools.removed.push_back(difference.name);
  revisions.self->request(revisions.context->node, pool_deadline, std::move(change_pools))
    .then(
      [=](const PoolActors& removed) {
        fault_point("apply.pools_known");
        for (const auto& [name, pool] : removed)
          change->pools[name] = pool;
        commit_pools(revisions, change);
      },
      [=](caf::error& err) {
        log::error("node did not answer a change of its pools", {{"error", render(from_caf(err))}});
        commit_pools(revisions, change);
      });
}

/// Records the change first: what is in effect is in effect after a crash, too.
void commit(const Revisions& revisions, const ChangePtr& change) {
  stop_preparing(revisions, change);
  fault_point("apply.prepared");
  auto& receipt = change->receipt;
  receipt.prepare_time = lap(*change);
  receipt.time = now();
  auto record = std::make_shared<RevisionRecord>();
  record->info = {change->number, receipt.time, change->options.origin, receipt.digest, receipt.difference, true};
  record->files = change->files;
  auto order = RecordRevision{std::move(record), {}, {}};
  for (const auto& [pool, number] : change->generations)
    order.generations.push_back({pool, number, change->number});
  if (change->options.from_files)
    order.file_digest = receipt.digest;
  revisions.self->request(revisions.context->journal, journal_deadline, std::move(order))
    .then([=] { put_in_effect(revisions, change); },
          [=](caf::error& err) {
            change->failure = from_caf(err);
            fail(revisions, change);
          });
}

// -- prepare ------------------------------------------------------------------------------------------------------------

void one_prepared(const Revisions& revisions, const ChangePtr& change, std::optional<Error> error) {
  if (!change->is_preparing)
    return;
  if (error && !change->failure)
    change->failure = std::move(error);
  // The first failure ends it; what others still have to say is of interest to nobody.
  if (change->failure && change->open > 0) {
    change->open = 0;
    return fail(revisions, change);
  }
  if (change->open > 0 && --change->open == 0)
    commit(revisions, change);
}

Error late(const Change& change, const PoolName& pool, const caf::error& err) {
  auto error = from_caf(err);
  if (error.code == ec::restarting)
    return died_preparing(pool);
  if (error.code != ec::deadline_exceeded)
    return error;
  return {ec::deadline_exceeded, "pool \"" + pool.value + "\"",
          "its new settings could not be prepared within " + std::to_string(change.options.timeout.count()) + " ms",
          "give it more time with --timeout; nothing was changed"};
}

void prepare_added(const Revisions& revisions, const ChangePtr& change, const PoolName& name) {
  auto order = prepare_order(change->settings, name, change->options.allow_fallback, change->number);
  auto number = revisions.state().last_generations[name] + 1;
  change->generations[name] = number;
  auto seed = new_pool(order.settings, order.node, number, change->number);
  // NODE makes it known, if it comes to that.
  seed.is_announced = false;
  auto& added = change->added[name];
  added.memory = seed.memory;
  auto pool = added.actor = revisions.context->spawn_pool(revisions.context->node, std::move(seed));
  revisions.self->request(pool, change->options.timeout, AwaitReady{})
    .then([=](const PoolInfo& info) {
      // A new pool has no generation that could go on: it must be able to serve.
      one_prepared(revisions, change, objection_to(info.name, std::nullopt, info.state, info.reason,
                                                   change->options.allow_fallback));
    },
          [=](caf::error& err) { one_prepared(revisions, change, late(*change, name, err)); });
}

void prepare_changed(const Revisions& revisions, const ChangePtr& change, const PoolName& name) {
  auto order = prepare_order(change->settings, name, change->options.allow_fallback, change->number);
  revisions.self->request(change->pools.at(name), change->options.timeout, std::move(order))
    .then(
      [=](const PreparedGeneration& prepared) {
        change->generations[name] = prepared.generation;
        one_prepared(revisions, change, std::nullopt);
      },
      [=](caf::error& err) { one_prepared(revisions, change, late(*change, name, err)); });
}

void prepare(const Revisions& revisions, const ChangePtr& change) {
  auto& pools = change->receipt.difference.pools;
  for (const auto& difference : pools)
    if (difference.kind != PoolChangeKind::added && change->pools.count(difference.name) == 0) {
      change->failure = Error{ec::internal, "pool \"" + difference.name.value + "\"", "its actor is not known", {}};
      return fail(revisions, change);
    }
  change->open = static_cast<size_t>(
    std::count_if(pools.begin(), pools.end(), [](const auto& x) { return x.kind != PoolChangeKind::removed; }));
  if (change->open == 0)
    return commit(revisions, change);
  change->is_preparing = true;
  for (const auto& difference : pools) {
    if (difference.kind == PoolChangeKind::added)
      prepare_added(revisions, change, difference.name);
    else if (difference.kind == PoolChangeKind::changed)
      prepare_changed(revisions, change, difference.name);
  }
  watch_pools(revisions, change);
}

void no_change(const Revisions& revisions, const ChangePtr& change) {
  revisions.state().changing = 0;
  // The files have been read, and say the same as what was applied meanwhile: at the next start they are no news.
  if (change->options.from_files)
    caf::anon_send(revisions.context->journal, RecordRevision{nullptr, {}, change->receipt.digest});
  revisions.context->metrics->changes_without_difference.add();
  change->receipt.revision = change->receipt.previous;
  change->receipt.time = now();
  change->promise.deliver(change->receipt);
}

void look_around(const Revisions& revisions, const ChangePtr& change) {
  auto give_up = [=](caf::error& err) {
    change->failure = from_caf(err);
    fail(revisions, change);
  };
  revisions.self->request(revisions.context->node, describe_deadline, FindPools{})
    .then(
      [=](PoolActors& pools) {
        change->pools = std::move(pools);
        revisions.self->request(revisions.context->node, 2 * describe_deadline, ListContainers{true, {}})
          .then(
            [=](ContainerInfos& containers) {
              change->before = std::move(containers);
              revisions.self->request(revisions.context->node, 2 * describe_deadline, ListPools{})
                .then(
                  [=](const PoolInfos& infos) {
                    add_broken_pools(revisions, change->receipt.difference, infos, *change->settings);
                    if (change->receipt.difference.empty())
                      return no_change(revisions, change);
                    prepare(revisions, change);
                  },
                  give_up);
            },
            give_up);
      },
      give_up);
}

// -- requests -----------------------------------------------------------------------------------------------------------

caf::result<Receipt> apply(const Revisions& revisions, std::vector<ConfigFile> files, ChangeOptions options) {
  auto& state = revisions.state();
  if (auto error = under_way(revisions))
    return refuse(options.origin, *error);
  auto began = Clock::now();
  auto settings = load(files);
  if (!settings)
    return refuse(options.origin, settings.error());
  auto change = std::make_shared<Change>();
  change->step_began = began;
  change->settings = std::move(*settings);
  change->files = std::move(files);
  change->options = std::move(options);
  auto& receipt = change->receipt;
  receipt.previous = revisions.current().info.number;
  receipt.origin = change->options.origin;
  receipt.digest = digest_of(*change->settings);
  receipt.difference = compare(*revisions.current().settings, *change->settings);
  receipt.plan_time = lap(*change);
  change->number = receipt.revision = state.last_number + 1;
  change->promise = revisions.self->make_response_promise<Receipt>();
  state.changing = change->number;
  look_around(revisions, change);
  return change->promise;
}

caf::result<Receipt> roll_back(const Revisions& revisions, const RollBack& order) {
  const auto& kept = revisions.state().revisions;
  auto wanted = kept.end();
  if (order.revision == 0 && kept.size() > 1)
    wanted = std::prev(kept.end(), 2);
  else if (order.revision != 0)
    wanted = std::find_if(kept.begin(), kept.end(), [&](const auto& x) { return x.info.number == order.revision; });
  if (wanted == kept.end())
    return to_caf({ec::bad_request, "revision " + std::to_string(order.revision),
                   order.revision == 0 ? "there is none before the present one" : "it is not kept",
                   "see `berth history`"});
  auto options = order.options;
  options.origin += " to " + std::to_string(wanted->info.number);
  return apply(revisions, wanted->files, std::move(options));
}

} // namespace

} // namespace revision

RevisionActor::behavior_type revision_actor(SelfPointer<RevisionActor, RevisionState> self, RevisionContext context,
                                            std::vector<KnownRevision> known,
                                            std::map<PoolName, uint64_t> last_generations) {
  using namespace revision;
  guard(self, ActorLabel{}, [self] { return tell(self->state); });
  self->set_down_handler([=](const caf::down_msg& down) {
    if (auto watcher = self->state.watchers.extract(down.source))
      watcher.mapped()();
  });
  auto revisions = Revisions{self, std::make_shared<const RevisionContext>(std::move(context))};
  auto& state = self->state;
  for (auto& revision : known)
    state.revisions.push_back({std::move(revision.record.info), std::move(revision.record.files), std::move(revision.settings)});
  for (auto& revision : state.revisions)
    revision.info.current = &revision == &state.revisions.back();
  state.last_number = state.revisions.back().info.number;
  state.last_generations = std::move(last_generations);
  return {
    [=](const PlanConfig& order) { return make_plan(revisions, order); },
    [=](ApplyConfig& order) { return apply(revisions, std::move(order.files), std::move(order.options)); },
    [=](const RollBack& order) { return roll_back(revisions, order); },
    [=](const ListRevisions&) {
      auto result = RevisionInfos{};
      for (const auto& revision : self->state.revisions)
        result.push_back(revision.info);
      return result;
    },
    [=](const RestartDue& due) { take_up(self->state.put_off, due.ticket); },
  };
}

} // namespace berth
