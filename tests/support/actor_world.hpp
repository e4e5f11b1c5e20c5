#pragma once

#include "messages/caf_error.hpp"
#include "messages/registration.hpp"

#include <caf/actor_system.hpp>
#include <caf/actor_system_config.hpp>
#include <caf/event_based_actor.hpp>
#include <caf/scheduler/test_coordinator.hpp>
#include <caf/scoped_actor.hpp>
#include <caf/stateful_actor.hpp>
#include <caf/typed_event_based_actor.hpp>

#include "tests/support/catch.hpp"

#include <memory>
#include <optional>
#include <type_traits>
#include <vector>

namespace berth::test {

struct WorldConfig : caf::actor_system_config {
  WorldConfig() {
    set("scheduler.policy", caf::atom("testing"));
    register_messages(*this);
  }
};

/// An actor system without threads: nothing moves until `run()`, and time stands still until `pass(…)`.
class ActorWorld {
public:
  /// Ends every actor that was spawned here: `~actor_system` waits for them, and under this scheduler an actor only ends
  /// when somebody runs it.
  ~ActorWorld() {
    for (auto& actor : spawned_)
      caf::anon_send_exit(actor, caf::exit_reason::kill);
    spawned_.clear();
    run();
    sys.await_actors_before_shutdown(false);
  }

  template <class... Ts>
  auto spawn(Ts&&... xs) {
    auto actor = sys.spawn(std::forward<Ts>(xs)...);
    spawned_.push_back(caf::actor_cast<caf::actor>(actor));
    return actor;
  }

  /// Ends actors that the actors under test have spawned, too.
  template <class Handle>
  void adopt(const Handle& actor) {
    spawned_.push_back(caf::actor_cast<caf::actor>(actor));
  }

  /// Runs everything that can run now.
  void run() {
    while (sched.try_run_once()) {
      // nop
    }
  }

  void pass(std::chrono::milliseconds time) {
    sched.advance_time(time);
    run();
  }

  /// An answer that may come later.
  template <class Answer>
  struct Pending {
    std::shared_ptr<std::optional<Result<Answer>>> result = std::make_shared<std::optional<Result<Answer>>>();

    bool done() const {
      return result->has_value();
    }

    const Result<Answer>& get() const {
      REQUIRE(result->has_value());
      return **result;
    }
  };

  /// Sends a request from an actor of its own and runs the world.
  template <class Answer, class Handle, class Question>
  Pending<Answer> ask(const Handle& actor, Question question,
                      std::chrono::seconds deadline = std::chrono::seconds{100000}) {
    auto pending = begin_to_ask<Answer>(actor, std::move(question), deadline);
    run();
    return pending;
  }

  /// The same for those who run the world step by step.
  template <class Answer, class Handle, class Question>
  Pending<Answer> begin_to_ask(const Handle& actor, Question question,
                               std::chrono::seconds deadline = std::chrono::seconds{100000}) {
    auto pending = Pending<Answer>{};
    auto asker = sys.spawn([=](caf::event_based_actor* self) {
      auto failed = [=](caf::error& err) { *pending.result = tl::unexpected{from_caf(err)}; };
      auto request = self->request(actor, deadline, question);
      if constexpr (std::is_void_v<Answer>)
        request.then([=] { *pending.result = Result<void>{}; }, failed);
      else
        request.then([=](Answer& answer) { *pending.result = std::move(answer); }, failed);
    });
    spawned_.push_back(asker);
    return pending;
  }

  WorldConfig config;
  caf::actor_system sys{config};
  caf::scheduler::test_coordinator& sched = dynamic_cast<caf::scheduler::test_coordinator&>(sys.scheduler());

private:
  std::vector<caf::actor> spawned_;
};

} // namespace berth::test
