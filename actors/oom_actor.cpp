#include "actors/oom_actor.hpp"

#include "actors/guard.hpp"
#include "actors/policy/explain_exit.hpp"
#include "actors/policy/oom_scope.hpp"
#include "actors/tell_state.hpp"

#include <algorithm>
#include <limits>

namespace berth {

namespace {

using Self = SelfPointer<OomActor, OomState>;

/// The kernel counts a kill and then sends the signal. So long after the count a victim has it, unless the kernel was
/// interrupted between the two.
constexpr auto signal_takes = std::chrono::milliseconds{2};
/// Longest time between the count of a kill and the report of the exit: the process gives its memory back first.
constexpr auto death_takes = std::chrono::nanoseconds{std::chrono::seconds{1}};
/// As the attempt of an OomRecheck: decides what `signal_takes` was waited for.
constexpr auto settle_attempt = std::numeric_limits<uint32_t>::max();
/// Marks the numbers of containers that the kernel gave no watch for; the source counts from 1.
constexpr auto unplaced = uint64_t{1} << 63;

struct Oom {
  Self self;
  std::shared_ptr<const OomSource> source;

  OomState& state() const {
    return self->state;
  }
};

void tell(const Oom& oom, const OomState::Watched& watched, const OomKill& kill) {
  auto scope = OnBehalfOf{watched.trace.trace ? watched.trace : this_point};
  log::info("OOM kill detected via cgroup watcher", {{"container_id", kill.container.value},
                                                     {"pool", kill.pool.value},
                                                     {"runtime", to_string(kill.runtime)},
                                                     {"scope", to_string(kill.scope)},
                                                     {"kills", std::to_string(kill.kills)},
                                                     {"limit", human_bytes(kill.limit)},
                                                     {watched.trace.trace ? "trace_id" : "", to_string(watched.trace.trace)}});
  oom.self->send(watched.what.listener, kill);
  for (auto& [address, subscription] : oom.state().subscriptions) {
    if (subscription.credit == 0) {
      ++subscription.missed;
      continue;
    }
    --subscription.credit;
    oom.self->send(subscription.subscriber, kill);
  }
}

/// Gives the victims that the kernel log has named since the last look to their containers.
void assign_victims(const Oom& oom) {
  for (auto& victim : oom.source->victims())
    for (auto& [id, watched] : oom.state().watches)
      if (is_in_cgroup(victim, watched.what.cgroup)) {
        ++watched.named;
        watched.last_victim_pid = victim.pid;
        watched.last_victim = victim.name;
        // The one that took the container is the one to remember.
        watched.container_killed = watched.container_killed || victim.pid == watched.what.init_pid;
      }
}

/// What is known of init when its container's counter has grown.
enum class Init : uint8_t {
  /// It ended by SIGKILL, or is about to.
  killed,
  /// It lives, or ended otherwise.
  spared,
  /// It does not look as if it were dying, but may not have its signal yet.
  unclear,
  /// It is ending, and only the report of its exit will tell by what.
  ending,
};

struct Count {
  uint64_t kills = 0;
  uint64_t group_kills = 0;
  uint64_t limit = 0;
  uint64_t peak = 0;
};

/// Tells what the counters say beyond what was told. False if it is too early to say whom the kill hit.
bool advance(const Oom& oom, OomState::Watched& watched, const Count& count, Init init) {
  auto kills = count.kills;
  if (kills <= watched.told)
    return true;
  assign_victims(oom);
  if ((init == Init::unclear || init == Init::ending) && watched.what.has_host_processes && watched.last_victim_pid == 0
      && count.group_kills == watched.group_kills)
    return false;
  const auto& what = watched.what;
  auto facts = OomFacts{what.has_host_processes, what.init_pid,
                        watched.container_killed ? what.init_pid : watched.last_victim_pid,
                        count.group_kills > watched.group_kills, init == Init::killed};
  if (watched.named < kills)
    watched.unnamed_at = now();
  auto scope = oom_scope(facts);
  watched.container_killed = watched.container_killed || scope == OomScope::container;
  auto kill = OomKill{what.container,
                      what.pool,
                      what.runtime,
                      what.generation,
                      scope,
                      kills,
                      kills - watched.told,
                      count.limit,
                      count.peak,
                      std::exchange(watched.last_victim_pid, 0),
                      std::exchange(watched.last_victim, {}),
                      now()};
  watched.told = kills;
  watched.group_kills = count.group_kills;
  tell(oom, watched, kill);
  return true;
}

/// `last_word`: the kernel had time to send its signal.
void look(const Oom& oom, uint64_t watch, bool last_word = false) {
  auto i = oom.state().watches.find(watch);
  if (i == oom.state().watches.end())
    return;
  auto counters = oom.source->read(watch);
  if (!counters)
    return; // The group is gone; the container's end brings the final count.
  auto& watched = i->second;
  auto init = last_word ? Init::spared : Init::unclear;
  auto vitality = oom.source->vitality(watched.what.init_pid);
  if (vitality != Vitality::alive)
    init = vitality == Vitality::killed ? Init::killed : Init::ending;
  auto count = Count{counters->oom_kills, counters->oom_group_kills, counters->memory_limit, counters->memory_peak};
  if (!advance(oom, watched, count, init) && init == Init::unclear && !std::exchange(watched.settling, true))
    oom.self->delayed_send(oom.self, signal_takes, OomRecheck{watch, settle_attempt, 0});
}

void recheck_later(const Oom& oom, uint64_t watch, uint32_t attempt, uint64_t epoch) {
  if (attempt < oom.source->follow_ups.size())
    oom.self->delayed_send(oom.self, oom.source->follow_ups[attempt], OomRecheck{watch, attempt, epoch});
}

void forget(const Oom& oom, std::map<uint64_t, OomState::Watched>::iterator watched) {
  auto& by_container = oom.state().by_container;
  auto i = by_container.find(watched->second.what.container);
  // The id may stand for another container by now.
  if (i != by_container.end() && i->second == watched->first)
    by_container.erase(i);
  oom.source->remove(watched->first);
  oom.state().watches.erase(watched);
}

caf::result<void> on_watch(const Oom& oom, WatchOom& what) {
  auto& state = oom.state();
  if (auto before = state.by_container.find(what.container); before != state.by_container.end())
    forget(oom, state.watches.find(before->second));
  auto placed = oom.source->add(what.memory_cgroup);
  auto watch = placed ? *placed : unplaced | ++state.last_unplaced;
  oom.self->monitor(caf::actor_cast<caf::actor>(what.listener));
  state.by_container[what.container] = watch;
  auto& watched = state.watches[watch];
  watched.told = watched.named = what.told;
  watched.container_killed = what.container_killed;
  watched.what = std::move(what);
  watched.trace = this_point;
  if (!placed)
    return to_caf(placed.error());
  // The group is as new as the container: what is counted already and was not told are kills that came before the watch.
  look(oom, watch);
  return caf::unit;
}

OomSummary on_finish(const Oom& oom, const FinishOom& finish) {
  auto i = oom.state().by_container.find(finish.container);
  if (i == oom.state().by_container.end())
    return {finish.kills, finish.kills > 0 && finish.killed};
  auto entry = oom.state().watches.find(i->second);
  auto& watched = entry->second;
  advance(oom, watched, {finish.kills, std::max(watched.group_kills, finish.group_kills), finish.limit, finish.peak},
          finish.killed ? Init::killed : Init::spared);
  // A kill of an unknown process a moment before init's end by a SIGKILL of the kernel's was init's own: the kernel had been
  // interrupted before it could send the signal.
  auto was_init = !finish.asked && watched.unnamed_at.ns != 0 && now().ns - watched.unnamed_at.ns < death_takes.count();
  auto summary = OomSummary{watched.told, finish.killed && (watched.container_killed || was_init)};
  forget(oom, entry);
  return summary;
}

void on_credit(const Oom& oom, const OomCredit& credit) {
  auto address = credit.subscriber.address();
  auto& subscription = oom.state().subscriptions[address];
  if (!subscription.subscriber) {
    subscription.subscriber = credit.subscriber;
    oom.self->monitor(caf::actor_cast<caf::actor>(credit.subscriber));
  }
  subscription.credit += credit.credit;
  if (subscription.missed > 0 && subscription.credit > 0)
    oom.self->send(subscription.subscriber, OomGap{std::exchange(subscription.missed, 0)});
}

void on_down(const Oom& oom, const caf::down_msg& down) {
  if (oom.state().subscriptions.erase(down.source) > 0)
    return;
  auto& watches = oom.state().watches;
  auto i = std::find_if(watches.begin(), watches.end(),
                        [&](const auto& x) { return x.second.what.listener.address() == down.source; });
  if (i != watches.end())
    forget(oom, i);
}

} // namespace

OomSource make_oom_source(std::shared_ptr<OomWatch> watch, std::shared_ptr<KernelLog> kernel_log) {
  auto follow_ups = watch->follow_ups();
  return {[watch](const std::string& memory_cgroup) { return watch->add(memory_cgroup); },
          [watch](uint64_t id) { watch->remove(id); },
          [watch](uint64_t id) { return watch->read(id); },
          [kernel_log] {
            auto result = std::vector<OomVictim>{};
            for (auto more = true; more;) {
              auto news = kernel_log->drain();
              result.insert(result.end(), news.victims.begin(), news.victims.end());
              more = news.more;
            }
            return result;
          },
          [](int pid) { return vitality_of(pid); },
          {follow_ups.begin(), follow_ups.end()}};
}

OomActor::behavior_type oom_actor(Self self, OomSource source) {
  guard(self, ActorLabel{}, [self] { return tell(self->state); });
  auto oom = Oom{self, std::make_shared<const OomSource>(std::move(source))};
  self->set_down_handler([=](const caf::down_msg& down) { on_down(oom, down); });
  return {
    [=](WatchOom& what) { return on_watch(oom, what); },
    [=](const FinishOom& finish) { return on_finish(oom, finish); },
    [=](const OomCredit& credit) { on_credit(oom, credit); },
    [=](const OomStirred& stirred) {
      for (auto watch : stirred.watches) {
        look(oom, watch);
        auto i = oom.state().watches.find(watch);
        if (i != oom.state().watches.end())
          recheck_later(oom, watch, 0, ++i->second.epoch);
      }
    },
    [=](const OomRecheck& recheck) {
      auto i = oom.state().watches.find(recheck.watch);
      if (i == oom.state().watches.end())
        return;
      if (recheck.attempt == settle_attempt) {
        i->second.settling = false;
        look(oom, recheck.watch, true);
        return;
      }
      if (i->second.epoch != recheck.epoch)
        return;
      look(oom, recheck.watch);
      recheck_later(oom, recheck.watch, recheck.attempt + 1, recheck.epoch);
    },
  };
}

} // namespace berth
