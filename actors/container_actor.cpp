#include "actors/container_actor.hpp"

#include "actors/container_parts.hpp"
#include "actors/guard.hpp"
#include "actors/tell_state.hpp"
#include "runtimes/fault_point.hpp"

#include <csignal>

namespace berth {

namespace container {

namespace {

// -- launching ----------------------------------------------------------------------------------------------------------

void attach_monitor(const Life& life, const MonitorLink& link) {
  auto& state = life.state();
  state.connection = link.connection;
  state.attached = trace_clock();
  state.monitor_trace = this_point;
  life.end_phase(LaunchPhase::prepare);
  auto me = ContainerActor{life.self};
  link.connection->listen({[me, cause = Cause{}](std::string bytes) { caf::anon_send(me, MonitorPacket{std::move(bytes), cause}); },
                           [me, cause = Cause{}] { caf::anon_send(me, MonitorGone{cause}); }});
  for (const auto& held : std::exchange(state.held_commands, {}))
    command(life, held);
  // Given up before this actor came.
  if (life.memory().failure)
    command(life, AbortCommand{});
}

void connect_monitor(const Life& life) {
  const auto& memory = life.memory();
  auto is_started = memory.adopted || memory.info.created_at.ns != 0;
  if (!is_started)
    life.state().create_wait.emplace("monitor: create the container");
  life.self
    ->request(life.node->launcher_of(life.id()), launcher_deadline,
              StartMonitor{memory.info, memory.oom_group, memory.ticket, memory.grace, is_started})
    .then([=](const MonitorLink& link) { attach_monitor(life, link); },
          [=](caf::error& err) {
            auto error = from_caf(err);
            if (!is_started)
              return fail_launch(life, error, true);
            log::error("monitor of a container was not found again",
                       {{"container_id", life.id().value}, {"error", render(error)}});
            // A launcher that is only slow has its link.
            if (error.code == ec::deadline_exceeded)
              connect_monitor(life);
            else
              on_monitor_gone(life);
          });
}

Error never_ran(const Life& life) {
  return {ec::cancelled, "container \"" + life.id().value + "\"", "it was stopped before it ran", {}};
}

void launch(const Life& life) {
  if (!life.step(Happened::slot_granted))
    return;
  set_timer(life, life.node->settings.start_timeout.value);
  life.end_phase(LaunchPhase::slot);
  life.keep_then([=](const Result<void>& recorded) {
    life.state().recording = life.state().clock.lap();
    fault_point("launch.recorded");
    const auto& given_up = life.memory().failure;
    if (recorded && life.memory().phase == Phase::creating)
      connect_monitor(life);
    else if (given_up)
      fail_launch(life, Error{*given_up}, true);
    else
      fail_launch(life, recorded ? never_ran(life) : recorded.error(), true);
  });
}

/// `is_held`: the start is under way, whoever has granted it.
void take_slot(const Life& life, bool is_held) {
  using Slot = ContainerActorState::Slot;
  auto& state = life.state();
  auto epoch = ++state.slot_epoch;
  state.slot = is_held ? Slot::held : Slot::asked;
  life.self->request(state.neighbours.pool, start_slot_deadline, TakeStartSlot{is_held})
    .then(
      [=](const StartSlot&) {
        if (epoch != life.state().slot_epoch || is_held)
          return;
        life.state().slot = Slot::held;
        launch(life);
      },
      [=](caf::error& err) {
        // In the place of a POOL that has died another one comes, and tells of it.
        if (epoch == life.state().slot_epoch && !is_held && err != caf::sec::request_receiver_down)
          fail_launch(life, from_caf(err), true);
      });
}

caf::result<ContainerInfo> on_begin(const Life& life) {
  const auto& memory = life.memory();
  if (memory.running_told || memory.phase == Phase::exited)
    return memory.info;
  auto& state = life.state();
  auto promise = life.self->make_response_promise<ContainerInfo>();
  state.launch_promises.push_back(promise);
  if (std::exchange(state.has_begun, true) || memory.phase != Phase::accepted)
    return promise;
  fault_point("launch.accepted");
  life.memory().accepted_told = true;
  life.keep(event_of(life, "container.accepted"));
  (void) state.clock.lap();
  take_slot(life, false);
  return promise;
}

/// A stop that has begun: its SIGTERM is sent, and its SIGKILL is due when it was due.
void resume_stop(const Life& life) {
  auto left = std::chrono::ceil<std::chrono::milliseconds>(life.memory().kill_due - life.self->clock().now());
  if (left.count() > 0 && !life.memory().kill_sent)
    set_timer(life, left);
  else
    kill_init(life);
}

/// Goes on where another actor has died. What was asked and told before is remembered; the monitor's story is told again, from
/// its beginning, and brings what is new.
void go_on(const Life& life) {
  auto& memory = life.memory();
  life.state().has_begun = true;
  if (memory.phase == Phase::accepted && !memory.failure)
    return take_slot(life, false);
  // From here on there is no monitor any more, only files.
  if (!holds_place(memory) && memory.deleted)
    return remove_if_due(life);
  if (holds_place(memory) && memory.running_told) {
    memory.phase = memory.stop_asked ? Phase::stopping : Phase::running;
    hold_init(life);
    if (memory.stop_asked)
      resume_stop(life);
  } else if (holds_place(memory)) {
    memory.phase = memory.failure ? Phase::stopping : Phase::creating;
    take_slot(life, true);
    set_timer(life, life.node->settings.start_timeout.value);
  }
  connect_monitor(life);
}

void on_timeout(const Life& life, const ContainerTimeout& timeout) {
  auto& state = life.state();
  if (timeout.epoch != state.timer_epoch)
    return;
  auto& memory = life.memory();
  if (memory.phase == Phase::stopping && memory.running_told) {
    log::info("container ignores SIGTERM, killing it", {{"container_id", life.id().value}});
    kill_init(life);
    return;
  }
  if (!memory.failure) {
    memory.failure = Error{ec::deadline_exceeded, "container \"" + life.id().value + "\"",
                           std::string{to_string(life.info().profile.kind)} + " did not start it within "
                             + std::to_string(life.node->settings.start_timeout.value.count()) + " ms",
                           "raise `berth.startTimeout`, or look at the load of the host"};
    life.keep();
  }
  command(life, AbortCommand{});
}

// -- requests -----------------------------------------------------------------------------------------------------------

/// SIGKILL is due after `grace`, unless it is due sooner already.
void shorten_grace(const Life& life, std::chrono::milliseconds grace) {
  auto due = life.self->clock().now() + grace;
  if (due >= life.memory().kill_due)
    return;
  life.memory().kill_due = due;
  life.keep();
  if (grace.count() > 0)
    return set_timer(life, grace);
  cancel_timer(life);
  kill_init(life);
}

void begin_stop(const Life& life, std::chrono::milliseconds grace) {
  auto& memory = life.memory();
  auto was = memory.phase;
  fault_point("stop.asked");
  memory.stop_asked = true;
  if (was == Phase::accepted)
    return fail_launch(life, never_ran(life), true);
  if (!life.step(Happened::stop_asked))
    return;
  if (was != Phase::running) {
    // Nothing runs yet that could end by itself.
    if (!memory.failure)
      memory.failure = never_ran(life);
    life.keep();
    cancel_timer(life);
    command(life, AbortCommand{});
    return;
  }
  memory.kill_due = life.self->clock().now() + grace;
  // A journal that cannot be written is no reason to let it run.
  life.keep_then([=](const Result<void>&) {
    if (life.memory().phase != Phase::stopping)
      return;
    fault_point("stop.recorded");
    if (grace.count() > 0)
      (void) signal_init(life, SIGTERM);
    resume_stop(life);
    fault_point("stop.signalled");
  });
}

caf::error not_running(const Life& life) {
  return to_caf({ec::wrong_state, "container \"" + life.id().value + "\"",
                 std::string{"it is "} + to_string(life.info().state) + ", not running", {}});
}

caf::result<ContainerInfo> on_stop(const Life& life, const StopContainer& stop) {
  const auto& memory = life.memory();
  if (memory.phase == Phase::exited)
    return memory.info;
  if (memory.phase == Phase::failed)
    return not_running(life);
  auto grace = stop.grace.count() < 0 ? memory.grace : stop.grace;
  auto promise = life.self->make_response_promise<ContainerInfo>();
  life.state().stop_promises.push_back(promise);
  if (memory.phase == Phase::stopping)
    shorten_grace(life, grace);
  else if (memory.phase != Phase::ended)
    begin_stop(life, grace);
  return promise;
}

caf::result<void> on_signal(const Life& life, int32_t signal) {
  auto phase = life.memory().phase;
  if (phase != Phase::running && phase != Phase::stopping)
    return not_running(life);
  if (auto sent = signal_init(life, signal); !sent)
    return to_caf(sent.error());
  return caf::unit;
}

caf::result<void> on_remove(const Life& life, bool force) {
  auto& memory = life.memory();
  auto ended = memory.phase >= Phase::ended;
  if (!ended && !force)
    return to_caf({ec::wrong_state, "container \"" + life.id().value + "\"",
                   std::string{"it is "} + to_string(life.info().state),
                   "stop it first, or remove it by force (`berth rm -f`)"});
  auto promise = life.self->make_response_promise<caf::unit_t>();
  life.state().remove_promises.push_back(promise);
  memory.remove_asked = true;
  fault_point("remove.asked");
  life.keep();
  if (memory.phase == Phase::stopping)
    shorten_grace(life, std::chrono::milliseconds{0});
  else if (!ended)
    begin_stop(life, std::chrono::milliseconds{0});
  remove_if_due(life);
  return promise;
}

void on_neighbours(const Life& life, const UseNeighbours& next) {
  using Slot = ContainerActorState::Slot;
  auto& state = life.state();
  auto before = std::exchange(state.neighbours, next);
  if (!next.oom)
    state.neighbours.oom = before.oom;
  // The one before may have died with the message in its mailbox.
  if (next.pool != before.pool) {
    if (!holds_place(life.memory()))
      end_place(life);
    if (state.slot != Slot::none)
      take_slot(life, state.slot == Slot::held);
  }
  if (next.oom && next.oom != before.oom && state.watch_asked && life.memory().phase < Phase::ended)
    watch_oom(life);
}

void on_released(const Life& life) {
  if (std::exchange(life.memory().output_released, true))
    return;
  life.keep();
  remove_if_due(life);
}

} // namespace

} // namespace container

ContainerActor::behavior_type container_actor(SelfPointer<ContainerActor, ContainerActorState> self,
                                              NodeContextPtr node, ContainerOrder order) {
  using namespace container;
  const auto& spec = order.memory.info.spec;
  guard(self, ActorLabel{.pool = spec.pool, .container = spec.id, .trace = order.trace}, [self] { return tell(self->state); });
  auto life = Life{self, std::move(node)};
  auto& state = self->state;
  state.memory = std::move(order.memory);
  state.metrics = &life.node->metrics->launches(life.info().spec.pool, life.info().profile.kind);
  state.goes_on = state.memory.accepted_told;
  state.neighbours = std::move(order.neighbours);
  state.parent = std::move(order.parent);
  const auto& reader = state.memory.reader;
  if (!state.memory.accepted_told)
    state.memory.output_released = !reader;
  if (reader)
    self->monitor(caf::actor_cast<caf::actor>(reader));
  self->set_down_handler([=](const caf::down_msg& down) {
    const auto& who_reads = life.memory().reader;
    if (who_reads && down.source == who_reads->address())
      on_released(life);
  });
  if (state.memory.accepted_told)
    go_on(life);
  return {
    [=](const BeginLaunch&) { return on_begin(life); },
    [=](const DescribeContainer&) { return life.info(); },
    [=](const StopContainer& stop) { return on_stop(life, stop); },
    [=](const SignalContainer& signal) { return on_signal(life, signal.signal); },
    [=](const RemoveContainer& remove) { return on_remove(life, remove.force); },
    [=](const ReleaseOutput&) { on_released(life); },
    [=](const UseNeighbours& next) { on_neighbours(life, next); },
    [=](const OomKill& kill) { on_oom(life, kill); },
    [=](const MonitorPacket& packet) { on_packet(life, packet.bytes); },
    [=](const MonitorGone&) { on_monitor_gone(life); },
    [=](const ContainerTimeout& timeout) { on_timeout(life, timeout); },
  };
}

} // namespace berth
