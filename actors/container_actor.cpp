#include "actors/container_actor.hpp"

#include "actors/guard.hpp"
#include "actors/policy/explain_exit.hpp"
#include "runtimes/runtime_errors.hpp"

#include <csignal>

namespace berth {

namespace {

using Self = ContainerActor::stateful_pointer<ContainerActorState>;

/// Everything a handler needs; the node's context is immutable, the rest is the actor's own.
struct Life {
  Self self;
  NodeContextPtr node;

  ContainerActorState& state() const {
    return self->state;
  }

  ContainerInfo& info() const {
    return self->state.order.info;
  }

  const ContainerId& id() const {
    return info().spec.id;
  }

  bool step(Happened event) const {
    auto phase = next(state().phase, event);
    if (!phase)
      return false;
    state().phase = *phase;
    info().state = visible_state(*phase);
    return true;
  }
};

// -- telling ------------------------------------------------------------------------------------------------------------

Event event_of(const Life& life, std::string type) {
  auto result = Event{};
  result.type = std::move(type);
  result.time = now();
  result.pool = life.info().spec.pool;
  result.container = life.id();
  result.generation = life.info().generation;
  result.texts["runtime"] = to_string(life.info().profile.kind);
  return result;
}

void publish(const Life& life, Event event) {
  life.self->send(life.node->events, std::move(event));
}

/// Delivers one answer to everybody who waits for it and forgets them.
template <class Promises, class... Answer>
void answer(Promises& promises, const Answer&... what) {
  auto waiting = std::exchange(promises, {});
  for (auto& promise : waiting)
    promise.deliver(what...);
}

void tell_running(const Life& life) {
  auto& info = life.info();
  if (std::exchange(life.state().running_told, true))
    return;
  if (info.started_at.ns == 0)
    info.started_at = now();
  auto event = event_of(life, "container.running");
  event.numbers["pid"] = info.pid;
  event.numbers["startNs"] = info.started_at.ns - info.accepted_at.ns;
  publish(life, std::move(event));
  log::info("container running", {{"container_id", life.id().value},
                                  {"pool", info.spec.pool.value},
                                  {"runtime", to_string(info.profile.kind)},
                                  {"pid", std::to_string(info.pid)}});
}

void command(const Life& life, const MonitorCommand& what) {
  if (!life.state().connection)
    return;
  if (auto sent = life.state().connection->send(what); !sent)
    log::warn("monitor does not take commands",
              {{"container_id", life.id().value}, {"reason", render(sent.error())}});
}

void set_timer(const Life& life, std::chrono::milliseconds delay) {
  life.self->delayed_send(life.self, delay, ContainerTimeout{++life.state().timer_epoch});
}

void cancel_timer(const Life& life) {
  ++life.state().timer_epoch;
}

/// Through the pidfd where init takes signals itself, else by way of the monitor. SIGKILL ends a sandbox as well, and unlike
/// the runtime the kernel cannot hang.
Result<void> signal_init(const Life& life, int signal) {
  auto& state = life.state();
  state.kill_sent = state.kill_sent || signal == SIGKILL;
  if (state.init && (life.info().profile.init_takes_signals || signal == SIGKILL))
    return send_signal(state.init, signal);
  if (signal == SIGKILL)
    command(life, AbortCommand{});
  else
    command(life, SignalCommand{signal});
  return {};
}

/// A process that has ended meanwhile needs no signal, so an error is no news.
void kill_init(const Life& life) {
  (void) signal_init(life, SIGKILL);
}

Error never_ran(const Life& life) {
  return {ec::cancelled, "container \"" + life.id().value + "\"", "it was stopped before it ran", {}};
}

void release_slot(const Life& life) {
  life.self->send(life.state().order.runtime, ReturnStartSlot{});
}

void end_place(const Life& life) {
  life.self->send(life.state().order.pool, ContainerEnded{life.id()});
}

// -- the end ------------------------------------------------------------------------------------------------------------

/// `left`: why not all of its files could be removed.
void tell_removed(const Life& life, const std::optional<Error>& left = {}) {
  auto& state = life.state();
  publish(life, event_of(life, "container.removed"));
  log::info("container removed", {{"container_id", life.id().value}, {"pool", life.info().spec.pool.value}});
  life.self->send(state.order.parent, ContainerRemoved{life.id()});
  if (left)
    answer(state.remove_promises, to_caf(*left));
  else
    answer(state.remove_promises, caf::unit);
  if (state.failure)
    answer(state.launch_promises, to_caf(*state.failure));
  life.self->quit();
}

void remove_files(const Life& life) {
  auto& state = life.state();
  if (std::exchange(state.removing, true))
    return;
  life.info().state = ContainerState::removing;
  life.self->request(life.node->launcher_of(life.id()), launcher_deadline, RemoveFiles{life.info()})
    .then([=] { tell_removed(life); },
          [=](caf::error& err) {
            auto error = from_caf(err);
            log::error("files of a container could not be removed",
                       {{"container_id", life.id().value}, {"error", render(error)}});
            tell_removed(life, error);
          });
}

/// Goes on when the last condition for the removal is met; called whenever one of them is.
void remove_if_due(const Life& life) {
  auto& state = life.state();
  auto ended = state.phase == Phase::exited || state.phase == Phase::failed;
  if (!ended || !state.deleted)
    return;
  auto wanted = state.phase == Phase::failed || !state.remove_promises.empty()
                || (life.info().spec.auto_remove && state.output_released);
  if (wanted)
    remove_files(life);
}

void fail_launch(const Life& life, Error error, bool deleted);

void tell_exit(const Life& life, const OomSummary& oom) {
  auto& state = life.state();
  auto& info = life.info();
  // It was given up between create and start: for the user it never was.
  if (state.failure && !state.running_told)
    return fail_launch(life, std::move(*std::exchange(state.failure, {})), state.deleted);
  if (!life.step(Happened::exit_told))
    return;
  info.oom_kills = oom.kills;
  info.exit = explain_exit({.wait_status = state.exited->wait_status,
                            .at = state.exited->at,
                            .oom_killed = oom.container_killed || state.group_killed,
                            .memory_limit = state.exited->memory_limit,
                            .asked_limit = info.spec.limits.memory_bytes,
                            .stop_asked = state.stop_asked,
                            .monitor_lost = state.monitor_lost});
  info.pid = 0;
  auto event = event_of(life, "container.exited");
  event.numbers["exitCode"] = info.exit.code;
  event.numbers["signal"] = info.exit.signal;
  event.numbers["oomKills"] = static_cast<int64_t>(info.oom_kills);
  event.flags["oomKilled"] = info.exit.oom_killed;
  event.texts["reason"] = info.exit.reason;
  publish(life, std::move(event));
  log::info("container exited", {{"container_id", life.id().value},
                                 {"pool", info.spec.pool.value},
                                 {"code", std::to_string(info.exit.code)},
                                 {"reason", info.exit.reason}});
  end_place(life);
  answer(state.launch_promises, info);
  answer(state.stop_promises, info);
  remove_if_due(life);
}

void on_oom(const Life& life, const OomKill& kill);

/// What the monitor counted, in the words of an OOM actor that does not answer.
OomKill kill_of(const Life& life, const MonitorExited& exited, bool killed) {
  const auto& info = life.info();
  auto kill = OomKill{};
  kill.container = info.spec.id;
  kill.pool = info.spec.pool;
  kill.runtime = info.profile.kind;
  kill.generation = info.generation;
  kill.scope = killed ? OomScope::container : OomScope::process;
  kill.kills = exited.oom_kills;
  kill.new_kills = exited.oom_kills - info.oom_kills;
  kill.limit = exited.memory_limit;
  kill.peak = exited.memory_peak;
  kill.time = now();
  return kill;
}

void on_exited(const Life& life, const MonitorExited& exited) {
  auto& state = life.state();
  auto was = state.phase;
  if (!life.step(Happened::init_exited))
    return;
  cancel_timer(life);
  release_slot(life);
  state.exited = exited;
  state.init = UniqueFd{};
  // The workload ran, if only for a moment: the exit has overtaken the answer of the start.
  if (was == Phase::starting && !state.failure)
    tell_running(life);
  auto killed = (exited.wait_status & 0x7f) == SIGKILL;
  life.self
    ->request(life.node->oom, oom_deadline,
              FinishOom{life.id(), exited.oom_kills, exited.oom_group_kills, exited.memory_peak, exited.memory_limit,
                        killed, state.kill_sent})
    .then([=](const OomSummary& oom) { tell_exit(life, oom); },
          [=](caf::error& err) {
            log::error("OOM count of an ended container is not known",
                       {{"container_id", life.id().value}, {"error", render(from_caf(err))}});
            if (exited.oom_kills > life.info().oom_kills)
              on_oom(life, kill_of(life, exited, killed));
            tell_exit(life, {exited.oom_kills, exited.oom_kills > 0 && killed});
          });
}

void fail_launch(const Life& life, Error error, bool deleted) {
  auto& state = life.state();
  if (!life.step(Happened::launch_failed))
    return;
  cancel_timer(life);
  release_slot(life);
  auto event = event_of(life, "container.failed");
  event.texts["code"] = to_string(error.code);
  event.texts["error"] = render(error);
  publish(life, std::move(event));
  log::warn("container failed to start", {{"container_id", life.id().value},
                                          {"pool", life.info().spec.pool.value},
                                          {"error", render(error)}});
  end_place(life);
  answer(state.stop_promises, life.info());
  state.failure = std::move(error);
  state.deleted = deleted;
  remove_if_due(life);
}

// -- the monitor's story ----------------------------------------------------------------------------------------------

void start(const Life& life) {
  if (life.step(Happened::watch_placed))
    command(life, StartCommand{});
}

void on_created(const Life& life, const MonitorCreated& created) {
  auto& info = life.info();
  info.pid = created.pid;
  info.pid_start_time = created.start_time;
  info.created_at = now();
  // If init is gone already, its exit is on its way.
  if (auto init = open_pidfd(created.pid, created.start_time))
    life.state().init = std::move(*init);
  // Where a stop came first nothing is started, but the kills are told all the same.
  life.step(Happened::monitor_created);
  auto watch = WatchOom{life.id(),
                        info.spec.pool,
                        info.profile.kind,
                        info.generation,
                        info.profile.has_host_processes,
                        info.memory_cgroup,
                        info.cgroup,
                        info.pid,
                        OomListener{ContainerActor{life.self}}};
  life.self->request(life.node->oom, oom_deadline, std::move(watch))
    .then([=] { start(life); },
          [=](caf::error& err) {
            // Kills are told all the same, but only at its end: the monitor reads the count.
            log::warn("container is not watched for OOM kills while it runs",
                      {{"container_id", life.id().value}, {"error", render(from_caf(err))}});
            start(life);
          });
}

void on_started(const Life& life, const MonitorStarted& started) {
  if (!life.step(Happened::monitor_started))
    return;
  cancel_timer(life);
  release_slot(life);
  life.info().started_at = started.at;
  tell_running(life);
  answer(life.state().launch_promises, life.info());
}

void on_failed(const Life& life, const MonitorFailed& failed) {
  auto& state = life.state();
  auto error = state.failure ? std::move(*state.failure)
                             : explain_launch_failure(life.info().profile, failed, life.info().spec);
  state.failure.reset();
  state.deleted = true;
  fail_launch(life, std::move(error), true);
}

void on_packet(const Life& life, const std::string& bytes) {
  auto message = decode_monitor_message(bytes);
  if (!message) {
    log::error("monitor sent a packet that is not understood",
               {{"container_id", life.id().value}, {"error", render(message.error())}});
    return;
  }
  if (auto* created = std::get_if<MonitorCreated>(&*message))
    on_created(life, *created);
  else if (auto* started = std::get_if<MonitorStarted>(&*message))
    on_started(life, *started);
  else if (auto* exited = std::get_if<MonitorExited>(&*message))
    on_exited(life, *exited);
  else if (auto* failed = std::get_if<MonitorFailed>(&*message))
    on_failed(life, *failed);
  else if (auto* undelivered = std::get_if<MonitorSignalFailed>(&*message))
    log::warn("signal was not delivered", {{"container_id", life.id().value},
                                           {"signal", signal_name(undelivered->signal)},
                                           {"reason", undelivered->message}});
  else if (auto* deleted = std::get_if<MonitorDeleted>(&*message)) {
    if (!deleted->leftovers.empty())
      log::error("container left something behind",
                 {{"container_id", life.id().value}, {"leftovers", deleted->leftovers}});
    life.state().deleted = true;
    remove_if_due(life);
  }
}

/// The monitor is gone. After `deleted` or `failed` that is its normal end; before, somebody killed it.
void on_monitor_gone(const Life& life) {
  auto& state = life.state();
  state.connection.reset();
  if (state.deleted)
    return;
  log::error("monitor of a container died", {{"container_id", life.id().value}});
  state.monitor_lost = true;
  if (state.init)
    kill_init(life);
  auto swept = [=] {
    life.state().deleted = true;
    if (life.state().phase == Phase::ended || life.state().phase == Phase::exited)
      remove_if_due(life);
    else if (life.state().running_told)
      on_exited(life, MonitorExited{.wait_status = SIGKILL, .at = now()});
    else
      fail_launch(life,
                  {ec::internal, "container \"" + life.id().value + "\"", "its monitor died before it was started",
                   "try again; see the log of berthd"},
                  true);
  };
  life.self->request(life.node->launcher_of(life.id()), launcher_deadline, SweepContainer{life.info()})
    .then(swept, [=](caf::error& err) {
      log::error("remains of a container could not be removed",
                 {{"container_id", life.id().value}, {"error", render(from_caf(err))}});
      swept();
    });
}

// -- launching ----------------------------------------------------------------------------------------------------------

void attach_monitor(const Life& life, const MonitorLink& link) {
  auto& state = life.state();
  state.connection = link.connection;
  auto me = ContainerActor{life.self};
  auto token = life.node->fds->watch(link.connection->socket(), [me, connection = link.connection] {
    for (;;) {
      auto packet = connection->receive();
      if (!packet) {
        caf::anon_send(me, MonitorGone{});
        return false;
      }
      if (!*packet)
        return true;
      caf::anon_send(me, MonitorPacket{std::move(**packet)});
    }
  });
  if (!token) {
    log::error("monitor cannot be watched", {{"container_id", life.id().value}, {"error", render(token.error())}});
    command(life, AbortCommand{});
    life.self->send(life.self, MonitorGone{});
    return;
  }
  state.watch = *token;
  // Given up, by a stop or for its time, before there was anybody to tell.
  if (state.stop_asked || state.failure)
    command(life, AbortCommand{});
}

void launch(const Life& life) {
  if (!life.step(Happened::slot_granted))
    return;
  set_timer(life, life.node->settings.start_timeout.value);
  life.self
    ->request(life.node->launcher_of(life.id()), launcher_deadline,
              StartMonitor{life.info(), life.state().order.oom_group})
    .then([=](const MonitorLink& link) { attach_monitor(life, link); },
          [=](caf::error& err) { fail_launch(life, from_caf(err), true); });
}

void on_timeout(const Life& life, const ContainerTimeout& timeout) {
  auto& state = life.state();
  if (timeout.epoch != state.timer_epoch)
    return;
  if (state.phase == Phase::stopping) {
    log::info("container ignores SIGTERM, killing it", {{"container_id", life.id().value}});
    kill_init(life);
    return;
  }
  if (!state.failure)
    state.failure = Error{ec::deadline_exceeded, "container \"" + life.id().value + "\"",
                          std::string{to_string(life.info().profile.kind)} + " did not start it within "
                            + std::to_string(life.node->settings.start_timeout.value.count()) + " ms",
                          "raise `berth.startTimeout`, or look at the load of the host"};
  command(life, AbortCommand{});
}

// -- requests -----------------------------------------------------------------------------------------------------------

/// SIGKILL is due after `grace`, unless it is due sooner already.
void shorten_grace(const Life& life, std::chrono::milliseconds grace) {
  auto& state = life.state();
  auto due = life.self->clock().now() + grace;
  if (due >= state.kill_due)
    return;
  state.kill_due = due;
  if (grace.count() > 0)
    return set_timer(life, grace);
  cancel_timer(life);
  kill_init(life);
}

void begin_stop(const Life& life, std::chrono::milliseconds grace) {
  auto& state = life.state();
  auto was = state.phase;
  state.stop_asked = true;
  if (was == Phase::accepted)
    return fail_launch(life, never_ran(life), true);
  if (!life.step(Happened::stop_asked))
    return;
  if (was != Phase::running) {
    // Nothing runs yet that could end by itself.
    if (!state.failure)
      state.failure = never_ran(life);
    cancel_timer(life);
    command(life, AbortCommand{});
    return;
  }
  state.kill_due = caf::actor_clock::time_point::max();
  if (grace.count() > 0)
    (void) signal_init(life, SIGTERM);
  shorten_grace(life, grace);
}

caf::error not_running(const Life& life) {
  return to_caf({ec::wrong_state, "container \"" + life.id().value + "\"",
                 std::string{"it is "} + to_string(life.info().state) + ", not running", {}});
}

caf::result<ContainerInfo> on_stop(const Life& life, const StopContainer& stop) {
  auto& state = life.state();
  if (state.phase == Phase::exited)
    return life.info();
  if (state.phase == Phase::failed)
    return not_running(life);
  auto grace = stop.grace.count() < 0 ? state.order.grace : stop.grace;
  auto promise = life.self->make_response_promise<ContainerInfo>();
  state.stop_promises.push_back(promise);
  if (state.phase == Phase::stopping)
    shorten_grace(life, grace);
  else if (state.phase != Phase::ended)
    begin_stop(life, grace);
  return promise;
}

caf::result<void> on_signal(const Life& life, int32_t signal) {
  auto& state = life.state();
  if (state.phase != Phase::running && state.phase != Phase::stopping)
    return not_running(life);
  if (auto sent = signal_init(life, signal); !sent)
    return to_caf(sent.error());
  return caf::unit;
}

caf::result<void> on_remove(const Life& life, bool force) {
  auto& state = life.state();
  auto ended = state.phase == Phase::ended || state.phase == Phase::exited || state.phase == Phase::failed;
  if (!ended && !force)
    return to_caf({ec::wrong_state, "container \"" + life.id().value + "\"",
                   std::string{"it is "} + to_string(life.info().state),
                   "stop it first, or remove it by force (`berth rm -f`)"});
  auto promise = life.self->make_response_promise<caf::unit_t>();
  state.remove_promises.push_back(promise);
  if (state.phase == Phase::stopping)
    shorten_grace(life, std::chrono::milliseconds{0});
  else if (!ended)
    begin_stop(life, std::chrono::milliseconds{0});
  remove_if_due(life);
  return promise;
}

void on_oom(const Life& life, const OomKill& kill) {
  auto& info = life.info();
  // An OOM actor that answered too late: its news were told from the monitor's count.
  if (life.state().phase >= Phase::exited)
    return;
  info.oom_kills = kill.kills;
  auto event = event_of(life, "container.oom");
  event.time = kill.time;
  event.texts["scope"] = to_string(kill.scope);
  event.numbers["kills"] = static_cast<int64_t>(kill.kills);
  event.numbers["newKills"] = static_cast<int64_t>(kill.new_kills);
  event.numbers["limit"] = static_cast<int64_t>(kill.limit);
  event.numbers["peak"] = static_cast<int64_t>(kill.peak);
  if (kill.victim_pid != 0) {
    event.numbers["victimPid"] = kill.victim_pid;
    event.texts["victim"] = kill.victim;
  }
  publish(life, std::move(event));
  if (life.state().order.oom_group && kill.scope == OomScope::process && life.state().init) {
    // cgroup v1 has no memory.oom.group.
    life.state().group_killed = true;
    kill_init(life);
  }
}

} // namespace

ContainerActor::behavior_type container_actor(Self self, NodeContextPtr node, ContainerOrder order) {
  guard(self);
  auto life = Life{self, std::move(node)};
  auto& state = self->state;
  state.order = std::move(order);
  state.output_released = !state.order.reader;
  if (state.order.reader)
    self->monitor(caf::actor_cast<caf::actor>(state.order.reader));
  self->set_down_handler([=](const caf::down_msg& down) {
    if (life.state().order.reader && down.source == life.state().order.reader->address()) {
      life.state().output_released = true;
      remove_if_due(life);
    }
  });
  return {
    [=](const BeginLaunch&) -> caf::result<ContainerInfo> {
      auto promise = self->make_response_promise<ContainerInfo>();
      life.state().launch_promises.push_back(promise);
      publish(life, event_of(life, "container.accepted"));
      self->request(life.state().order.runtime, start_slot_deadline, TakeStartSlot{})
        .then([=](const StartSlot&) { launch(life); },
              [=](caf::error& err) { fail_launch(life, from_caf(err), true); });
      return promise;
    },
    [=](const DescribeContainer&) { return life.info(); },
    [=](const StopContainer& stop) { return on_stop(life, stop); },
    [=](const SignalContainer& signal) { return on_signal(life, signal.signal); },
    [=](const RemoveContainer& remove) { return on_remove(life, remove.force); },
    [=](const ReleaseOutput&) {
      life.state().output_released = true;
      remove_if_due(life);
    },
    [=](const OomKill& kill) { on_oom(life, kill); },
    [=](const MonitorPacket& packet) { on_packet(life, packet.bytes); },
    [=](const MonitorGone&) { on_monitor_gone(life); },
    [=](const ContainerTimeout& timeout) { on_timeout(life, timeout); },
  };
}

} // namespace berth
