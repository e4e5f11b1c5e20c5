// See trace.sh.

#include "actors/guard.hpp"
#include "messages/registration.hpp"
#include "messages/selector.hpp"
#include "tests/bench/measurement.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/eventually.hpp"
#include "tests/support/http.hpp"
#include "tests/support/test_node.hpp"

#include <caf/actor_system.hpp>
#include <caf/actor_system_config.hpp>

#include <future>
#include <map>

using namespace berth;
using namespace berth::test;
using Clock = std::chrono::steady_clock;

namespace {

// -- messages ---------------------------------------------------------------------------------------------------------

using BallActor = caf::typed_actor<caf::reacts_to<QueueTimeout>>;

struct BallState {
  static inline const char* name = "ball";
};

/// Hits the ball back until it has been hit `hits` times; the actors of one game have one of these.
struct Game {
  uint64_t hits = 0;
  std::promise<void> over;
};

template <class Base>
BallActor::behavior_type player(caf::stateful_actor<BallState, Base>* self, std::shared_ptr<Game> game, BallActor other) {
  return {[=](const QueueTimeout& ball) {
    if (ball.ticket == game->hits)
      return game->over.set_value();
    auto to = other ? other : caf::actor_cast<BallActor>(self->current_sender());
    self->send(to, QueueTimeout{ball.ticket + 1});
  }};
}

/// Nanoseconds for a message of two actors that play.
template <class Base>
double play(caf::actor_system& system, uint64_t hits) {
  auto game = std::make_shared<Game>();
  game->hits = hits;
  auto over = game->over.get_future();
  auto first = system.spawn(player<Base>, game, BallActor{});
  auto second = system.spawn(player<Base>, game, first);
  auto begin = Clock::now();
  caf::anon_send(second, QueueTimeout{0});
  over.wait();
  auto took = std::chrono::duration<double, std::nano>(Clock::now() - begin).count() / static_cast<double>(hits);
  for (auto& actor : {first, second})
    caf::anon_send_exit(actor, caf::exit_reason::user_shutdown);
  return took;
}

void bench_messages(int rounds) {
  auto config = caf::actor_system_config{};
  config.set("scheduler.policy", caf::atom("sharing"));
  config.set("scheduler.max-threads", size_t{2});
  register_messages(config);
  auto system = caf::actor_system{config};
  constexpr auto hits = uint64_t{100'000};
  auto times = std::map<std::string, Series>{};
  trace_recorder().set_rate(1'000'000'000);
  for (auto i = 0; i < rounds; ++i) {
    times["1 plain CAF actors"].values.push_back(play<BallActor::base>(system, hits));
    trace_recorder().set_mode(TracingMode::off);
    times["2 counted, without a recorder"].values.push_back(play<Counted<BallActor::base>>(system, hits));
    times["3 observed, recording off"].values.push_back(play<Observed<BallActor::base>>(system, hits));
    trace_recorder().set_mode(TracingMode::all);
    times["4 observed, everything recorded"].values.push_back(play<Observed<BallActor::base>>(system, hits));
    trace_recorder().set_mode(TracingMode::off);
    (void)trace_recorder().fetch();
  }
  std::printf("nanoseconds a message, two actors that play, %d rounds of %llu:\n", rounds, static_cast<unsigned long long>(hits));
  for (auto& [name, series] : times)
    std::printf("  %-36s min %6.0f  median %6.0f\n", name.c_str() + 2, series.at(0), series.at(0.5));
}

// -- launches ---------------------------------------------------------------------------------------------------------

constexpr auto clients = 2;

/// Launches a second, by so many clients, of containers that end at once.
double launch_rate(const TestNode& node, int count, bool asks) {
  auto begin = Clock::now();
  in_parallel(count, clients, [&](int i) {
    auto id = "b" + std::to_string(i);
    auto body = Json{{"pool", "web"}, {"id", id}, {"rootfs", test_rootfs()}, {"args", {"/bin/true"}}};
    auto text = http_request("POST", "/v1/containers", body.dump());
    if (asks)
      text.insert(text.find("\r\n") + 2, "traceparent: " + to_traceparent({make_trace_id(), make_span_id(), true}) + "\r\n");
    auto connection = RawConnection{node.socket()};
    connection.send(text);
    connection.read_to_end(std::chrono::seconds{60});
    must(parse_answer(connection.received()).status == 201, connection.received());
  });
  auto took = std::chrono::duration<double>(Clock::now() - begin).count();
  in_parallel(count, clients, [&](int i) { http(node.socket(), "DELETE", "/v1/containers/b" + std::to_string(i) + "?force=true"); });
  return count / took;
}

void bench_launches(int rounds, int count) {
  auto node = TestNode{"worker:\n  pools:\n    web: {}\nberth:\n  tracing: {mode: off, maxSpans: 100000, maxRate: 1000000}\n"};
  (void)launch_rate(node, count, false);
  auto record = [&](const char* mode) { http(node.socket(), "PUT", std::string{"/v1/tracing?mode="} + mode); };
  auto rates = std::map<std::string, Series>{};
  // Side by side, in turns: the machine is noisy.
  for (auto i = 0; i < rounds; ++i) {
    record("off");
    rates["1 off"].values.push_back(launch_rate(node, count, false));
    record("requested");
    rates["2 on, asked for by none"].values.push_back(launch_rate(node, count, false));
    rates["3 on, asked for by all"].values.push_back(launch_rate(node, count, true));
    record("all");
    rates["4 everything"].values.push_back(launch_rate(node, count, false));
  }
  std::printf("launches a second, %d clients, %d rounds of %d:\n", clients, rounds, count);
  auto base = rates["1 off"].at(0.5);
  for (auto& [name, series] : rates)
    std::printf("  %-28s median %6.2f  min %6.2f  max %6.2f  %+5.1f%%\n", name.c_str() + 2, series.at(0.5), series.at(0), series.at(1),
                100 * (series.at(0.5) / base - 1));
}

} // namespace

TEST_CASE("tracing") {
  bench_messages(count_from_env("BERTH_BENCH_MESSAGE_ROUNDS", 15, 3));
  bench_launches(count_from_env("BERTH_BENCH_ROUNDS", 12, 2), count_from_env("BERTH_BENCH_LAUNCHES", 20, 5));
}
