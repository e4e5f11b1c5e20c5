#include "actors/self_check_actor.hpp"

#include "actors/guard.hpp"
#include "actors/tell_state.hpp"
#include <caf/sec.hpp>

#include <algorithm>

namespace berth {

namespace {

using Self = SelfPointer<SelfCheckActor, SelfCheckState>;
using CheckPtr = std::shared_ptr<SelfCheckState::Check>;

/// So many are named in one line of the log.
constexpr size_t most_named = 20;

struct SelfCheck {
  Self self;
  std::shared_ptr<const SelfCheckOrder> order;

  SelfCheckState& state() const {
    return self->state;
  }

  SelfCheckState::Time now() const {
    return self->clock().now();
  }
};

void add(std::map<ActorKind, CheckedActors>& answered, ActorKind kind, std::chrono::nanoseconds took) {
  auto& entry = answered[kind];
  entry.kind = kind;
  ++entry.count;
  entry.slowest = std::max(entry.slowest, took);
}

std::string listed(const std::vector<std::string>& names) {
  auto result = std::string{};
  for (size_t i = 0; i < std::min(names.size(), most_named); ++i)
    result += (i == 0 ? "" : ", ") + names[i];
  if (names.size() > most_named)
    result += " and " + std::to_string(names.size() - most_named) + " more";
  return result;
}

// -- launchers ----------------------------------------------------------------------------------------------------------

void put_question(const SelfCheck& me, size_t index) {
  me.self->request(me.state().launchers[index].who.actor, launcher_deadline, AreYouThere{})
    .then(
      [=] {
        auto& launcher = me.state().launchers[index];
        launcher.took = me.now() - *launcher.asked;
        launcher.asked.reset();
      },
      [=](caf::error& err) {
        // Its age goes on, so that it counts as silent until it answers.
        if (err == caf::sec::request_timeout)
          return put_question(me, index);
        me.state().launchers[index].lives = false;
      });
}

void ask_launchers(const SelfCheck& me) {
  auto& launchers = me.state().launchers;
  for (size_t i = 0; i < launchers.size(); ++i)
    if (launchers[i].lives && !launchers[i].asked) {
      launchers[i].asked = me.now();
      put_question(me, i);
    }
}

// -- a check ------------------------------------------------------------------------------------------------------------

void finish(const SelfCheck& me, const CheckPtr& check) {
  auto health = Health{{}, std::move(check->silent)};
  for (const auto& launcher : me.state().launchers) {
    if (!launcher.lives)
      continue;
    auto took = launcher.asked ? me.now() - *launcher.asked : launcher.took;
    if (took < launcher_deadline)
      add(check->answered, launcher.who.kind, took);
    else
      health.silent.push_back(launcher.who.name);
  }
  for (const auto& [kind, answered] : check->answered)
    health.actors.push_back(answered);
  check->done(health);
}

void close_question(const SelfCheck& me, const CheckPtr& check, uint64_t question) {
  check->open.erase(question);
  if (check->open.empty())
    finish(me, check);
}

/// Asks an actor, and then those that it owns.
void ask(const SelfCheck& me, const CheckPtr& check, const OwnedActor& who) {
  auto question = ++check->last_question;
  check->open[question] = who.name;
  auto answered = [=, kind = who.kind, asked = me.now()] { add(check->answered, kind, me.now() - asked); };
  auto failed = [=, name = who.name](caf::error& err) {
    // Whoever has died meanwhile is not there any more.
    if (err == caf::sec::request_timeout)
      check->silent.push_back(name);
    close_question(me, check, question);
  };
  if (who.kind == ActorKind::node || who.kind == ActorKind::pool)
    me.self->request(who.actor, check->deadline, ListActors{})
      .then(
        [=](const OwnedActors& owned) {
          answered();
          for (const auto& below : owned)
            ask(me, check, below);
          close_question(me, check, question);
        },
        failed);
  else
    me.self->request(who.actor, check->deadline, AreYouThere{})
      .then(
        [=] {
          answered();
          close_question(me, check, question);
        },
        failed);
}

CheckPtr begin_check(const SelfCheck& me, std::chrono::milliseconds deadline, std::function<void(const Health&)> done) {
  auto check = std::make_shared<SelfCheckState::Check>();
  check->number = ++me.state().last_check;
  check->deadline = deadline;
  check->done = std::move(done);
  ask_launchers(me);
  ask(me, check, {ActorKind::node, "node", caf::actor_cast<caf::actor>(me.order->node)});
  ask(me, check, {ActorKind::revision, "revision", caf::actor_cast<caf::actor>(me.order->revisions)});
  ask(me, check, {ActorKind::event, "event", caf::actor_cast<caf::actor>(me.order->events)});
  return check;
}

// -- watchdog -----------------------------------------------------------------------------------------------------------

void tell_silent(const SelfCheck& me, const std::vector<std::string>& names) {
  log::error("actors do not answer, so the watchdog of the service manager is not fed", {{"actors", listed(names)}});
  me.order->tell_status("No answer from " + listed(names));
  me.state().was_silent = true;
}

void on_watched(const SelfCheck& me, const Health& health) {
  me.state().watching.reset();
  if (!health.silent.empty())
    return tell_silent(me, health.silent);
  if (std::exchange(me.state().was_silent, false)) {
    log::warn("all actors answer again");
    me.order->tell_status("All actors answer again");
  }
  me.order->feed_watchdog();
}

void on_due(const SelfCheck& me) {
  auto interval = std::max<std::chrono::milliseconds>(me.order->watchdog / 2, std::chrono::milliseconds{1});
  me.self->delayed_send(me.self, interval, CheckDue{});
  // Those who have not answered the last one need not be asked again.
  if (me.state().watching)
    return;
  auto& watching = me.state().watching;
  watching = begin_check(me, me.order->watchdog, [=](const Health& health) { on_watched(me, health); });
  me.self->delayed_send(me.self, interval / 2, CheckLate{watching->number});
}

void on_late(const SelfCheck& me, uint64_t number) {
  const auto& watching = me.state().watching;
  if (!watching || watching->number != number)
    return;
  auto names = std::vector<std::string>{};
  for (const auto& [question, name] : watching->open)
    names.push_back(name);
  tell_silent(me, names);
}

// -- health -------------------------------------------------------------------------------------------------------------

caf::result<Health> on_health(const SelfCheck& me) {
  auto& promises = me.state().health_promises;
  promises.push_back(me.self->make_response_promise<Health>());
  auto promise = promises.back();
  // Whoever comes while a check is under way shares it: many who ask must not make many questions to one that is stuck.
  if (promises.size() == 1)
    begin_check(me, health_answer_deadline, [=](const Health& health) {
      for (auto& waiting : std::exchange(me.state().health_promises, {}))
        waiting.deliver(health);
    });
  return promise;
}

} // namespace

SelfCheckActor::behavior_type self_check_actor(Self self, SelfCheckOrder parts) {
  guard(self, ActorLabel{}, [self] { return tell(self->state); });
  auto me = SelfCheck{self, std::make_shared<const SelfCheckOrder>(std::move(parts))};
  for (const auto& launcher : me.order->launchers) {
    auto& launchers = self->state.launchers;
    launchers.push_back({{ActorKind::launcher, "launcher " + std::to_string(launchers.size() + 1),
                          caf::actor_cast<caf::actor>(launcher)}});
  }
  if (me.order->journal)
    self->state.launchers.push_back({{ActorKind::journal, "journal", caf::actor_cast<caf::actor>(me.order->journal)}});
  if (me.order->watchdog.count() > 0)
    self->send(self, CheckDue{});
  return {
    [=](const CheckHealth&) { return on_health(me); },
    [=](const CheckDue&) { on_due(me); },
    [=](const CheckLate& late) { on_late(me, late.check); },
  };
}

} // namespace berth
