#include "actors/container_parts.hpp"
#include "actors/guard.hpp"
#include "actors/policy/explain_exit.hpp"
#include "actors/policy/oom_scope.hpp"
#include "runtimes/fault_point.hpp"
#include "runtimes/linux/kill_group.hpp"
#include "runtimes/runtime_errors.hpp"

#include <csignal>

namespace berth::container {

/// As many as the monitor itself lets be on their way.
constexpr size_t most_held_commands = 8;

// -- acting ---------------------------------------------------------------------------------------------------------------

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

void command(const Life& life, const MonitorCommand& what) {
  auto& state = life.state();
  // An actor that goes on waits for its link.
  if (!state.connection && state.held_commands.size() < most_held_commands) {
    state.held_commands.push_back(what);
    return;
  }
  if (!state.connection)
    return log::warn("too many signals wait for the link to a monitor, one is dropped", {{"container_id", life.id().value}});
  if (auto sent = state.connection->send(what); !sent)
    log::warn("monitor does not take commands",
              {{"container_id", life.id().value}, {"reason", render(sent.error())}});
}

void set_timer(const Life& life, std::chrono::milliseconds delay) {
  life.self->delayed_send(life.self, delay, ContainerTimeout{++life.state().timer_epoch});
}

void cancel_timer(const Life& life) {
  ++life.state().timer_epoch;
}

Result<void> signal_init(const Life& life, int signal) {
  const auto& state = life.state();
  if (signal == SIGKILL && !std::exchange(life.memory().kill_sent, true))
    life.keep();
  if (state.init && (life.info().profile.init_takes_signals || signal == SIGKILL))
    return send_signal(state.init, signal);
  if (signal == SIGKILL)
    command(life, AbortCommand{});
  else
    command(life, SignalCommand{signal});
  return {};
}

void hold_init(const Life& life) {
  const auto& memory = life.memory();
  const auto& info = memory.info;
  // A pid of another boot is somebody else's.
  if (memory.rebooted || info.pid == 0)
    return;
  // One that was written down long ago has to prove what it is.
  auto init = memory.adopted ? open_pidfd_in(info.pid, info.pid_start_time, info.cgroup)
                             : open_pidfd(info.pid, info.pid_start_time);
  if (init)
    life.state().init = std::move(*init);
}

void kill_init(const Life& life) {
  (void) signal_init(life, SIGKILL);
}

void end_place(const Life& life) {
  life.self->send(life.state().neighbours.pool, ContainerEnded{life.id()});
}

namespace {

/// Delivers one answer to everybody who waits for it and forgets them.
template <class Promises, class... Answer>
void answer(Promises& promises, const Answer&... what) {
  auto waiting = std::exchange(promises, {});
  for (auto& promise : waiting)
    promise.deliver(what...);
}

/// What the monitor was told to do is done, or will not be.
void end_waits(ContainerActorState& state, ec code = {}) {
  for (auto* wait : {&state.create_wait, &state.start_wait})
    if (*wait)
      (*wait)->end(code);
}

void tell_running(const Life& life) {
  auto& info = life.info();
  if (std::exchange(life.memory().running_told, true))
    return;
  if (info.started_at.ns == 0)
    info.started_at = now();
  auto event = event_of(life, "container.running");
  event.numbers["pid"] = info.pid;
  event.numbers["startNs"] = info.started_at.ns - info.accepted_at.ns;
  life.keep(std::move(event));
  log::info("container running", {{"container_id", life.id().value},
                                  {"pool", info.spec.pool.value},
                                  {"runtime", to_string(info.profile.kind)},
                                  {"pid", std::to_string(info.pid)}});
}

void release_slot(const Life& life) {
  auto& state = life.state();
  ++state.slot_epoch;
  if (std::exchange(state.slot, ContainerActorState::Slot::none) != ContainerActorState::Slot::none)
    life.self->send(state.neighbours.pool, ReturnStartSlot{});
}

// -- the end --------------------------------------------------------------------------------------------------------------

/// `left`: why not all of its files could be removed.
void tell_removed(const Life& life, const std::optional<Error>& left = {}) {
  auto& state = life.state();
  caf::anon_send(life.node->journal, ForgetContainer{life.id(), event_of(life, "container.removed")});
  log::info("container removed", {{"container_id", life.id().value}, {"pool", life.info().spec.pool.value}});
  fault_point("remove.told");
  life.self->send(state.parent, ContainerRemoved{life.id()});
  if (left)
    answer(state.remove_promises, to_caf(*left));
  else
    answer(state.remove_promises, caf::unit);
  if (life.memory().failure)
    answer(state.launch_promises, to_caf(*life.memory().failure));
  life.self->quit();
}

void remove_files(const Life& life) {
  auto& state = life.state();
  if (std::exchange(state.removing, true))
    return;
  life.info().state = ContainerState::removing;
  // Whoever comes after a crash must not take a container without files for one that was lost.
  life.keep_then([=](const Result<void>&) {
    fault_point("remove.recorded");
    life.self->request(life.node->launcher_of(life.id()), launcher_deadline, RemoveFiles{life.info()})
      .then([=] { tell_removed(life); },
            [=](caf::error& err) {
              auto error = from_caf(err);
              log::error("files of a container could not be removed",
                         {{"container_id", life.id().value}, {"error", render(error)}});
              tell_removed(life, error);
            });
  });
}

} // namespace

void remove_if_due(const Life& life) {
  const auto& memory = life.memory();
  if (holds_place(memory) || !memory.deleted)
    return;
  auto wanted = memory.phase == Phase::failed || memory.remove_asked
                || (memory.info.spec.auto_remove && memory.output_released);
  if (wanted)
    remove_files(life);
}

void fail_launch(const Life& life, const Error& error, bool deleted) {
  auto& state = life.state();
  end_waits(state, error.code);
  if (!life.step(Happened::launch_failed))
    return;
  cancel_timer(life);
  release_slot(life);
  life.memory().failure = error;
  life.memory().deleted = deleted;
  auto event = event_of(life, "container.failed");
  event.texts["code"] = to_string(error.code);
  event.texts["error"] = render(error);
  life.keep(std::move(event));
  log::warn("container failed to start", {{"container_id", life.id().value},
                                          {"pool", life.info().spec.pool.value},
                                          {"error", render(error)}});
  end_place(life);
  answer(state.stop_promises, life.info());
  remove_if_due(life);
}

void on_oom(const Life& life, const OomKill& kill) {
  auto& info = life.info();
  // An OOM actor that answered too late: its news were told from the monitor's count.
  if (!holds_place(life.memory()))
    return;
  info.oom_kills = kill.kills;
  life.metrics().oom(kill.scope).add(kill.new_kills);
  life.memory().oom_took_it = life.memory().oom_took_it || kill.scope == OomScope::container;
  // cgroup v1 has no memory.oom.group.
  auto takes_all = life.memory().oom_group && kill.scope == OomScope::process && life.state().init;
  life.memory().group_killed = life.memory().group_killed || takes_all;
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
  life.keep(std::move(event));
  if (takes_all)
    kill_init(life);
}

namespace {

void tell_exit(const Life& life, const OomSummary& oom) {
  auto& state = life.state();
  auto& memory = life.memory();
  auto& info = memory.info;
  // It was given up between create and start: for the user it never was.
  if (memory.failure && !memory.running_told)
    return fail_launch(life, Error{*memory.failure}, memory.deleted);
  if (!life.step(Happened::exit_told))
    return;
  fault_point("exit.counted");
  info.oom_kills = oom.kills;
  info.exit = explain_exit({.wait_status = state.exited->wait_status,
                            .at = state.exited->at,
                            .oom_killed = oom.container_killed || memory.group_killed,
                            .memory_limit = state.exited->memory_limit,
                            .asked_limit = info.spec.limits.memory_bytes,
                            .stop_asked = memory.stop_asked,
                            .monitor_lost = state.monitor_lost,
                            .rebooted = memory.rebooted && state.monitor_lost});
  info.pid = 0;
  auto event = event_of(life, "container.exited");
  event.numbers["exitCode"] = info.exit.code;
  event.numbers["signal"] = info.exit.signal;
  event.numbers["oomKills"] = static_cast<int64_t>(info.oom_kills);
  event.flags["oomKilled"] = info.exit.oom_killed;
  event.texts["reason"] = info.exit.reason;
  life.keep(std::move(event));
  log::info("container exited", {{"container_id", life.id().value},
                                 {"pool", info.spec.pool.value},
                                 {"code", std::to_string(info.exit.code)},
                                 {"reason", info.exit.reason}});
  fault_point("exit.told");
  // In this order: a retired pool ends with its last place.
  answer(state.launch_promises, info);
  end_place(life);
  answer(state.stop_promises, info);
  remove_if_due(life);
}

/// What the monitor counted beyond what was told, in the words of an OOM actor that does not answer.
OomKill kill_of(const Life& life, const MonitorExited& exited, bool killed) {
  const auto& info = life.info();
  auto kill = OomKill{};
  kill.container = info.spec.id;
  kill.pool = info.spec.pool;
  kill.runtime = info.profile.kind;
  kill.generation = info.generation;
  kill.scope = killed && !life.memory().kill_sent ? OomScope::container : OomScope::process;
  kill.kills = exited.oom_kills;
  kill.new_kills = exited.oom_kills - info.oom_kills;
  kill.limit = exited.memory_limit;
  kill.peak = exited.memory_peak;
  kill.time = now();
  return kill;
}

void on_exited(const Life& life, const MonitorExited& exited) {
  end_waits(life.state());
  auto& state = life.state();
  if (!life.step(Happened::init_exited))
    return;
  fault_point("exit.heard");
  cancel_timer(life);
  release_slot(life);
  state.exited = exited;
  state.init = UniqueFd{};
  life.keep();
  // The workload ran, if only for a moment: the exit has overtaken the answer of the start.
  if (life.memory().start_asked && !life.memory().failure)
    tell_running(life);
  auto killed = ended_by_kill(exited.wait_status, life.info().profile.has_host_processes);
  auto count_alone = [=](const std::string& why) {
    log::warn("OOM kills of an ended container are told by its monitor's count",
              {{"container_id", life.id().value}, {"reason", why}});
    if (exited.oom_kills > life.info().oom_kills)
      on_oom(life, kill_of(life, exited, killed));
    tell_exit(life, {exited.oom_kills, killed && life.memory().oom_took_it});
  };
  if (!state.neighbours.oom)
    return count_alone("there is no OOM actor");
  life.self
    ->request(state.neighbours.oom, oom_deadline,
              FinishOom{life.id(), exited.oom_kills, exited.oom_group_kills, exited.memory_peak, exited.memory_limit,
                        killed, life.memory().kill_sent})
    .then([=](const OomSummary& oom) { tell_exit(life, oom); },
          [=](caf::error& err) { count_alone(render(from_caf(err))); });
}

// -- the way up -----------------------------------------------------------------------------------------------------------

void start(const Life& life) {
  if (!life.step(Happened::watch_placed))
    return;
  fault_point("launch.watched");
  life.memory().start_asked = true;
  life.end_phase(LaunchPhase::watch);
  life.keep_then([=](const Result<void>& recorded) {
    auto& phase = life.state();
    phase.recording += phase.clock.lap();
    if (!phase.goes_on)
      life.metrics().phase(LaunchPhase::record).observe(phase.recording);
    if (life.memory().failure)
      return; // given up meanwhile, as the monitor was told
    if (recorded) {
      fault_point("launch.start_recorded");
      life.state().start_wait.emplace("monitor: start the container");
      command(life, StartCommand{});
      fault_point("launch.start_sent");
      return;
    }
    life.memory().failure = recorded.error();
    command(life, AbortCommand{});
  });
}

} // namespace

void watch_oom(const Life& life) {
  fault_point("launch.created");
  const auto& info = life.info();
  auto& state = life.state();
  state.watch_asked = true;
  auto unwatched = [=](const std::string& why) {
    // Kills are told all the same, but only at its end, when the monitor reads the count, or by the next OOM actor.
    // One that is taken over may have ended long ago, which its monitor is about to tell.
    if (!life.memory().adopted)
      log::warn("container is not watched for OOM kills while it runs",
                {{"container_id", life.id().value}, {"reason", why}});
    start(life);
  };
  if (!state.neighbours.oom)
    return unwatched("there is no OOM actor");
  auto watch = WatchOom{life.id(),
                        info.spec.pool,
                        info.profile.kind,
                        info.generation,
                        info.profile.has_host_processes,
                        info.memory_cgroup,
                        info.cgroup,
                        info.pid,
                        info.oom_kills,
                        life.memory().oom_took_it,
                        OomListener{ContainerActor{life.self}}};
  life.self->request(state.neighbours.oom, oom_deadline, std::move(watch))
    .then([=] { start(life); }, [=](caf::error& err) { unwatched(render(from_caf(err))); });
}

namespace {

void on_created(const Life& life, const MonitorCreated& created) {
  end_waits(life.state());
  auto& info = life.info();
  info.pid = created.pid;
  info.pid_start_time = created.start_time;
  if (info.created_at.ns == 0)
    info.created_at = now();
  life.end_phase(LaunchPhase::create);
  // If init is gone already, its exit is on its way.
  hold_init(life);
  // Where a stop came first nothing is started, but the kills are told all the same.
  life.step(Happened::monitor_created);
  life.keep();
  watch_oom(life);
}

void on_started(const Life& life, const MonitorStarted& started) {
  end_waits(life.state());
  if (!life.step(Happened::monitor_started))
    return;
  life.end_phase(LaunchPhase::start);
  cancel_timer(life);
  release_slot(life);
  life.info().started_at = started.at;
  fault_point("launch.started");
  tell_running(life);
  fault_point("launch.told");
  answer(life.state().launch_promises, life.info());
}

void on_failed(const Life& life, const MonitorFailed& failed) {
  const auto& given_up = life.memory().failure;
  fail_launch(life, given_up ? Error{*given_up} : explain_launch_failure(life.info().profile, failed, life.info().spec),
              true);
}

/// Static storage, as spans want it.
const char* name_of(MonitorPhase phase, RuntimeKind runtime) {
  auto is_runc = runtime == RuntimeKind::runc;
  switch (phase) {
    case MonitorPhase::prepare: return "monitor: mount the root file system";
    case MonitorPhase::create: return is_runc ? "runc create" : "runsc create";
    case MonitorPhase::start: return is_runc ? "runc start" : "runsc start";
    case MonitorPhase::record: return "monitor: record the exit";
    case MonitorPhase::remove: return is_runc ? "runc delete" : "runsc delete";
  }
  return "monitor";
}

void on_work(const Life& life, const MonitorWork& work) {
  const auto& state = life.state();
  if (state.goes_on && work.began < state.attached)
    return;
  auto within = state.monitor_trace;
  if (work.phase <= MonitorPhase::create && state.create_wait)
    within = state.create_wait->inside();
  else if (work.phase == MonitorPhase::start && state.start_wait)
    within = state.start_wait->inside();
  // Between the two, the process of the monitor begins.
  if (work.phase == MonitorPhase::prepare && work.began > state.attached)
    record_work(within, "monitor: start of its process", state.attached, work.began);
  record_work(within, name_of(work.phase, life.info().profile.kind), work.began, work.ended);
}

} // namespace

void on_packet(const Life& life, const std::string& bytes) {
  auto message = decode_monitor_message(bytes);
  if (!message) {
    log::error("monitor sent a packet that is not understood",
               {{"container_id", life.id().value}, {"error", render(message.error())}});
    return;
  }
  if (auto* work = std::get_if<MonitorWork>(&*message))
    return on_work(life, *work);
  // An actor that goes on after the exit was told has only the end of the story to hear.
  if (!holds_place(life.memory()) && !std::holds_alternative<MonitorDeleted>(*message))
    return;
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
    life.memory().deleted = true;
    life.keep();
    fault_point("exit.deleted");
    remove_if_due(life);
  }
}

namespace {

/// The monitor has gone before this actor had heard its last word.
void on_swept(const Life& life, const SweptContainer& swept) {
  for (const auto& packet : swept.story)
    on_packet(life, packet);
  auto& memory = life.memory();
  if (memory.deleted)
    return;
  life.state().monitor_lost = true;
  if (!memory.rebooted)
    log::error("monitor of a container died", {{"container_id", life.id().value}});
  if (!swept.leftovers.empty())
    log::error("remains of a container could not be removed",
               {{"container_id", life.id().value}, {"leftovers", swept.leftovers}});
  memory.deleted = true;
  if (memory.phase >= Phase::ended) {
    life.keep();
    return remove_if_due(life);
  }
  if (memory.running_told || (memory.start_asked && !memory.failure))
    return on_exited(life, MonitorExited{.wait_status = SIGKILL, .at = now()});
  auto died = Error{ec::internal, "container \"" + life.id().value + "\"", "its monitor died before it was started",
                    "try again; see the log of berthd"};
  fail_launch(life, memory.failure ? Error{*memory.failure} : std::move(died), true);
}

} // namespace

void on_monitor_gone(const Life& life) {
  auto& state = life.state();
  state.connection.reset();
  if (life.memory().deleted)
    return;
  if (state.init && !life.memory().rebooted)
    kill_init(life);
  life.self
    ->request(life.node->launcher_of(life.id()), launcher_deadline, SweepContainer{life.info(), life.memory().rebooted})
    .then([=](const SweptContainer& swept) { on_swept(life, swept); },
          [=](caf::error& err) { on_swept(life, {{}, render(from_caf(err))}); });
}

} // namespace berth::container
