#include "actors/guard.hpp"
#include "actors/pool_parts.hpp"

#include <algorithm>

namespace berth::pool {

namespace {

/// A RUNTIME or the SELECTOR of a generation.
struct Part {
  uint64_t generation = 0;
  /// Nothing: the SELECTOR.
  std::optional<RuntimeKind> runtime;
};

std::optional<Part> find_part(const Pool& pool, const caf::actor_addr& actor) {
  auto within = [&](const Generation& generation) -> std::optional<Part> {
    if (generation.selector && generation.selector.address() == actor)
      return Part{generation.number, {}};
    for (const auto& [kind, member] : generation.members)
      if (member.actor && member.actor.address() == actor)
        return Part{generation.number, kind};
    return std::nullopt;
  };
  const auto& state = pool.state();
  if (state.candidate)
    if (auto part = within(state.candidate->generation))
      return part;
  for (const auto& [number, generation] : state.generations)
    if (auto part = within(generation))
      return part;
  return std::nullopt;
}

Restarts& restarts_of(Generation& generation, const Part& part) {
  return part.runtime ? generation.members.at(*part.runtime).restarts : generation.selector_restarts;
}

std::vector<uint64_t> selecting_in(const Pool& pool, uint64_t generation) {
  auto result = std::vector<uint64_t>{};
  for (const auto& [ticket, launch] : pool.state().selecting)
    if (launch.generation == generation)
      result.push_back(ticket);
  return result;
}

void restart_selector(const Pool& pool, Generation& generation) {
  spawn_selector(pool, generation);
  for (auto ticket : selecting_in(pool, generation.number))
    ask_selector(pool, ticket);
}

void restart_runtime(const Pool& pool, Generation& generation, RuntimeKind kind) {
  auto& member = generation.members.at(kind);
  spawn_member(pool, generation, kind, member);
  if (!member.prepared)
    ask_to_prepare(pool, generation, kind);
}

/// What an event of this pool tells of a death.
Event complete(const Pool& pool, Event event, uint64_t generation, const ContainerId& container) {
  event.pool = pool.state().pool;
  event.generation = generation;
  event.container = container;
  return event;
}

/// Tells of a death, and does `restart` after its pause.
void restart_after(const Pool& pool, const Death& death, uint64_t generation, const ContainerId& container,
                   std::function<void()> restart) {
  ++pool.state().restarts;
  pool.node->metrics->restarted(death.kind);
  keep(pool);
  publish(pool, complete(pool, tell_death(death, container), generation, container));
  after_pause(pool.self, pool.state().put_off, death.pause, [=] {
    if (death.pause.count() > 0)
      publish(pool, complete(pool, tell_return(death, container), generation, container));
    restart();
  });
}

void on_part_death(const Pool& pool, const Part& part, const caf::error& reason) {
  auto& generation = *find_generation(pool, part.generation);
  auto& restarts = restarts_of(generation, part);
  auto kind = part.runtime ? ActorKind::runtime : ActorKind::selector;
  auto death = note_death(restarts, kind, pool.subject(), reason, pool.self->clock().now(), pool.node->restart_limits);
  auto dead = part.runtime ? generation.members.at(*part.runtime).actor.address() : generation.selector.address();
  if (death.pause.count() > 0) {
    restarts.resting = resting_error(death);
    if (!part.runtime)
      for (auto ticket : selecting_in(pool, part.generation))
        refuse_selecting(pool, ticket, to_caf(*restarts.resting));
  }
  restart_after(pool, death, part.generation, {}, [=] {
    // The generation may have gone meanwhile, or its number stand for another one.
    auto now = find_part(pool, dead);
    if (!now)
      return;
    auto& target = *find_generation(pool, now->generation);
    restarts_of(target, *now).resting.reset();
    if (now->runtime)
      restart_runtime(pool, target, *now->runtime);
    else
      restart_selector(pool, target);
    keep(pool);
    pump(pool);
  });
}

PoolActorState::Container* find_container(const Pool& pool, const ContainerId& id, const caf::actor_addr& actor) {
  auto found = pool.state().containers.find(id);
  auto is_it = found != pool.state().containers.end() && found->second.actor.address() == actor;
  return is_it ? &found->second : nullptr;
}

void forget_container(const Pool& pool, const ContainerId& id, const Error& error) {
  for (auto& reply : std::exchange(pool.state().containers.at(id).replies, {}))
    reply.deliver(to_caf(error));
  give_place_back(pool, id);
  pool.state().containers.erase(id);
}

/// Lets a container whose actor has died go on.
void resume(const Pool& pool, const ContainerId& id, const caf::actor_addr& dead) {
  if (find_container(pool, id, dead) == nullptr)
    return;
  pool.self->request(pool.parent, describe_deadline, RecallContainer{id})
    .then(
      [=](const RecalledContainer& recalled) {
        auto* container = find_container(pool, id, dead);
        if (container == nullptr)
          return;
        spawn_container(pool, id, *recalled.memory);
        if (!container->replies.empty() || (container->has_place && !container->runs))
          ask_to_begin(pool, id);
        auto* generation = find_generation(pool, container->generation);
        if (generation != nullptr && generation->is_stopping && container->has_place)
          stop(pool, container->actor);
      },
      [=](caf::error& err) {
        if (find_container(pool, id, dead) == nullptr)
          return;
        auto error = from_caf(err);
        // NODE is busy, as without it there would be no berthd.
        if (error.code != ec::unknown_container)
          return resume(pool, id, dead);
        forget_container(pool, id, error);
      });
}

void on_container_death(const Pool& pool, const ContainerId& id, const caf::down_msg& down) {
  auto* container = find_container(pool, id, down.source);
  if (container == nullptr)
    return;
  if (is_regular_end(down.reason))
    return forget_container(pool, id, {ec::cancelled, "container \"" + id.value + "\"", "it was removed", {}});
  auto death = note_death(container->restarts, ActorKind::container, "container \"" + id.value + "\"", down.reason,
                          pool.self->clock().now(), pool.node->restart_limits);
  restart_after(pool, death, container->generation, id, [=, dead = down.source] { resume(pool, id, dead); });
}

} // namespace

void adopt(const Pool& pool, const std::vector<AdoptedContainer>& containers) {
  auto& state = pool.state();
  for (const auto& [actor, memory] : containers) {
    const auto& id = memory->info.spec.id;
    auto& container = state.containers[id];
    container.generation = memory->info.generation;
    container.has_place = holds_place(*memory);
    container.runs = container.has_place && memory->running_told;
    state.places += container.has_place ? 1 : 0;
    if (actor) {
      container.actor = actor;
      container.restarts.born = pool.self->clock().now();
      state.by_actor[actor.address()] = id;
      // Of one that has died meanwhile, the death is told at once.
      pool.self->monitor(actor);
      pool.self->send(actor, neighbours(pool));
    } else {
      spawn_container(pool, id, *memory);
    }
    if (container.has_place && !container.runs)
      ask_to_begin(pool, id);
    auto* generation = find_generation(pool, container.generation);
    if (generation != nullptr && generation->is_stopping && container.has_place)
      stop(pool, container.actor);
  }
  auto numbers = std::vector<uint64_t>{};
  for (const auto& [number, generation] : state.generations)
    numbers.push_back(number);
  for (auto number : numbers)
    dispose_if_drained(pool, number);
}

void on_death(const Pool& pool, const caf::down_msg& down) {
  give_slot_back(pool, down.source);
  if (auto container = pool.state().by_actor.extract(down.source))
    on_container_death(pool, container.mapped(), down);
  else if (auto part = find_part(pool, down.source))
    on_part_death(pool, *part, down.reason);
}

} // namespace berth::pool
