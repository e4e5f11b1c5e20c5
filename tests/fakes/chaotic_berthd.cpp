// berthd with an enemy inside: from SIGUSR1 on, it kills its own supervised actors at random.

#include "actors/log.hpp"
#include "apps/berthd/daemon.hpp"
#include "config/load_settings.hpp"
#include "runtimes/linux/process.hpp"
#include "runtimes/linux/signals.hpp"

#include <caf/actor.hpp>
#include <caf/actor_cast.hpp>
#include <caf/send.hpp>

#include <atomic>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <mutex>
#include <random>
#include <string>
#include <thread>

namespace {

using namespace std::chrono_literals;
using berth::ActorKind;

class Enemy {
public:
  Enemy(int kills, unsigned seed) : kills_(kills), random_(seed) {
    // nop
  }

  void meet(ActorKind kind, const caf::actor& actor) {
    auto victim = Victim{caf::actor_cast<caf::actor_addr>(actor), std::make_shared<std::atomic<bool>>(true)};
    actor->attach_functor([lives = victim.lives](const caf::error&) { *lives = false; });
    auto guard = std::lock_guard{mutex_};
    victims_[kind].push_back(std::move(victim));
  }

  void fight() {
    auto killed = std::map<ActorKind, int>{};
    for (auto i = 0; i < kills_;) {
      std::this_thread::sleep_for(std::chrono::milliseconds{std::uniform_int_distribution{2, 40}(random_)});
      auto kind = static_cast<ActorKind>(std::uniform_int_distribution{0, static_cast<int>(ActorKind::oom)}(random_));
      if (kill_one(kind)) {
        ++killed[kind];
        ++i;
      }
    }
    auto fields = std::string{};
    for (const auto& [kind, count] : killed)
      fields += std::string{fields.empty() ? "" : ", "} + to_string(kind) + " " + std::to_string(count);
    berth::log::info("the enemy is done", {{"killed", fields}});
  }

private:
  struct Victim {
    caf::actor_addr actor;
    std::shared_ptr<std::atomic<bool>> lives;
  };

  bool kill_one(ActorKind kind) {
    auto guard = std::lock_guard{mutex_};
    auto& victims = victims_[kind];
    std::erase_if(victims, [](const Victim& x) { return !*x.lives; });
    if (victims.empty())
      return false;
    auto& victim = victims[std::uniform_int_distribution<size_t>{0, victims.size() - 1}(random_)];
    auto actor = caf::actor_cast<caf::actor>(victim.actor);
    if (!actor || !victim.lives->exchange(false))
      return false;
    caf::anon_send_exit(actor, caf::exit_reason::kill);
    return true;
  }

  const int kills_;
  std::mt19937 random_;
  std::mutex mutex_;
  std::map<ActorKind, std::vector<Victim>> victims_; // guarded by mutex_
};

int number_from_env(const char* name, int usual) {
  auto text = std::getenv(name);
  return text != nullptr ? std::atoi(text) : usual;
}

} // namespace

/// chaotic_berthd --config FILE --root DIR
int main(int argc, char** argv) {
  if (argc != 5)
    return 2;
  auto signals = berth::block_signals({SIGINT, SIGTERM, SIGUSR1});
  auto texts = berth::read_config_files(argv[2]);
  if (!signals || !texts)
    return 1;
  auto settings = berth::load_settings(*texts);
  if (!settings)
    return 78;
  (void)berth::raise_descriptor_limit();
  auto enemy = Enemy{number_from_env("BERTH_CHAOS_KILLS", 500), static_cast<unsigned>(number_from_env("BERTH_CHAOS_SEED", 1))};
  auto options = berth::DaemonOptions{};
  options.settings = std::move(*settings);
  for (const auto& text : *texts)
    options.files.push_back({text.file, text.text});
  options.root = argv[4];
  // Every one of the deaths is our doing, so there is nothing to be damped.
  options.restart_limits.at_once = 1'000'000;
  options.on_spawn = [&](ActorKind kind, const caf::actor& actor) { enemy.meet(kind, actor); };
  auto daemon = berth::Daemon::start(std::move(options));
  if (!daemon) {
    berth::log::error("cannot start", {{"reason", berth::render(daemon.error())}});
    std::_Exit(1);
  }
  for (;;) {
    auto signal = berth::next_signal(*signals);
    if (!signal || *signal != SIGUSR1)
      break;
    std::thread{[&] { enemy.fight(); }}.detach();
  }
  (*daemon)->stop();
  std::_Exit(0);
}
