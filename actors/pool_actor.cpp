#include "actors/pool_actor.hpp"

#include "actors/container_actor.hpp"
#include "actors/guard.hpp"
#include "actors/policy/admission.hpp"
#include "actors/policy/pool_limits.hpp"
#include "actors/pool_parts.hpp"
#include "runtimes/launch_check.hpp"

#include <algorithm>

namespace berth {

namespace pool {

namespace {

using Reply = caf::typed_response_promise<ContainerInfo>;

void give_place_back(const Pool& pool, const ContainerId& id) {
  auto place = pool.state().places.find(id);
  if (place == pool.state().places.end())
    return;
  auto generation = place->second.generation;
  pool.state().places.erase(place);
  dispose_if_drained(pool, generation);
  pump(pool);
}

void warn_about_needs(ContainerInfo& info) {
  if (info.spec.gpus > 0)
    info.warnings.push_back("--gpu " + std::to_string(info.spec.gpus)
                            + " decides the runtime; this version of Berth injects no GPU devices: pass device nodes with "
                              "--device and libraries with --mount");
}

void log_selection(const ContainerInfo& info) {
  auto id = log::Field{"container_id", info.spec.id.value};
  auto pool = log::Field{"pool", info.spec.pool.value};
  if (info.selection.reason == SelectionReason::gpu)
    log::debug("using runc for GPU workload", {id, pool});
  if (info.selection.reason == SelectionReason::checkpoint)
    log::debug("using runc for checkpoint workload", {id, pool});
  log::debug("selected runtime for container", {id,
                                                {"runtime", to_string(info.selection.runtime)},
                                                pool,
                                                {"reason", to_string(info.selection.reason)},
                                                {"source", to_string(info.selection.source)}});
}

void spawn_container(const Pool& pool, uint64_t number, LaunchOrder order, Selection selection, Reply reply) {
  auto& state = pool.state();
  auto& generation = state.generations.at(number);
  --generation.admitted;
  auto& member = generation.members.at(selection.runtime);
  if (auto supported = check_support(order.spec, (*member.prepared)->profile); !supported) {
    reply.deliver(to_caf(supported.error()));
    dispose_if_drained(pool, number);
    pump(pool);
    return;
  }
  auto container = ContainerOrder{};
  auto& info = container.info;
  info.spec = std::move(order.spec);
  info.selection = std::move(selection);
  info.profile = (*member.prepared)->profile;
  info.generation = number;
  info.accepted_at = now();
  place_container(info, pool.node->host);
  warn_about_needs(info);
  log_selection(info);
  container.runtime = member.actor;
  container.pool = PoolActor{pool.self};
  container.parent = pool.parent;
  container.reader = std::move(order.reader);
  container.grace = generation.settings->termination_grace_period.value;
  container.oom_group = generation.settings->oom_group.value;
  auto id = info.spec.id;
  auto actor = pool.self->spawn(container_actor, generation.node, std::move(container));
  auto holder = actor.address();
  state.places[id] = {holder, number, false};
  state.containers[holder] = {id, actor, number};
  pool.self->monitor(actor);
  pool.self->send(pool.parent, ContainerSpawned{id, actor});
  auto deadline = start_slot_deadline + generation.node->settings.start_timeout.value + launch_slack;
  ++generation.unanswered;
  auto answered = [=] {
    --pool.state().generations.at(number).unanswered;
    dispose_if_drained(pool, number);
  };
  pool.self->request(actor, deadline, BeginLaunch{})
    .then(
      [=](ContainerInfo& started) mutable {
        auto place = pool.state().places.find(id);
        if (place != pool.state().places.end() && place->second.holder == holder)
          place->second.runs = true;
        reply.deliver(std::move(started));
        answered();
      },
      [=](caf::error& err) mutable {
        reply.deliver(std::move(err));
        answered();
      });
  if (generation.is_stopping)
    stop(pool, actor);
}

/// Launches in the generation that is current now, whatever comes after it.
void launch(const Pool& pool, LaunchOrder order, Reply reply) {
  auto number = pool.state().current;
  auto& generation = pool.current();
  // For one that has waited, the limits may be others than when it came.
  auto limits = apply_pool_limits(order.spec.limits, *generation.settings);
  if (!limits) {
    reply.deliver(to_caf(limits.error()));
    return;
  }
  order.spec.limits = *limits;
  ++generation.admitted;
  auto needs = LaunchNeeds{order.spec.gpus, order.spec.checkpoint};
  pool.self->request(generation.selector, select_deadline, needs)
    .then([=](Selection& selection) { spawn_container(pool, number, order, std::move(selection), reply); },
          [=](caf::error& err) mutable {
            --pool.state().generations.at(number).admitted;
            reply.deliver(std::move(err));
            dispose_if_drained(pool, number);
            pump(pool);
          });
}

Error full(const Pool& pool) {
  const auto& state = pool.state();
  return {ec::limit_reached, "pool \"" + pool.name() + "\"",
          "it runs " + std::to_string(state.places.size() + pool.admitted()) + " of at most "
            + std::to_string(pool.settings().max_containers.value) + " containers and "
            + std::to_string(state.queue.size()) + " launches wait",
          "wait for one to end, or raise `maxContainers` or `queue.length`"};
}

caf::result<ContainerInfo> on_launch(const Pool& pool, LaunchOrder& order) {
  auto& state = pool.state();
  const auto& settings = pool.settings();
  if (state.retired)
    return to_caf({ec::unknown_pool, "pool \"" + pool.name() + "\"", "it is not configured any more", "see `berth pools`"});
  auto limits = apply_pool_limits(order.spec.limits, settings);
  if (!limits)
    return to_caf(limits.error());
  auto admission = admit(pool.current().condition == PoolState::preparing, state.places.size() + pool.admitted(),
                         state.queue.size(), settings.max_containers.value, settings.queue.value.length);
  if (admission == Admission::refuse) {
    ++state.counters.refused;
    return to_caf(full(pool));
  }
  ++state.counters.accepted;
  // Once a promise is made, only the promise can answer: a returned error would go nowhere.
  auto reply = pool.self->make_response_promise<ContainerInfo>();
  if (admission == Admission::start) {
    launch(pool, std::move(order), reply);
    return reply;
  }
  ++state.counters.queued;
  // An attached client that is gone does not want its container any more.
  if (order.reader)
    pool.self->monitor(caf::actor_cast<caf::actor>(order.reader));
  auto timeout = settings.queue.value.timeout;
  state.queue.push_back({++state.last_ticket, std::move(order), reply, timeout});
  pool.self->delayed_send(pool.self, timeout, QueueTimeout{state.last_ticket});
  return reply;
}

/// Takes launches out of the queue. True if there was one.
template <class Predicate>
bool cancel_if(const Pool& pool, Predicate predicate, const char* why) {
  auto& queue = pool.state().queue;
  return std::erase_if(queue, [&](auto& x) {
           if (!predicate(x))
             return false;
           x.promise.deliver(to_caf({ec::cancelled, "container \"" + x.order.spec.id.value + "\"",
                                     std::string{"its launch waited for a place, and "} + why, {}}));
           return true;
         })
         > 0;
}

void on_queue_timeout(const Pool& pool, uint64_t ticket) {
  auto& queue = pool.state().queue;
  auto i = std::find_if(queue.begin(), queue.end(), [&](const auto& x) { return x.ticket == ticket; });
  if (i == queue.end())
    return;
  char waited[32];
  std::snprintf(waited, sizeof(waited), "%g s", std::chrono::duration<double>(i->timeout).count());
  auto preparing = pool.current().condition == PoolState::preparing;
  i->promise.deliver(to_caf({ec::queue_timeout, "pool \"" + pool.name() + "\"",
                             std::string{"the launch waited "} + waited
                               + (preparing ? " for the pool's runtime, which is still being tried out" : " for a place"),
                             preparing ? "try again, or raise `queue.timeout`"
                                       : "wait for a container to end, or raise `maxContainers` or `queue.timeout`"}));
  queue.erase(i);
}

/// A container's actor ends after its removal; one that dies earlier must not keep its place.
void on_down(const Pool& pool, const caf::down_msg& down) {
  auto& state = pool.state();
  cancel_if(pool, [&](const auto& x) { return x.order.reader && x.order.reader->address() == down.source; },
            "its client has gone");
  auto i = state.containers.find(down.source);
  if (i == state.containers.end()) {
    if (is_part_of_pool(pool, down))
      log::error("actor of a pool died", {{"pool", pool.name()}, {"error", render(from_caf(down.reason))}});
    return;
  }
  auto id = i->second.id;
  state.containers.erase(i);
  auto place = state.places.find(id);
  if (place == state.places.end() || place->second.holder != down.source)
    return;
  log::error("actor of a container died", {{"pool", pool.name()}, {"container_id", id.value}});
  give_place_back(pool, id);
}

} // namespace

uint32_t Pool::admitted() const {
  auto result = uint32_t{0};
  for (const auto& [number, generation] : state().generations)
    result += generation.admitted;
  return result;
}

Event event_of(const Pool& pool, std::string type, uint64_t generation) {
  auto result = Event{};
  result.type = std::move(type);
  result.time = now();
  result.pool = pool.state().pool;
  result.generation = generation;
  return result;
}

void pump(const Pool& pool) {
  auto& state = pool.state();
  if (pool.current().condition == PoolState::preparing)
    return;
  auto max = pool.settings().max_containers.value;
  while (!state.queue.empty() && (max == 0 || state.places.size() + pool.admitted() < max)) {
    auto next = std::move(state.queue.front());
    state.queue.pop_front();
    launch(pool, std::move(next.order), next.promise);
  }
}

void refuse_waiting(const Pool& pool, const Error& error) {
  for (auto& waiting : std::exchange(pool.state().queue, {}))
    waiting.promise.deliver(to_caf(error));
}

} // namespace pool

PoolActor::behavior_type pool_actor(PoolActor::stateful_pointer<PoolActorState> self, NodeContextPtr node,
                                    NodeActor parent, std::shared_ptr<const PoolSettings> settings, uint64_t generation,
                                    SpawnRuntime spawn_runtime) {
  using namespace pool;
  guard(self);
  auto me = Pool{self, std::move(node), std::move(parent), std::move(spawn_runtime)};
  self->state.pool = settings->name;
  self->set_down_handler([=](const caf::down_msg& down) { on_down(me, down); });
  begin(me, std::move(settings), generation);
  return {
    [=](LaunchOrder& order) { return on_launch(me, order); },
    [=](const CancelLaunch& cancel) {
      return cancel_if(me, [&](const auto& x) { return x.order.spec.id == cancel.id; }, "it was removed");
    },
    [=](const DescribePool&) { return describe(me); },
    [=](const PrepareGeneration& order) { return on_prepare(me, order); },
    [=](const CommitGeneration& commit) { return on_commit(me, commit.drain); },
    [=](const AbortGeneration&) { on_abort(me); },
    [=](const RetirePool& retire) { return on_retire(me, retire.drain); },
    [=](const AwaitReady&) { return on_await_ready(me); },
    [=](const ContainerEnded& ended) { give_place_back(me, ended.id); },
    [=](const QueueTimeout& timeout) { on_queue_timeout(me, timeout.ticket); },
  };
}

} // namespace berth
