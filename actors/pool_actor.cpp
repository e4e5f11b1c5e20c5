#include "actors/pool_actor.hpp"

#include "actors/container_actor.hpp"
#include "actors/guard.hpp"
#include "actors/policy/admission.hpp"
#include "actors/policy/pool_limits.hpp"
#include "actors/pool_parts.hpp"
#include "actors/tell_state.hpp"
#include "runtimes/launch_check.hpp"

#include <algorithm>

namespace berth {

namespace pool {

namespace {

void warn_about_needs(ContainerInfo& info) {
  if (info.spec.gpus > 0)
    info.warnings.push_back("--gpu " + std::to_string(info.spec.gpus)
                            + " decides the runtime; this version of Berth injects no GPU devices: pass device nodes with "
                              "--device and libraries with --mount");
}

void log_selection(const ContainerInfo& info) {
  auto id = log::Field{"container_id", info.spec.id.value};
  auto pool = log::Field{"pool", info.spec.pool.value};
  auto trace = log::Field{info.trace_id.empty() ? "" : "trace_id", info.trace_id};
  if (info.selection.reason == SelectionReason::gpu)
    log::debug("using runc for GPU workload", {id, pool, trace});
  if (info.selection.reason == SelectionReason::checkpoint)
    log::debug("using runc for checkpoint workload", {id, pool, trace});
  log::debug("selected runtime for container", {id,
                                                {"runtime", to_string(info.selection.runtime)},
                                                pool,
                                                {"reason", to_string(info.selection.reason)},
                                                {"source", to_string(info.selection.source)},
                                                trace});
}

void count_selection(const Pool& pool, const Generation& generation, PoolActorState::Selecting& launch,
                     const Selection& selection) {
  auto configured = generation.members.find(selection.configured);
  auto is_broken = configured != generation.members.end() && configured->second.prepared && !*configured->second.prepared;
  auto& metrics = *pool.node->metrics;
  metrics.selected(pool.state().pool, selection,
                   is_broken ? configured->second.prepared->error().code : ec::pool_unavailable);
  const auto& counts = metrics.launches(pool.state().pool, selection.runtime);
  counts.phase(LaunchPhase::queue).observe(launch.queued);
  counts.phase(LaunchPhase::select).observe(launch.clock.lap());
}

ContainerMemory memory_of(const Pool& pool, Generation& generation, const PoolActorState::Selecting& launch,
                          SelectionTrail trail) {
  auto memory = ContainerMemory{};
  auto& info = memory.info;
  info.spec = launch.order.spec;
  info.why = explain(generation, {pool.state().pool, info.spec.gpus, info.spec.checkpoint, launch.asked}, trail);
  info.profile = (*generation.members.at(trail.selection.runtime).prepared)->profile;
  info.selection = std::move(trail.selection);
  info.generation = generation.number;
  info.accepted_at = now();
  info.trace_id = to_string(launch.order.cause.trace);
  if (info.spec.pass_trace && launch.order.cause.trace)
    info.spec.env.push_back("TRACEPARENT=" + to_traceparent(launch.order.cause));
  place_container(info, pool.node->host);
  warn_about_needs(info);
  memory.ticket = launch.order.ticket;
  memory.reader = launch.order.reader;
  memory.grace = generation.settings->termination_grace_period.value;
  memory.oom_group = generation.settings->oom_group.value;
  return memory;
}

void on_selected(const Pool& pool, uint64_t ticket, SelectionTrail trail) {
  if (trail.refused)
    return refuse_selecting(pool, ticket, to_caf(trail.error));
  auto& state = pool.state();
  auto found = state.selecting.find(ticket);
  if (found == state.selecting.end())
    return;
  auto launch = std::move(found->second);
  state.selecting.erase(found);
  auto& generation = state.generations.at(launch.generation);
  count_selection(pool, generation, launch, trail.selection);
  auto memory = memory_of(pool, generation, launch, std::move(trail));
  if (auto supported = check_support(memory.info.spec, memory.info.profile); !supported) {
    launch.reply.deliver(to_caf(supported.error()));
    dispose_if_drained(pool, launch.generation);
    pump(pool);
    return;
  }
  log_selection(memory.info);
  auto id = memory.info.spec.id;
  // One of that id that has ended may still be on its way out.
  if (auto stale = state.containers.extract(id); stale && stale.mapped().has_place)
    --state.places;
  auto& container = state.containers[id];
  container.generation = launch.generation;
  container.replies.push_back(std::move(launch.reply));
  ++state.places;
  spawn_container(pool, id, std::move(memory));
  ask_to_begin(pool, id);
  if (generation.is_stopping)
    stop(pool, container.actor);
}

/// Launches in the generation that is current now, whatever comes after it.
void launch(const Pool& pool, LaunchOrder order, Reply reply, std::chrono::nanoseconds queued) {
  auto& state = pool.state();
  // For one that has waited, the limits may be others than when it came.
  auto limits = apply_pool_limits(order.spec.limits, pool.settings());
  if (!limits) {
    reply.deliver(to_caf(limits.error()));
    return;
  }
  auto asked = std::exchange(order.spec.limits, *limits);
  auto ticket = ++state.last_ticket;
  state.selecting[ticket] = {std::move(order), std::move(reply), state.current, asked, queued};
  ask_selector(pool, ticket);
}

caf::result<ContainerInfo> on_launch(const Pool& pool, LaunchOrder& order) {
  auto& state = pool.state();
  if (auto made = state.containers.find(order.spec.id); order.is_repeated && made != state.containers.end()) {
    auto reply = pool.self->make_response_promise<ContainerInfo>();
    made->second.replies.push_back(reply);
    ask_to_begin(pool, order.spec.id);
    return reply;
  }
  // NODE hears of its end, too, and answers by that.
  if (order.is_made)
    return to_caf({ec::restarting, "container \"" + order.spec.id.value + "\"",
                   "it has ended while its pool was started again", "see `berth events`"});
  const auto& settings = pool.settings();
  if (state.retired)
    return to_caf(not_configured(pool));
  auto limits = apply_pool_limits(order.spec.limits, settings);
  if (!limits)
    return to_caf(limits.error());
  if (auto error = resting(pool.current()))
    return to_caf(*error);
  auto admission = admit(pool.current().condition == PoolState::preparing, taken(pool), state.queue.size(),
                         settings.max_containers.value, settings.queue.value.length);
  if (admission == Admission::refuse) {
    ++state.counters.refused;
    return to_caf(full(pool));
  }
  ++state.counters.accepted;
  // Once a promise is made, only the promise can answer: a returned error would go nowhere.
  auto reply = pool.self->make_response_promise<ContainerInfo>();
  if (admission == Admission::start) {
    launch(pool, std::move(order), reply, {});
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
           x.wait.end(ec::cancelled);
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
  i->wait.end(ec::queue_timeout);
  queue.erase(i);
}

/// The current settings count for all generations.
size_t start_slots(const Pool& pool) {
  auto configured = pool.settings().max_concurrent_starts.value;
  return configured > 0 ? configured : 2 * std::max(pool.node->host.facts.cpus, 1u);
}

void grant_slots(const Pool& pool) {
  auto& state = pool.state();
  while (!state.start_queue.empty() && state.starting.size() < start_slots(pool)) {
    auto next = std::move(state.start_queue.front());
    state.start_queue.pop_front();
    state.starting.insert(next.holder);
    next.promise.deliver(StartSlot{});
    next.wait.end();
  }
}

caf::result<StartSlot> on_take_slot(const Pool& pool, bool is_held) {
  auto holder = caf::actor_cast<caf::actor_addr>(pool.self->current_sender());
  if (is_held) {
    pool.state().starting.insert(holder);
    return StartSlot{};
  }
  auto promise = pool.self->make_response_promise<StartSlot>();
  pool.state().start_queue.push_back({holder, promise});
  grant_slots(pool);
  return promise;
}

void on_down(const Pool& pool, const caf::down_msg& down) {
  cancel_if(pool, [&](const auto& x) { return x.order.reader && x.order.reader->address() == down.source; },
            "its client has gone");
  on_death(pool, down);
}

OwnedActors owned_actors(const Pool& pool) {
  auto result = OwnedActors{};
  auto add = [&](ActorKind kind, std::string name, const auto& actor) {
    if (actor)
      result.push_back({kind, std::move(name), caf::actor_cast<caf::actor>(actor)});
  };
  auto add_parts = [&](const Generation& generation) {
    auto of_generation = " of " + pool.subject() + ", generation " + std::to_string(generation.number);
    add(ActorKind::selector, "selector" + of_generation, generation.selector);
    for (const auto& [kind, member] : generation.members)
      add(ActorKind::runtime, std::string{"runtime "} + to_string(kind) + of_generation, member.actor);
  };
  const auto& state = pool.state();
  for (const auto& [number, generation] : state.generations)
    add_parts(generation);
  if (state.candidate)
    add_parts(state.candidate->generation);
  for (const auto& [id, container] : state.containers)
    add(ActorKind::container, "container \"" + id.value + "\"", container.actor);
  return result;
}

} // namespace

Event event_of(const Pool& pool, std::string type, uint64_t generation) {
  auto result = Event{};
  result.type = std::move(type);
  result.time = now();
  result.pool = pool.state().pool;
  result.generation = generation;
  return result;
}

Error full(const Pool& pool) {
  const auto& state = pool.state();
  return {ec::limit_reached, "pool \"" + pool.name() + "\"",
          "it runs " + std::to_string(taken(pool)) + " of at most "
            + std::to_string(pool.settings().max_containers.value) + " containers and "
            + std::to_string(state.queue.size()) + " launches wait",
          "wait for one to end, or raise `maxContainers` or `queue.length`"};
}

Error not_configured(const Pool& pool) {
  return {ec::unknown_pool, "pool \"" + pool.name() + "\"", "it is not configured any more", "see `berth pools`"};
}

size_t taken(const Pool& pool) {
  return pool.state().places + pool.state().selecting.size();
}

void publish(const Pool& pool, Event event) {
  if (pool.state().is_announced)
    pool.self->send(pool.node->journal, std::move(event));
  else
    pool.state().held_back.push_back(std::move(event));
}

void pump(const Pool& pool) {
  auto& state = pool.state();
  if (pool.current().condition == PoolState::preparing || resting(pool.current()))
    return;
  auto max = pool.settings().max_containers.value;
  while (!state.queue.empty() && (max == 0 || taken(pool) < max)) {
    auto next = std::move(state.queue.front());
    state.queue.pop_front();
    auto scope = OnBehalfOf{next.wait.point()};
    launch(pool, std::move(next.order), next.promise, next.clock.lap());
    next.wait.end();
  }
}

void give_place_back(const Pool& pool, const ContainerId& id) {
  auto container = pool.state().containers.find(id);
  if (container == pool.state().containers.end() || !std::exchange(container->second.has_place, false))
    return;
  --pool.state().places;
  dispose_if_drained(pool, container->second.generation);
  pump(pool);
}

void give_slot_back(const Pool& pool, const caf::actor_addr& holder) {
  auto& state = pool.state();
  std::erase_if(state.start_queue, [&](const auto& x) { return x.holder == holder; });
  state.starting.erase(holder);
  grant_slots(pool);
}

void ask_selector(const Pool& pool, uint64_t ticket) {
  const auto& launch = pool.state().selecting.at(ticket);
  const auto& needs = launch.order.spec;
  pool.self
    ->request(pool.state().generations.at(launch.generation).selector, select_deadline,
              LaunchNeeds{needs.gpus, needs.checkpoint})
    .then([=](SelectionTrail& trail) { on_selected(pool, ticket, std::move(trail)); },
          [=](caf::error& err) {
            // Another SELECTOR is on its way, and is asked again.
            if (!is_death(err))
              refuse_selecting(pool, ticket, err);
          });
}

void refuse_selecting(const Pool& pool, uint64_t ticket, const caf::error& error) {
  auto launch = pool.state().selecting.extract(ticket);
  if (!launch)
    return;
  launch.mapped().reply.deliver(error);
  dispose_if_drained(pool, launch.mapped().generation);
  pump(pool);
}

UseNeighbours neighbours(const Pool& pool) {
  return {PoolActor{pool.self}, pool.state().oom};
}

namespace {

/// Where in the trace of its launch a container is made: here, or in another daemon, long ago.
TracePoint trace_of(const ContainerInfo& info) {
  auto trace = parse_trace_id(info.trace_id).value_or(TraceId{});
  return this_point.trace == trace ? this_point : TracePoint{trace, 0, false};
}

} // namespace

void spawn_container(const Pool& pool, const ContainerId& id, ContainerMemory memory) {
  auto& state = pool.state();
  auto& container = state.containers.at(id);
  auto* generation = find_generation(pool, container.generation);
  auto kept = std::make_shared<const ContainerMemory>(memory);
  auto trace = trace_of(memory.info);
  container.actor = pool.self->spawn(container_actor, generation ? generation->node : pool.node,
                                     ContainerOrder{std::move(memory), neighbours(pool), pool.parent, trace});
  container.restarts.born = pool.self->clock().now();
  note_restarts(caf::actor_cast<caf::strong_actor_ptr>(container.actor), container.restarts.history.total);
  state.by_actor[container.actor.address()] = id;
  pool.self->monitor(container.actor);
  pool.announce(ActorKind::container, container.actor);
  pool.self->send(pool.parent, ContainerSpawned{id, container.actor, std::move(kept)});
}

void ask_to_begin(const Pool& pool, const ContainerId& id) {
  auto& container = pool.state().containers.at(id);
  auto* generation = find_generation(pool, container.generation);
  auto start = (generation ? generation->node : pool.node)->settings.start_timeout.value;
  auto asked = container.actor.address();
  auto find = [=]() -> PoolActorState::Container* {
    auto found = pool.state().containers.find(id);
    auto is_there = found != pool.state().containers.end() && found->second.actor.address() == asked;
    return is_there ? &found->second : nullptr;
  };
  pool.self->request(container.actor, start_slot_deadline + start + launch_slack, BeginLaunch{})
    .then(
      [=](const ContainerInfo& started) {
        auto* running = find();
        if (running == nullptr)
          return;
        running->runs = running->has_place;
        for (auto& reply : std::exchange(running->replies, {}))
          reply.deliver(started);
      },
      [=](caf::error& err) {
        auto* failed = find();
        // One whose actor has died is asked again when it goes on.
        if (failed == nullptr || is_death(err))
          return;
        for (auto& reply : std::exchange(failed->replies, {}))
          reply.deliver(err);
      });
}

void refuse_waiting(const Pool& pool, const Error& error) {
  for (auto& waiting : std::exchange(pool.state().queue, {}))
    waiting.promise.deliver(to_caf(error));
}

} // namespace pool

PoolActor::behavior_type pool_actor(SelfPointer<PoolActor, PoolActorState> self, NodeContextPtr node,
                                    NodeActor parent, PoolSeed seed, SpawnRuntime spawn_runtime) {
  using namespace pool;
  auto me = Pool{self, std::move(node), std::move(parent), std::move(spawn_runtime)};
  guard(self, ActorLabel{.pool = seed.memory->generations.back().settings->name}, [me] { return tell_state(me); });
  self->set_down_handler([=](const caf::down_msg& down) { on_down(me, down); });
  self->state.is_announced = seed.is_announced;
  begin(me, *seed.memory);
  adopt(me, seed.containers);
  return {
    [=](LaunchOrder& order) { return on_launch(me, order); },
    [=](const CancelLaunch& cancel) {
      return cancel_if(me, [&](const auto& x) { return x.order.spec.id == cancel.id; }, "it was removed");
    },
    [=](const ExplainLaunch& launch) { return on_explain(me, launch); },
    [=](const DescribePool&) { return describe(me); },
    [=](const PrepareGeneration& order) { return on_prepare(me, order); },
    [=](const CommitGeneration& commit) { return on_commit(me, commit.drain); },
    [=](const AbortGeneration&) { on_abort(me); },
    [=](const RetirePool& retire) { return on_retire(me, retire.drain); },
    [=](const AwaitReady&) { return on_await_ready(me); },
    [=](const TakeStartSlot& take) { return on_take_slot(me, take.is_held); },
    [=](const ReturnStartSlot&) { give_slot_back(me, caf::actor_cast<caf::actor_addr>(self->current_sender())); },
    [=](const UseOom& use) {
      self->state.oom = use.oom;
      announce_pool(me);
      for (const auto& [id, container] : self->state.containers)
        self->send(container.actor, neighbours(me));
      keep(me);
    },
    [=](const ContainerEnded& ended) { give_place_back(me, ended.id); },
    [=](const ListActors&) { return owned_actors(me); },
    [=](const RestartDue& due) { take_up(self->state.put_off, due.ticket); },
    [=](const QueueTimeout& timeout) { on_queue_timeout(me, timeout.ticket); },
  };
}

} // namespace berth
