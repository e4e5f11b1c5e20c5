#include "actors/tell_state.hpp"

#include "actors/container_actor.hpp"
#include "actors/event_actor.hpp"
#include "actors/journal_actor.hpp"
#include "actors/launcher_actor.hpp"
#include "actors/node_actor.hpp"
#include "actors/oom_actor.hpp"
#include "actors/pool_parts.hpp"
#include "actors/revision_actor.hpp"
#include "actors/self_check_actor.hpp"

namespace berth {

namespace {

template <class T>
int64_t number(T x) {
  return static_cast<int64_t>(x);
}

/// So many names of a list are told; its length is told as a number.
constexpr size_t most_names = 100;

template <class Range, class Name>
std::vector<std::string> names(const Range& range, Name name) {
  auto result = std::vector<std::string>{};
  for (const auto& x : range) {
    if (result.size() == most_names)
      break;
    result.push_back(name(x));
  }
  return result;
}

} // namespace

ActorState tell(const ContainerActorState& state) {
  const auto& memory = state.memory;
  auto result = ActorState{};
  result.texts = {{"phase", to_string(memory.phase)},
                  {"state", to_string(memory.info.state)},
                  {"runtime", to_string(memory.info.profile.kind)},
                  {"runtimeId", memory.info.runtime_id},
                  {"traceId", memory.info.trace_id},
                  {"startSlot", state.slot == ContainerActorState::Slot::none   ? "none"
                                : state.slot == ContainerActorState::Slot::held ? "held"
                                                                                : "asked"}};
  if (memory.failure)
    result.texts["failure"] = render(*memory.failure);
  result.numbers = {{"ticket", number(memory.ticket)},
                    {"generation", number(memory.info.generation)},
                    {"pid", memory.info.pid},
                    {"oomKills", number(memory.info.oom_kills)},
                    {"graceMs", memory.grace.count()},
                    {"waitingForLaunch", number(state.launch_promises.size())},
                    {"waitingForStop", number(state.stop_promises.size())},
                    {"waitingForRemoval", number(state.remove_promises.size())},
                    {"heldCommands", number(state.held_commands.size())}};
  result.flags = {{"monitorConnected", state.connection != nullptr},
                  {"initHeld", static_cast<bool>(state.init)},
                  {"oomWatchAsked", state.watch_asked},
                  {"outputReleased", memory.output_released},
                  {"stopAsked", memory.stop_asked},
                  {"removeAsked", memory.remove_asked},
                  {"deleted", memory.deleted},
                  {"adopted", memory.adopted}};
  return result;
}

ActorState tell(const EventState& state) {
  auto result = ActorState{};
  result.numbers = {{"kept", number(state.kept.size())},
                    {"lastEvent", number(state.last_seq)},
                    {"waitingReaders", number(state.waiting.size())}};
  return result;
}

ActorState tell(const JournalActorState& state) {
  auto result = ActorState{};
  result.numbers = {{"containers", number(state.containers.size())},
                    {"waitingContainers", number(state.stale.size())},
                    {"waitingEvents", number(state.events.size())},
                    {"waitingAnswers", number(state.replies.size())},
                    {"lastEvent", number(state.last_event)},
                    {"lostEvents", number(state.lost_events)}};
  result.flags = {{"failing", state.is_failing}, {"open", state.journal != nullptr}};
  return result;
}

ActorState tell(const LauncherState& state) {
  auto result = ActorState{};
  result.numbers["monitors"] = number(state.links.size());
  return result;
}

ActorState tell(const NodeState& state) {
  auto result = ActorState{};
  result.numbers = {{"pools", number(state.pools.size())},
                    {"retiredPools", number(state.retired.size())},
                    {"containers", number(state.containers.size())},
                    {"launches", number(state.launches.size())},
                    {"lastTicket", number(state.last_ticket)},
                    {"foreignIds", number(state.foreign.size())},
                    {"oomRestarts", number(state.oom_restarts.history.total)}};
  result.flags = {{"drained", state.is_drained}, {"oomWatched", static_cast<bool>(state.oom)}};
  result.lists["pools"] = names(state.pools, [](const auto& x) { return x.first.value; });
  result.lists["launches"] = names(state.launches, [](const auto& x) { return x.second.id.value; });
  return result;
}

ActorState tell(const OomState& state) {
  auto result = ActorState{};
  result.numbers = {{"watches", number(state.watches.size())},
                    {"unplacedWatches", number(state.last_unplaced)},
                    {"subscribers", number(state.subscriptions.size())}};
  result.lists["containers"] = names(state.by_container, [](const auto& x) { return x.first.value; });
  return result;
}

ActorState tell(const RevisionState& state) {
  auto result = ActorState{};
  result.numbers = {{"revisions", number(state.revisions.size())},
                    {"lastRevision", number(state.last_number)},
                    {"changing", number(state.changing)}};
  result.lists["notInEffect"] = names(state.not_in_effect, [](const auto& x) { return x.value; });
  return result;
}

ActorState tell(const SelfCheckState& state) {
  auto result = ActorState{};
  result.numbers = {{"checks", number(state.last_check)}, {"waitingForHealth", number(state.health_promises.size())}};
  result.flags = {{"wasSilent", state.was_silent}};
  return result;
}

namespace pool {

ActorState tell_state(const Pool& pool) {
  const auto& state = pool.state();
  auto info = describe(pool);
  auto result = ActorState{};
  result.texts = {{"state", to_string(info.state)},
                  {"configured", to_string(info.configured)},
                  {"effective", to_string(info.effective)},
                  {"reason", info.reason}};
  result.numbers = {{"generation", number(state.current)},
                    {"generations", number(state.generations.size())},
                    {"containers", number(state.containers.size())},
                    {"places", number(state.places)},
                    {"queued", number(state.queue.size())},
                    {"selecting", number(state.selecting.size())},
                    {"starting", number(state.starting.size())},
                    {"waitingForStartSlot", number(state.start_queue.size())},
                    {"accepted", number(state.counters.accepted)},
                    {"everQueued", number(state.counters.queued)},
                    {"refused", number(state.counters.refused)},
                    {"restarts", number(state.restarts)}};
  result.flags = {{"retired", state.retired}, {"candidate", state.candidate.has_value()}, {"announced", state.is_announced}};
  result.lists["containers"] = names(state.containers, [](const auto& x) { return x.first.value; });
  result.lists["queue"] = names(state.queue, [](const auto& x) { return x.order.spec.id.value; });
  return result;
}

} // namespace pool

} // namespace berth
