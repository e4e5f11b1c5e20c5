#include "actors/guard.hpp"
#include "actors/policy/objection_to.hpp"
#include "actors/policy/same_invocation.hpp"
#include "actors/pool_parts.hpp"
#include "actors/selector_actor.hpp"

#include <algorithm>

namespace berth::pool {

namespace {

RuntimeHealth health_of(const Generation& generation, RuntimeKind kind) {
  auto i = generation.members.find(kind);
  if (i == generation.members.end())
    return {false, std::string{to_string(kind)} + " is not needed by the policies of this pool"};
  const auto& prepared = *i->second.prepared;
  return prepared ? RuntimeHealth{true, {}} : RuntimeHealth{false, render(prepared.error())};
}

bool may_need_runc(const PoolSettings& settings) {
  return settings.overrides.value == OverridePolicy::allow
         || settings.on_runtime_unavailable.value == UnavailablePolicy::fallback;
}

/// What of the pool's runtimes does not work, in the order in which they are tried; empty if all that it may need does.
std::string explain_condition(const SelectionRules& rules, const PoolSettings& settings) {
  auto result = std::string{};
  auto add = [&](const RuntimeHealth& health) {
    if (!health.usable)
      result += (result.empty() ? "" : "; ") + health.reason;
  };
  add(rules.health);
  if (rules.configured != RuntimeKind::runc && may_need_runc(settings))
    add(rules.runc_health);
  return result;
}

RuntimeKind effective_runtime(const Generation& generation) {
  return generation.condition == PoolState::degraded ? RuntimeKind::runc : generation.settings->runtime.value;
}

/// All runtimes of the generation have answered.
bool is_prepared(const Generation& generation) {
  return std::all_of(generation.members.begin(), generation.members.end(),
                     [](const auto& x) { return x.second.prepared.has_value(); });
}

// -- telling ------------------------------------------------------------------------------------------------------------

void tell_prepared(const Pool& pool, const Generation& generation, RuntimeKind kind,
                   const Result<PreparedRuntime>& prepared) {
  auto event = event_of(pool, prepared ? "runtime.ready" : "runtime.failed", generation.number);
  event.texts["runtime"] = to_string(kind);
  const auto& settings = *generation.settings;
  if (prepared) {
    const auto& profile = prepared->profile;
    auto platform = profile.platform.empty() ? std::string{"default"} : profile.platform;
    event.texts["version"] = profile.version;
    event.texts["binary"] = profile.binary;
    event.texts["platform"] = profile.platform;
    event.numbers["bootMs"] = prepared->boot_time.count();
    if (kind == RuntimeKind::gvisor)
      log::info("gVisor runtime initialized successfully",
                {{"platform", platform},
                 {"root", pool.node->host.paths.gvisor_root_of(settings)},
                 {"pool", pool.name()},
                 {"version", profile.version},
                 {"boot_ms", std::to_string(prepared->boot_time.count())}});
    else
      log::info("runc runtime initialized successfully", {{"root", profile.root},
                                                          {"pool", pool.name()},
                                                          {"version", profile.version},
                                                          {"boot_ms", std::to_string(prepared->boot_time.count())}});
  } else {
    event.texts["code"] = to_string(prepared.error().code);
    event.texts["error"] = render(prepared.error());
    const auto& platform = settings.gvisor_platform.value;
    if (prepared.error().code == ec::platform_failed)
      log::error("platform initialization failed", {{"pool", pool.name()},
                                                    {"platform", platform.empty() ? "default" : platform},
                                                    {"reason", prepared.error().reason},
                                                    {"next", prepared.error().next}});
    else
      log::error("runtime initialization failed", {{"pool", pool.name()},
                                                   {"runtime", to_string(kind)},
                                                   {"reason", render(prepared.error())}});
  }
  publish(pool, std::move(event));
}

void tell_condition(const Pool& pool, const Generation& generation) {
  if (!pool.state().is_announced)
    return;
  auto event = event_of(pool, std::string{"pool."} + to_string(generation.condition), generation.number);
  event.texts["configuredRuntime"] = to_string(generation.settings->runtime.value);
  if (!generation.reason.empty())
    event.texts["reason"] = generation.reason;
  switch (generation.condition) {
    case PoolState::preparing:
    case PoolState::retired:
    case PoolState::restarting:
      return;
    case PoolState::ready:
      if (!generation.reason.empty())
        log::warn("pool serves, but not all that its policies allow",
                  {{"pool", pool.name()}, {"reason", generation.reason}});
      break;
    case PoolState::degraded:
      event.texts["effectiveRuntime"] = "runc";
      log::warn("failed to create gvisor runtime, falling back to runc",
                {{"pool", pool.name()}, {"reason", generation.reason}});
      break;
    case PoolState::unavailable:
      log::error("pool is unavailable, launches are refused", {{"pool", pool.name()}, {"reason", generation.reason}});
      break;
  }
  publish(pool, std::move(event));
}

// -- making a generation ------------------------------------------------------------------------------------------------

Invocation invocation_of(const Generation& generation) {
  return {*generation.settings, generation.node->settings};
}

/// What the current generation knows about this runtime, if the new one would call it in the same way.
std::optional<PreparedRuntime> known_from(const Pool& pool, RuntimeKind kind, const Generation& generation) {
  auto i = pool.state().generations.find(pool.state().current);
  if (i == pool.state().generations.end() || !same_invocation(kind, invocation_of(i->second), invocation_of(generation)))
    return std::nullopt;
  auto member = i->second.members.find(kind);
  if (member == i->second.members.end() || !member->second.prepared || !*member->second.prepared)
    return std::nullopt;
  return **member->second.prepared;
}

/// Empty for a default.
std::string written(const Origin& origin) {
  return origin.file.empty() ? std::string{} : to_string(origin);
}

/// All probes have ended: decides how the generation stands and makes its selector.
void settle(const Pool& pool, Generation& generation) {
  const auto& settings = *generation.settings;
  auto& rules = generation.rules;
  rules = {settings.name,
           settings.runtime.value,
           settings.runtime_source,
           settings.runtime_source == RuntimeSource::builtin ? std::string{} : to_string(settings.runtime.origin),
           settings.overrides.value,
           settings.on_runtime_unavailable.value,
           health_of(generation, settings.runtime.value),
           health_of(generation, RuntimeKind::runc),
           written(settings.overrides.origin),
           written(settings.on_runtime_unavailable.origin)};
  auto plain = select_runtime(rules, {});
  if (!plain)
    generation.condition = PoolState::unavailable;
  else
    generation.condition = plain->reason == SelectionReason::fallback ? PoolState::degraded : PoolState::ready;
  generation.reason = explain_condition(rules, settings);
  spawn_selector(pool, generation);
}

void end_parts(const Pool& pool, const Generation& generation) {
  for (const auto& [kind, member] : generation.members)
    if (member.actor)
      pool.self->send_exit(member.actor, caf::exit_reason::user_shutdown);
  if (generation.selector)
    pool.self->send_exit(generation.selector, caf::exit_reason::user_shutdown);
}

void drop_candidate(const Pool& pool) {
  if (auto candidate = std::exchange(pool.state().candidate, std::nullopt))
    end_parts(pool, candidate->generation);
}

/// A change must not make a pool worse than it is, unless it is told that it may.
std::optional<Error> objection(const Pool& pool, const PoolActorState::Candidate& candidate) {
  const auto& next = candidate.generation;
  return objection_to(pool.state().pool, pool.current().condition, next.condition, next.reason, candidate.allow_fallback);
}

void answer_candidate(const Pool& pool) {
  auto& candidate = *pool.state().candidate;
  settle(pool, candidate.generation);
  if (auto error = objection(pool, candidate)) {
    auto promise = candidate.promise;
    drop_candidate(pool);
    promise.deliver(to_caf(*error));
    return;
  }
  candidate.promise.deliver(
    PreparedGeneration{candidate.generation.number, candidate.generation.condition, candidate.generation.reason});
}

void tell_ready(const Pool& pool) {
  for (auto& promise : std::exchange(pool.state().ready_promises, {}))
    promise.deliver(describe(pool));
  explain_waiting(pool);
}

void on_settled(const Pool& pool, uint64_t number) {
  if (pool.state().candidate && pool.state().candidate->generation.number == number)
    return answer_candidate(pool);
  auto& generation = pool.state().generations.at(number);
  settle(pool, generation);
  keep(pool);
  tell_condition(pool, generation);
  tell_ready(pool);
  pump(pool);
}

/// `runtime` is who was asked: a generation that was given up leaves its number to the next one, and its answer may still come.
void on_prepared(const Pool& pool, uint64_t number, RuntimeKind kind, const caf::actor_addr& runtime,
                 Result<PreparedRuntime> prepared) {
  auto* generation = find_generation(pool, number);
  if (generation == nullptr)
    return;
  auto member = generation->members.find(kind);
  if (member == generation->members.end() || member->second.actor.address() != runtime || member->second.prepared)
    return;
  member->second.prepared = std::move(prepared);
  keep(pool);
  tell_prepared(pool, *generation, kind, *member->second.prepared);
  if (is_prepared(*generation))
    on_settled(pool, number);
}

/// Spawns the runtimes of a generation and asks those that are not known yet to prove that they work.
void prepare_members(const Pool& pool, Generation& generation) {
  const auto& settings = *generation.settings;
  // All are there before the first answer can come, so that "all have answered" means all.
  generation.members[settings.runtime.value];
  if (settings.runtime.value == RuntimeKind::gvisor && may_need_runc(settings))
    generation.members[RuntimeKind::runc];
  for (auto& [kind, member] : generation.members) {
    if (!member.prepared)
      if (auto known = known_from(pool, kind, generation))
        member.prepared = std::move(*known);
    spawn_member(pool, generation, kind, member);
    if (!member.prepared)
      ask_to_prepare(pool, generation, kind);
  }
}

NodeContextPtr context_of(const Pool& pool, const NodeSettings& settings) {
  auto node = std::make_shared<NodeContext>(*pool.node);
  node->settings = settings;
  return node;
}

uint64_t last_number(const Pool& pool) {
  return pool.state().generations.empty() ? 0 : pool.state().generations.rbegin()->first;
}

/// The containers of these generations are to be stopped, and those that are on their way into one.
void mark_stopping(const Pool& pool, const std::function<bool(uint64_t generation)>& of) {
  for (auto& [number, generation] : pool.state().generations)
    generation.is_stopping = generation.is_stopping || of(number);
}

void stop_marked(const Pool& pool) {
  for (const auto& [id, container] : pool.state().containers) {
    auto generation = pool.state().generations.find(container.generation);
    if (container.has_place && generation != pool.state().generations.end() && generation->second.is_stopping)
      stop(pool, container.actor);
  }
}

/// Once, also if it was another actor that began to retire.
void tell_retired(const Pool& pool) {
  if (std::exchange(pool.state().retired_told, true))
    return;
  keep(pool);
  publish(pool, event_of(pool, "pool.retired", pool.state().current));
  log::info("pool is not configured any more and ends with its last container",
            {{"pool", pool.name()}, {"containers", std::to_string(pool.state().places)}});
}

/// Containers that hold a place and are like that.
template <class Predicate>
uint32_t count_containers(const Pool& pool, Predicate predicate) {
  const auto& containers = pool.state().containers;
  return static_cast<uint32_t>(std::count_if(containers.begin(), containers.end(), [&](const auto& x) {
    return x.second.has_place && predicate(x.second);
  }));
}

bool is_empty(const Pool& pool, uint64_t number) {
  const auto& selecting = pool.state().selecting;
  return std::none_of(selecting.begin(), selecting.end(), [&](const auto& x) { return x.second.generation == number; })
         && count_containers(pool, [&](const auto& x) { return x.generation == number; }) == 0;
}

GenerationMemory memory_of(const Generation& generation) {
  auto result = GenerationMemory{};
  result.number = generation.number;
  result.settings = generation.settings;
  result.node = std::shared_ptr<const NodeSettings>{generation.node, &generation.node->settings};
  for (const auto& [kind, member] : generation.members)
    if (member.prepared)
      result.prepared.emplace(kind, *member.prepared);
  result.is_stopping = generation.is_stopping;
  result.revision = generation.revision;
  return result;
}

} // namespace

void begin(const Pool& pool, const PoolMemory& memory) {
  auto& state = pool.state();
  state.retired = memory.retired;
  state.retired_told = memory.retired_told;
  state.removed_told = memory.removed_told;
  state.restarts = memory.restarts;
  for (const auto& kept : memory.generations) {
    state.pool = kept.settings->name;
    state.current = kept.number;
    auto& generation = state.generations[kept.number];
    generation.number = kept.number;
    generation.settings = kept.settings;
    generation.node = context_of(pool, *kept.node);
    generation.is_stopping = kept.is_stopping;
    generation.revision = kept.revision;
    for (const auto& [kind, prepared] : kept.prepared)
      generation.members[kind].prepared = prepared;
    // One that was there before this berthd and takes no launches has nothing to prove.
    auto only_drains = kept.prepared.empty() && (memory.retired || &kept != &memory.generations.back());
    if (!only_drains)
      prepare_members(pool, generation);
    if (is_prepared(generation))
      settle(pool, generation);
    else
      log::info("initializing container runtime for worker pool",
                {{"pool", pool.name()}, {"runtime", to_string(kept.settings->runtime.value)}});
  }
  keep(pool);
  if (state.retired)
    tell_retired(pool);
}

void announce_pool(const Pool& pool) {
  if (std::exchange(pool.state().is_announced, true))
    return;
  for (auto& event : std::exchange(pool.state().held_back, {}))
    publish(pool, std::move(event));
  tell_condition(pool, pool.current());
}

Generation* find_generation(const Pool& pool, uint64_t number) {
  auto& state = pool.state();
  if (state.candidate && state.candidate->generation.number == number)
    return &state.candidate->generation;
  auto i = state.generations.find(number);
  return i == state.generations.end() ? nullptr : &i->second;
}

void spawn_selector(const Pool& pool, Generation& generation) {
  generation.selector = pool.self->spawn(selector_actor, generation.rules);
  generation.selector_restarts.born = pool.self->clock().now();
  note_restarts(caf::actor_cast<caf::strong_actor_ptr>(generation.selector), generation.selector_restarts.history.total);
  pool.self->monitor(generation.selector);
  pool.announce(ActorKind::selector, generation.selector);
}

void spawn_member(const Pool& pool, const Generation& generation, RuntimeKind kind, Member& member) {
  auto known = std::optional<PreparedRuntime>{};
  if (member.prepared && *member.prepared)
    known = **member.prepared;
  member.actor = pool.spawn_runtime(kind, *generation.settings, generation.node->settings, known);
  member.restarts.born = pool.self->clock().now();
  note_restarts(caf::actor_cast<caf::strong_actor_ptr>(member.actor), member.restarts.history.total);
  pool.self->monitor(member.actor);
  pool.announce(ActorKind::runtime, member.actor);
}

void ask_to_prepare(const Pool& pool, const Generation& generation, RuntimeKind kind) {
  const auto& runtime = generation.members.at(kind).actor;
  pool.self->request(runtime, generation.node->prepare_deadline(generation.node->settings), PrepareRuntime{})
    .then([=, number = generation.number, asked = runtime.address()](
            PreparedRuntime& prepared) { on_prepared(pool, number, kind, asked, std::move(prepared)); },
          [=, number = generation.number, asked = runtime.address()](caf::error& err) {
            // Another RUNTIME is on its way, and is asked again.
            if (!is_death(err))
              on_prepared(pool, number, kind, asked, tl::unexpected{from_caf(err)});
          });
}

std::optional<Error> resting(const Generation& generation) {
  if (generation.selector_restarts.resting)
    return generation.selector_restarts.resting;
  for (const auto& [kind, member] : generation.members)
    if (member.restarts.resting)
      return member.restarts.resting;
  return std::nullopt;
}

void keep(const Pool& pool) {
  const auto& state = pool.state();
  auto memory = PoolMemory{};
  for (const auto& [number, generation] : state.generations)
    memory.generations.push_back(memory_of(generation));
  memory.retired = state.retired;
  memory.retired_told = state.retired_told;
  memory.removed_told = state.removed_told;
  memory.restarts = state.restarts;
  memory.info = describe(pool);
  pool.self->card().set_word(to_string(memory.info.state));
  pool.self->send(pool.parent, KeepPool{std::make_shared<const PoolMemory>(std::move(memory))});
}

caf::result<PreparedGeneration> on_prepare(const Pool& pool, const PrepareGeneration& order) {
  auto& state = pool.state();
  if (state.retired || state.candidate)
    return to_caf({ec::wrong_state, "pool \"" + pool.name() + "\"",
                   state.retired ? "it is not configured any more" : "another generation of it is being prepared", {}});
  log::info("initializing container runtime for worker pool",
            {{"pool", pool.name()}, {"runtime", to_string(order.settings->runtime.value)}});
  auto& candidate = state.candidate.emplace();
  candidate.generation.number = last_number(pool) + 1;
  candidate.generation.settings = order.settings;
  candidate.generation.node = context_of(pool, *order.node);
  candidate.generation.revision = order.revision;
  candidate.allow_fallback = order.allow_fallback;
  candidate.promise = pool.self->make_response_promise<PreparedGeneration>();
  candidate.since = state.counters;
  auto promise = candidate.promise;
  prepare_members(pool, candidate.generation);
  if (is_prepared(candidate.generation))
    answer_candidate(pool);
  return promise;
}

caf::result<PoolReceipt> on_commit(const Pool& pool, DrainMode drain) {
  auto& state = pool.state();
  if (!state.candidate || !is_prepared(state.candidate->generation))
    return to_caf({ec::wrong_state, "pool \"" + pool.name() + "\"", "no generation is ready to be committed", {}});
  auto candidate = std::move(*state.candidate);
  state.candidate.reset();
  auto old = state.current;
  auto receipt = PoolReceipt{};
  receipt.name = state.pool;
  receipt.old_generation = old;
  receipt.old_runtime = effective_runtime(pool.current());
  state.current = candidate.generation.number;
  auto& current = state.generations.emplace(state.current, std::move(candidate.generation)).first->second;
  receipt.new_generation = state.current;
  receipt.new_runtime = effective_runtime(current);
  receipt.state = current.condition;
  receipt.reason = current.reason;
  receipt.accepted = state.counters.accepted - candidate.since.accepted;
  receipt.queued = state.counters.queued - candidate.since.queued;
  receipt.refused = state.counters.refused - candidate.since.refused;
  receipt.pinned = count_containers(pool, [&](const auto& x) { return x.generation != state.current; });
  if (drain == DrainMode::stop)
    mark_stopping(pool, [now = state.current](uint64_t generation) { return generation != now; });
  keep(pool);
  auto event = event_of(pool, "pool.generation", state.current);
  event.numbers["previous"] = static_cast<int64_t>(old);
  event.numbers["pinned"] = receipt.pinned;
  event.texts["runtime"] = to_string(receipt.new_runtime);
  publish(pool, std::move(event));
  tell_condition(pool, current);
  if (drain == DrainMode::stop)
    stop_marked(pool);
  dispose_if_drained(pool, old);
  tell_ready(pool);
  pump(pool);
  return receipt;
}

void on_abort(const Pool& pool) {
  if (!pool.state().candidate)
    return;
  auto promise = pool.state().candidate->promise;
  auto prepared = is_prepared(pool.state().candidate->generation);
  drop_candidate(pool);
  if (!prepared)
    promise.deliver(to_caf({ec::cancelled, "pool \"" + pool.name() + "\"", "the change was given up", {}}));
}

PoolReceipt on_retire(const Pool& pool, DrainMode drain) {
  auto& state = pool.state();
  on_abort(pool);
  state.retired = true;
  refuse_waiting(pool, {ec::unknown_pool, "pool \"" + pool.name() + "\"",
                        "it was removed from the configuration while the launch waited", {}});
  auto receipt = PoolReceipt{};
  receipt.name = state.pool;
  receipt.kind = PoolChangeKind::removed;
  receipt.old_generation = state.current;
  receipt.old_runtime = effective_runtime(pool.current());
  receipt.pinned = static_cast<uint32_t>(state.places);
  if (drain == DrainMode::stop)
    mark_stopping(pool, [](uint64_t) { return true; });
  tell_retired(pool);
  stop_marked(pool);
  dispose_if_drained(pool, state.current);
  return receipt;
}

caf::result<PoolInfo> on_await_ready(const Pool& pool) {
  if (pool.current().condition != PoolState::preparing)
    return describe(pool);
  auto promise = pool.self->make_response_promise<PoolInfo>();
  pool.state().ready_promises.push_back(promise);
  return promise;
}

void stop(const Pool& pool, const ContainerActor& container) {
  constexpr auto longest_grace = std::chrono::hours{24};
  pool.self->request(container, longest_grace + stop_slack, StopContainer{})
    .then([](const ContainerInfo&) {}, [](caf::error&) {}); // it has ended meanwhile
}

void dispose_if_drained(const Pool& pool, uint64_t number) {
  auto& state = pool.state();
  auto i = state.generations.find(number);
  if ((number == state.current && !state.retired) || i == state.generations.end() || !is_empty(pool, number))
    return;
  if (number != state.current) {
    end_parts(pool, i->second);
    state.generations.erase(i);
    keep(pool);
    publish(pool, event_of(pool, "pool.drained", number));
    log::info("generation of a pool has drained", {{"pool", pool.name()}, {"generation", std::to_string(number)}});
  }
  if (!state.retired || !is_empty(pool, state.current) || state.generations.size() > 1)
    return;
  end_parts(pool, pool.current());
  if (!std::exchange(state.removed_told, true)) {
    keep(pool);
    publish(pool, event_of(pool, "pool.removed", state.current));
    log::info("pool has ended", {{"pool", pool.name()}});
  }
  pool.self->quit(caf::exit_reason::user_shutdown);
}

PoolInfo describe(const Pool& pool) {
  const auto& state = pool.state();
  const auto& current = pool.current();
  const auto& settings = *current.settings;
  auto info = PoolInfo{};
  info.name = settings.name;
  auto rest = resting(current);
  info.state = state.retired ? PoolState::retired : rest ? PoolState::restarting : current.condition;
  info.generation = state.current;
  info.configured = settings.runtime.value;
  info.effective = effective_runtime(current);
  info.source = settings.runtime_source;
  info.origin = settings.runtime_source == RuntimeSource::builtin ? std::string{} : to_string(settings.runtime.origin);
  auto member = current.members.find(info.effective);
  if (member != current.members.end() && member->second.prepared && *member->second.prepared) {
    const auto& profile = (*member->second.prepared)->profile;
    info.version = profile.version;
    info.platform = profile.platform;
    info.root = profile.root;
  }
  info.reason = rest ? render(*rest) : current.reason;
  info.running = count_containers(pool, [](const auto& x) { return x.runs; });
  info.starting = static_cast<uint32_t>(taken(pool)) - info.running;
  info.queued = static_cast<uint32_t>(state.queue.size());
  info.max_containers = settings.max_containers.value;
  info.queue_length = settings.queue.value.length;
  info.overrides_allowed = settings.overrides.value == OverridePolicy::allow;
  info.restarts = state.restarts;
  info.fallback_allowed = settings.on_runtime_unavailable.value == UnavailablePolicy::fallback;
  for (const auto& [number, generation] : state.generations)
    if (number != state.current)
      info.draining.push_back({number, effective_runtime(generation),
                               count_containers(pool, [&](const auto& x) { return x.generation == number; })});
  return info;
}

} // namespace berth::pool
