#include "actors/pool_actor.hpp"

#include "actors/container_actor.hpp"
#include "actors/guard.hpp"
#include "actors/policy/admission.hpp"
#include "actors/policy/pool_limits.hpp"
#include "actors/selector_actor.hpp"
#include "runtimes/launch_check.hpp"

#include <algorithm>

namespace berth {

namespace {

using Self = PoolActor::stateful_pointer<PoolActorState>;
using Reply = caf::typed_response_promise<ContainerInfo>;

struct Pool {
  Self self;
  NodeContextPtr node;
  NodeActor parent;
  std::shared_ptr<const PoolSettings> settings;

  PoolActorState& state() const {
    return self->state;
  }

  const std::string& name() const {
    return settings->name.value;
  }
};

Event event_of(const Pool& pool, std::string type) {
  auto result = Event{};
  result.type = std::move(type);
  result.time = now();
  result.pool = pool.settings->name;
  result.generation = pool.state().generation;
  return result;
}

// -- launching ----------------------------------------------------------------------------------------------------------

void pump(const Pool& pool);

void give_place_back(const Pool& pool, const ContainerId& id) {
  if (pool.state().places.erase(id) > 0)
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

void spawn_container(const Pool& pool, LaunchOrder order, Selection selection, Reply reply) {
  auto& state = pool.state();
  --state.admitted;
  auto& member = state.members.at(selection.runtime);
  if (auto supported = check_support(order.spec, (*member.prepared)->profile); !supported) {
    reply.deliver(to_caf(supported.error()));
    pump(pool);
    return;
  }
  auto container = ContainerOrder{};
  auto& info = container.info;
  info.spec = std::move(order.spec);
  info.selection = std::move(selection);
  info.profile = (*member.prepared)->profile;
  info.generation = state.generation;
  info.accepted_at = now();
  place_container(info, pool.node->host);
  warn_about_needs(info);
  log_selection(info);
  container.runtime = member.actor;
  container.pool = PoolActor{pool.self};
  container.parent = pool.parent;
  container.reader = std::move(order.reader);
  container.grace = pool.settings->termination_grace_period.value;
  container.oom_group = pool.settings->oom_group.value;
  auto id = info.spec.id;
  auto actor = pool.self->spawn(container_actor, pool.node, std::move(container));
  state.places[id] = {actor.address()};
  state.actors[actor.address()] = id;
  pool.self->monitor(actor);
  pool.self->send(pool.parent, ContainerSpawned{id, actor});
  auto holder = actor.address();
  auto deadline = start_slot_deadline + pool.node->settings.start_timeout.value + launch_slack;
  pool.self->request(actor, deadline, BeginLaunch{})
    .then(
      [=](ContainerInfo& started) mutable {
        auto place = pool.state().places.find(id);
        if (place != pool.state().places.end() && place->second.holder == holder)
          place->second.runs = true;
        reply.deliver(std::move(started));
      },
      [=](caf::error& err) mutable { reply.deliver(std::move(err)); });
}

void launch(const Pool& pool, LaunchOrder order, Reply reply) {
  auto& state = pool.state();
  ++state.admitted;
  auto needs = LaunchNeeds{order.spec.gpus, order.spec.checkpoint};
  pool.self->request(state.selector, select_deadline, needs)
    .then([=](Selection& selection) { spawn_container(pool, order, std::move(selection), reply); },
          [=](caf::error& err) mutable {
            --pool.state().admitted;
            reply.deliver(std::move(err));
            pump(pool);
          });
}

/// Starts what waits, as far as there are places.
void pump(const Pool& pool) {
  auto& state = pool.state();
  if (state.condition == PoolState::preparing)
    return;
  auto max = pool.settings->max_containers.value;
  while (!state.queue.empty() && (max == 0 || state.places.size() + state.admitted < max)) {
    auto next = std::move(state.queue.front());
    state.queue.pop_front();
    launch(pool, std::move(next.order), next.promise);
  }
}

caf::result<ContainerInfo> on_launch(const Pool& pool, LaunchOrder& order) {
  auto& state = pool.state();
  const auto& settings = *pool.settings;
  auto limits = apply_pool_limits(order.spec.limits, settings);
  if (!limits)
    return to_caf(limits.error());
  order.spec.limits = *limits;
  auto admission = admit(state.condition == PoolState::preparing, state.places.size() + state.admitted,
                         state.queue.size(), settings.max_containers.value, settings.queue.value.length);
  if (admission == Admission::refuse)
    return to_caf({ec::limit_reached, "pool \"" + pool.name() + "\"",
                   "it runs " + std::to_string(state.places.size() + state.admitted) + " of at most "
                     + std::to_string(settings.max_containers.value) + " containers and "
                     + std::to_string(state.queue.size()) + " launches wait",
                   "wait for one to end, or raise `maxContainers` or `queue.length`"});
  // Once a promise is made, only the promise can answer: a returned error would go nowhere.
  auto reply = pool.self->make_response_promise<ContainerInfo>();
  if (admission == Admission::start) {
    launch(pool, std::move(order), reply);
  } else {
    // An attached client that is gone does not want its container any more.
    if (order.reader)
      pool.self->monitor(caf::actor_cast<caf::actor>(order.reader));
    state.queue.push_back({++state.last_ticket, std::move(order), reply});
    pool.self->delayed_send(pool.self, settings.queue.value.timeout, QueueTimeout{state.last_ticket});
  }
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
  auto seconds = std::chrono::duration<double>(pool.settings->queue.value.timeout).count();
  char waited[32];
  std::snprintf(waited, sizeof(waited), "%g s", seconds);
  auto preparing = pool.state().condition == PoolState::preparing;
  i->promise.deliver(to_caf({ec::queue_timeout, "pool \"" + pool.name() + "\"",
                             std::string{"the launch waited "} + waited
                               + (preparing ? " for the pool's runtime, which is still being tried out" : " for a place"),
                             preparing ? "try again, or raise `queue.timeout`"
                                       : "wait for a container to end, or raise `maxContainers` or `queue.timeout`"}));
  queue.erase(i);
}

// -- preparing ----------------------------------------------------------------------------------------------------------

RuntimeHealth health_of(const PoolActorState& state, RuntimeKind kind) {
  auto i = state.members.find(kind);
  if (i == state.members.end())
    return {false, std::string{to_string(kind)} + " is not needed by the policies of this pool"};
  const auto& prepared = *i->second.prepared;
  return prepared ? RuntimeHealth{true, {}} : RuntimeHealth{false, render(prepared.error())};
}

void tell_prepared(const Pool& pool, RuntimeKind kind, const Result<PreparedRuntime>& prepared) {
  auto event = event_of(pool, prepared ? "runtime.ready" : "runtime.failed");
  event.texts["runtime"] = to_string(kind);
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
                 {"root", pool.node->host.paths.gvisor_root_of(*pool.settings)},
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
    const auto& platform = pool.settings->gvisor_platform.value;
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
  pool.self->send(pool.node->events, std::move(event));
}

void tell_condition(const Pool& pool) {
  auto& state = pool.state();
  auto event = event_of(pool, std::string{"pool."} + to_string(state.condition));
  event.texts["configuredRuntime"] = to_string(pool.settings->runtime.value);
  switch (state.condition) {
    case PoolState::preparing:
      return;
    case PoolState::ready:
      if (state.reason.empty())
        break;
      event.texts["reason"] = state.reason;
      log::warn("pool serves, but not all that its policies allow", {{"pool", pool.name()}, {"reason", state.reason}});
      break;
    case PoolState::degraded:
      event.texts["reason"] = state.reason;
      event.texts["effectiveRuntime"] = "runc";
      log::warn("failed to create gvisor runtime, falling back to runc",
                {{"pool", pool.name()}, {"reason", state.reason}});
      break;
    case PoolState::unavailable:
      event.texts["reason"] = state.reason;
      log::error("pool is unavailable, launches are refused", {{"pool", pool.name()}, {"reason", state.reason}});
      break;
  }
  pool.self->send(pool.node->events, std::move(event));
}

/// What of the pool's runtimes does not work, in the order in which they are tried; empty if all that it may need does.
std::string explain_condition(const SelectionRules& rules) {
  auto result = std::string{};
  auto add = [&](const RuntimeHealth& health) {
    if (!health.usable)
      result += (result.empty() ? "" : "; ") + health.reason;
  };
  add(rules.health);
  auto needs_runc = rules.overrides == OverridePolicy::allow || rules.on_unavailable == UnavailablePolicy::fallback;
  if (rules.configured != RuntimeKind::runc && needs_runc)
    add(rules.runc_health);
  return result;
}

/// All probes have ended: decides how the pool stands, makes the selector of this generation, lets the waiting launches go.
void open_for_service(const Pool& pool) {
  auto& state = pool.state();
  const auto& settings = *pool.settings;
  auto& rules = state.rules;
  rules = {settings.name,
           settings.runtime.value,
           settings.runtime_source,
           settings.runtime_source == RuntimeSource::builtin ? std::string{} : to_string(settings.runtime.origin),
           settings.overrides.value,
           settings.on_runtime_unavailable.value,
           health_of(state, settings.runtime.value),
           health_of(state, RuntimeKind::runc)};
  auto plain = select_runtime(rules, {});
  if (!plain)
    state.condition = PoolState::unavailable;
  else
    state.condition = plain->reason == SelectionReason::fallback ? PoolState::degraded : PoolState::ready;
  state.reason = explain_condition(rules);
  state.selector = pool.self->spawn(selector_actor, rules);
  pool.self->monitor(state.selector);
  tell_condition(pool);
  pump(pool);
}

void on_prepared(const Pool& pool, RuntimeKind kind, Result<PreparedRuntime> prepared) {
  auto& state = pool.state();
  tell_prepared(pool, kind, prepared);
  state.members.at(kind).prepared = std::move(prepared);
  auto done = std::all_of(state.members.begin(), state.members.end(),
                          [](const auto& x) { return x.second.prepared.has_value(); });
  if (done)
    open_for_service(pool);
}

void prepare(const Pool& pool, RuntimeKind kind, const SpawnRuntime& spawn_runtime) {
  auto runtime = spawn_runtime(kind);
  pool.self->monitor(runtime);
  pool.state().members[kind].actor = runtime;
  pool.self->request(runtime, pool.node->prepare_deadline, PrepareRuntime{})
    .then([=](PreparedRuntime& prepared) { on_prepared(pool, kind, std::move(prepared)); },
          [=](caf::error& err) { on_prepared(pool, kind, tl::unexpected{from_caf(err)}); });
}

PoolInfo describe(const Pool& pool) {
  const auto& state = pool.state();
  const auto& settings = *pool.settings;
  auto info = PoolInfo{};
  info.name = settings.name;
  info.state = state.condition;
  info.generation = state.generation;
  info.configured = settings.runtime.value;
  info.effective = state.condition == PoolState::degraded ? RuntimeKind::runc : settings.runtime.value;
  info.source = settings.runtime_source;
  info.origin = settings.runtime_source == RuntimeSource::builtin ? std::string{} : to_string(settings.runtime.origin);
  auto member = state.members.find(info.effective);
  if (member != state.members.end() && member->second.prepared && *member->second.prepared) {
    const auto& profile = (*member->second.prepared)->profile;
    info.version = profile.version;
    info.platform = profile.platform;
    info.root = profile.root;
  }
  info.reason = state.reason;
  info.running = static_cast<uint32_t>(
    std::count_if(state.places.begin(), state.places.end(), [](const auto& x) { return x.second.runs; }));
  info.starting = static_cast<uint32_t>(state.places.size()) - info.running + state.admitted;
  info.queued = static_cast<uint32_t>(state.queue.size());
  info.max_containers = settings.max_containers.value;
  info.queue_length = settings.queue.value.length;
  info.overrides_allowed = settings.overrides.value == OverridePolicy::allow;
  info.fallback_allowed = settings.on_runtime_unavailable.value == UnavailablePolicy::fallback;
  return info;
}

/// A container's actor ends after its removal; one that dies earlier must not keep its place.
void on_down(const Pool& pool, const caf::down_msg& down) {
  auto& state = pool.state();
  auto is_runtime = std::any_of(state.members.begin(), state.members.end(),
                                [&](const auto& x) { return x.second.actor && x.second.actor.address() == down.source; });
  if (is_runtime || (state.selector && state.selector.address() == down.source)) {
    log::error("actor of a pool died", {{"pool", pool.name()}, {"error", render(from_caf(down.reason))}});
    return;
  }
  cancel_if(pool, [&](const auto& x) { return x.order.reader && x.order.reader->address() == down.source; }, "its client has gone");
  auto i = state.actors.find(down.source);
  if (i == state.actors.end())
    return;
  auto id = i->second;
  state.actors.erase(i);
  auto place = state.places.find(id);
  if (place == state.places.end() || place->second.holder != down.source)
    return;
  log::error("actor of a container died", {{"pool", pool.name()}, {"container_id", id.value}});
  give_place_back(pool, id);
}

} // namespace

PoolActor::behavior_type pool_actor(Self self, NodeContextPtr node, NodeActor parent, PoolSettings settings,
                                    SpawnRuntime spawn_runtime) {
  guard(self);
  auto shared = std::make_shared<const PoolSettings>(std::move(settings));
  auto pool = Pool{self, std::move(node), std::move(parent), shared};
  self->set_down_handler([=](const caf::down_msg& down) { on_down(pool, down); });
  log::info("initializing container runtime for worker pool",
            {{"pool", pool.name()}, {"runtime", to_string(shared->runtime.value)}});
  auto needs_runc = shared->runtime.value == RuntimeKind::gvisor
                    && (shared->overrides.value == OverridePolicy::allow
                        || shared->on_runtime_unavailable.value == UnavailablePolicy::fallback);
  // Both are known before the first answer can come, so that "all have answered" means all.
  self->state.members[shared->runtime.value] = {};
  if (needs_runc)
    self->state.members[RuntimeKind::runc] = {};
  for (auto& [kind, member] : self->state.members)
    prepare(pool, kind, spawn_runtime);
  return {
    [=](LaunchOrder& order) { return on_launch(pool, order); },
    [=](const DescribePool&) { return describe(pool); },
    [=](const CancelLaunch& cancel) {
      return cancel_if(pool, [&](const auto& x) { return x.order.spec.id == cancel.id; }, "it was removed");
    },
    [=](const ContainerEnded& ended) { give_place_back(pool, ended.id); },
    [=](const QueueTimeout& timeout) { on_queue_timeout(pool, timeout.ticket); },
  };
}

} // namespace berth
