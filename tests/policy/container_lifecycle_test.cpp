#include "actors/policy/container_lifecycle.hpp"

#include "tests/support/catch.hpp"

#include <map>

using namespace berth;

TEST_CASE("the whole lifecycle, every phase with every event", "[policy]") {
  using P = Phase;
  using H = Happened;
  // What is not listed is ignored.
  const auto allowed = std::map<std::pair<P, H>, P>{
    {{P::accepted, H::slot_granted}, P::creating},
    {{P::accepted, H::launch_failed}, P::failed},
    {{P::creating, H::monitor_created}, P::created},
    {{P::creating, H::stop_asked}, P::stopping},
    {{P::creating, H::init_exited}, P::ended},
    {{P::creating, H::launch_failed}, P::failed},
    {{P::created, H::watch_placed}, P::starting},
    {{P::created, H::monitor_started}, P::running}, // a story that is told again does not wait for the watch
    {{P::created, H::stop_asked}, P::stopping},
    {{P::created, H::init_exited}, P::ended},
    {{P::created, H::launch_failed}, P::failed},
    {{P::starting, H::monitor_started}, P::running},
    {{P::starting, H::stop_asked}, P::stopping},
    {{P::starting, H::init_exited}, P::ended}, // the exit overtakes the start
    {{P::starting, H::launch_failed}, P::failed},
    {{P::running, H::stop_asked}, P::stopping},
    {{P::running, H::init_exited}, P::ended},
    {{P::running, H::launch_failed}, P::failed},
    {{P::stopping, H::init_exited}, P::ended},
    {{P::stopping, H::launch_failed}, P::failed},
    {{P::ended, H::exit_told}, P::exited},
    {{P::ended, H::launch_failed}, P::failed}, // it was ended between create and start
  };
  for (auto phase = 0; phase <= static_cast<int>(P::failed); ++phase) {
    for (auto event = 0; event <= static_cast<int>(H::launch_failed); ++event) {
      CAPTURE(phase, event);
      auto key = std::pair{static_cast<P>(phase), static_cast<H>(event)};
      auto wanted = allowed.count(key) > 0 ? std::optional{allowed.at(key)} : std::nullopt;
      CHECK(next(key.first, key.second) == wanted);
    }
  }
}

TEST_CASE("nothing leads out of a final phase", "[policy]") {
  auto phase = GENERATE(Phase::exited, Phase::failed);
  for (auto event = 0; event <= static_cast<int>(Happened::launch_failed); ++event)
    CHECK(!next(phase, static_cast<Happened>(event)));
}
