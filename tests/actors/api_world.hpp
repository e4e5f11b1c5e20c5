#pragma once

#include "actors/event_actor.hpp"
#include "actors/guard.hpp"
#include "actors/reload_actor.hpp"
#include "actors/self_check_actor.hpp"
#include "apps/berthd/http_server.hpp"
#include "messages/caf_error.hpp"
#include "messages/registration.hpp"
#include "tests/support/eventually.hpp"
#include "tests/support/memory_journal.hpp"
#include "tests/support/http.hpp"
#include "tests/support/temp_dir.hpp"

#include <caf/actor_system.hpp>
#include <caf/actor_system_config.hpp>
#include <caf/send.hpp>
#include <caf/typed_event_based_actor.hpp>

#include "tests/support/catch.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <map>
#include <mutex>

namespace berth::test {

using Json = nlohmann::json;

/// What the fake node and the fake containers are told to do, and what they were asked for. They
/// run in threads of their own, so everything is behind one mutex.
class Script {
public:
  /// How a request is answered: with a value or an error, or never.
  template <class Answer>
  using Plan = std::optional<Result<Answer>>;

  std::mutex mutex;
  std::map<std::string, ContainerInfo> containers;
  PoolInfos pools;
  /// Who says these and other things for metrics.
  PoolActors actors;
  /// Decides about a launch. Without it, the container runs.
  std::function<Plan<ContainerInfo>(const LaunchSpec&)> launch;
  /// Decides about a stop. Without it, the container exits with code 143.
  std::function<Plan<ContainerInfo>(const StopContainer&)> stop;
  /// Told when a container's reader has read everything: then the container would be removed.
  std::function<void(const std::string& id)> released;
  /// Everything that was asked for, in words.
  std::vector<std::string> asked;
  std::vector<LaunchSpec> launched;
  /// Somebody reads the output of the last launch.
  bool attached = false;

  void note(std::string what) {
    asked.push_back(std::move(what));
  }

  size_t times_asked(const std::string& what) {
    auto guard = std::lock_guard{mutex};
    return static_cast<size_t>(std::count(asked.begin(), asked.end(), what));
  }

  bool was_asked(const std::string& what) {
    return times_asked(what) > 0;
  }
};

using ScriptPtr = std::shared_ptr<Script>;

inline ContainerInfo container_of(const LaunchSpec& spec) {
  auto info = ContainerInfo{};
  info.spec = spec;
  info.runtime_id = "r-" + spec.id.value;
  info.state = ContainerState::running;
  info.pid = 4242;
  info.accepted_at = now();
  info.started_at = now();
  return info;
}

inline ContainerInfo running_container(const std::string& id, const std::string& pool = "web") {
  auto spec = LaunchSpec{};
  spec.id.value = id;
  spec.pool.value = pool;
  return container_of(spec);
}

template <class Answer>
caf::result<Answer> follow_plan(ContainerActor::pointer self, Script::Plan<Answer> plan) {
  if (!plan)
    return self->make_response_promise<Answer>();
  if (!*plan)
    return to_caf(plan->error());
  return std::move(**plan);
}

/// Stands for one container of the script.
inline ContainerActor::behavior_type fake_container(ContainerActor::pointer self, ScriptPtr script,
                                                    std::string id) {
  auto info = [=]() -> caf::result<ContainerInfo> {
    auto i = script->containers.find(id);
    if (i == script->containers.end())
      return to_caf(Error{ec::unknown_container, "container \"" + id + "\"", "gone", {}});
    return i->second;
  };
  return {
      [=](const BeginLaunch&) { return info(); },
      [=](const DescribeContainer&) -> caf::result<ContainerInfo> {
        auto guard = std::lock_guard{script->mutex};
        script->note("describe " + id);
        return info();
      },
      [=](const StopContainer& stop) -> caf::result<ContainerInfo> {
        auto guard = std::lock_guard{script->mutex};
        script->note("stop " + id + " " + std::to_string(stop.grace.count()));
        if (script->stop)
          return follow_plan(self, script->stop(stop));
        auto& container = script->containers[id];
        container.state = ContainerState::exited;
        container.exit = {143, 15, false, now(), "stopped: SIGTERM"};
        return container;
      },
      [=](const SignalContainer& signal) -> caf::result<void> {
        auto guard = std::lock_guard{script->mutex};
        script->note("signal " + id + " " + std::to_string(signal.signal));
        return caf::unit;
      },
      [=](const RemoveContainer& remove) -> caf::result<void> {
        auto guard = std::lock_guard{script->mutex};
        script->note("remove " + id + (remove.force ? " force" : ""));
        if (!remove.force && script->containers[id].state == ContainerState::running)
          return to_caf(
              Error{ec::wrong_state, "container \"" + id + "\"", "it runs", "stop it first"});
        script->containers.erase(id);
        return caf::unit;
      },
      [=](const ReleaseOutput&) {
        {
          auto guard = std::lock_guard{script->mutex};
          script->note("release " + id);
        }
        script->released(id);
      },
      [](const UseNeighbours&) {},
      [](const OomKill&) {},
      [](const MonitorPacket&) {},
      [](const MonitorGone&) {},
      [](const ContainerTimeout&) {},
  };
}

inline NodeActor::behavior_type fake_node(NodeActor::pointer self, ScriptPtr script) {
  self->set_down_handler([=](const caf::down_msg&) {
    auto guard = std::lock_guard{script->mutex};
    script->note("reader gone");
  });
  return {
      [=](const LaunchOrder& order) -> caf::result<ContainerInfo> {
        auto guard = std::lock_guard{script->mutex};
        script->launched.push_back(order.spec);
        script->attached = static_cast<bool>(order.reader);
        if (order.reader)
          self->monitor(caf::actor_cast<caf::actor>(order.reader));
        auto plan = script->launch ? script->launch(order.spec)
                                   : Script::Plan<ContainerInfo>{container_of(order.spec)};
        if (!plan)
          return self->make_response_promise<ContainerInfo>();
        if (!*plan)
          return to_caf(plan->error());
        script->containers[(*plan)->spec.id.value] = **plan;
        return std::move(**plan);
      },
      [=](const FindContainer& find) -> caf::result<ContainerActor> {
        auto guard = std::lock_guard{script->mutex};
        if (script->containers.count(find.id.value) == 0)
          return to_caf(Error{ec::unknown_container, "container \"" + find.id.value + "\"",
                              "there is none", "see ps"});
        return self->spawn(fake_container, script, find.id.value);
      },
      [](const CancelLaunch&) { return false; },
      [](const ExplainLaunch& launch) {
        auto result = Explanation{};
        result.pool = launch.pool;
        result.gpus = launch.gpus;
        result.checkpoint = launch.checkpoint;
        result.asked = launch.limits;
        result.refused = launch.gpus > 7;
        if (result.refused)
          result.error = {ec::override_denied, "pool \"web\"", "no", "ask less"};
        return result;
      },
      [=](const ListContainers& list) {
        auto guard = std::lock_guard{script->mutex};
        auto result = ContainerInfos{};
        for (const auto& [id, info] : script->containers)
          if ((list.all || info.state != ContainerState::exited)
              && (list.pool.value.empty() || list.pool == info.spec.pool))
            result.push_back(info);
        return result;
      },
      [=](const ListPools&) {
        auto guard = std::lock_guard{script->mutex};
        return script->pools;
      },
      [=](const FindPools&) {
        auto guard = std::lock_guard{script->mutex};
        return script->actors;
      },
      [](const ChangePools&) { return PoolActors{}; },
      [](const DrainNode&) { return DrainReport{3, 2}; },
      [](const UndrainNode&) {},
      [](const ContainerSpawned&) {},
      [](const KeepContainer&) {},
      [](const RecallContainer&) { return RecalledContainer{}; },
      [](const KeepPool&) {},
      [](const RecallPools&) { return RecalledPools{}; },
      [](const ContainerRemoved&) {},
      [](const ListActors&) { return OwnedActors{}; },
      [](const RestartDue&) {},
  };
}

/// A node whose configuration never changes, but for what the API says.
inline RevisionActor::behavior_type fake_revisions(RevisionActor::pointer self) {
  guard(self);
  return {
      [](const PlanConfig& order) {
        auto plan = Plan{};
        plan.revision = 1;
        plan.digest = order.files.at(0).text;
        return plan;
      },
      [](const ApplyConfig& order) {
        auto receipt = Receipt{};
        receipt.revision = 2;
        receipt.previous = 1;
        receipt.time = Timestamp{1};
        receipt.origin = order.options.origin;
        receipt.digest = order.files.at(0).text;
        return receipt;
      },
      [](const RollBack& order) -> caf::result<Receipt> {
        return to_caf(Error{ec::bad_request, "revision " + std::to_string(order.revision), "it is not kept", {}});
      },
      [](const ListRevisions&) {
        return RevisionInfos{{1, Timestamp{1}, "start", "sha256:1", {}, true}};
      },
      [](const RestartDue&) {},
  };
}

struct SharingConfig : caf::actor_system_config {
  SharingConfig() {
    set("scheduler.policy", caf::atom("sharing"));
    set("scheduler.max-threads", size_t{2});
    register_messages(*this);
  }
};

/// A real server on a real socket, in front of a real event actor and a fake node. Time is real.
class ApiWorld {
public:
  explicit ApiWorld(std::function<void(HttpServerOptions&)> adjust = {}, uint32_t history = 1000)
      : journal_script{history, {}, {}, {}, {}, {}}, node(sys.spawn(fake_node, script)) {
    auto pool = PoolInfo{};
    pool.name.value = "web";
    pool.state = PoolState::ready;
    script->pools = {pool};
    script->released = [this](const std::string& id) {
      publish("container.removed", id);
    };
    auto options = HttpServerOptions{socket, api()};
    if (adjust)
      adjust(options);
    auto started = HttpServer::start(std::move(options));
    REQUIRE(started);
    server = std::move(*started);
  }

  ~ApiWorld() {
    server.reset();
    caf::anon_send_exit(node, caf::exit_reason::kill);
    caf::anon_send_exit(revisions, caf::exit_reason::kill);
    caf::anon_send_exit(events, caf::exit_reason::kill);
    caf::anon_send_exit(journal, caf::exit_reason::kill);
    caf::anon_send_exit(reload, caf::exit_reason::kill);
    caf::anon_send_exit(self_check, caf::exit_reason::kill);
    sys.await_actors_before_shutdown(false);
  }

  ApiContext api() {
    auto times = [](const PoolName&) {
      return PoolTimes{};
    };
    auto stats = [](const ContainerInfo&) -> Result<ContainerStats> {
      return ContainerStats{};
    };
    return {
        sys, node, revisions, events, {"0.1.0", "host-1", Timestamp{1}, 77}, times, {}, stats, {}, reload, self_check};
  }

  void add(const ContainerInfo& container) {
    auto guard = std::lock_guard{script->mutex};
    script->containers[container.spec.id.value] = container;
  }

  void publish(Event event) const {
    caf::anon_send(journal, std::move(event));
  }

  void publish(const std::string& type, const std::string& container = {},
               const std::string& pool = {}) const {
    auto event = Event{};
    event.type = type;
    event.container.value = container;
    event.pool.value = pool;
    publish(std::move(event));
  }

  /// The container ends, as its actor would tell.
  void end(const std::string& id, int code) {
    {
      auto guard = std::lock_guard{script->mutex};
      auto& container = script->containers.at(id);
      container.state = ContainerState::exited;
      container.pid = 0;
      container.exit = {code, 0, false, now(), "exited with code " + std::to_string(code)};
    }
    auto event = Event{};
    event.type = "container.exited";
    event.container.value = id;
    event.numbers["exitCode"] = code;
    event.texts["reason"] = "exited with code " + std::to_string(code);
    publish(std::move(event));
  }

  HttpAnswer get(const std::string& target) const {
    return http(socket, "GET", target);
  }

  HttpAnswer post(const std::string& target, const std::string& body = {}) const {
    return http(socket, "POST", target, body);
  }

  TempDir dir;
  std::string socket = dir / "berth.sock";
  SharingConfig config;
  caf::actor_system sys{config};
  ScriptPtr script = std::make_shared<Script>();
  JournalScript journal_script;
  JournalActor journal = sys.spawn(memory_journal, &journal_script);
  EventActor events = sys.spawn(event_actor, journal, uint64_t{0}, 8u);
  NodeActor node;
  RevisionActor revisions = sys.spawn(fake_revisions);
  /// What is in the configured file; an error: it cannot be read.
  Result<std::string> configured = "worker: {}";
  ReloadActor reload = sys.spawn(reload_actor, revisions,
                                 ReadConfig{[this] {
                                   return configured.map([](const std::string& text) {
                                     return std::vector<ConfigFile>{{"/etc/berth.yaml", text}};
                                   });
                                 }},
                                 std::make_shared<ServiceManager>());
  SelfCheckActor self_check = sys.spawn(self_check_actor, SelfCheckOrder{node, revisions, events, journal, {}, {}, {}, {}});
  std::unique_ptr<HttpServer> server;
};

/// The `error` of an answer; null if it has none.
inline Json error_in(const HttpAnswer& answer) {
  auto body = Json::parse(answer.body, nullptr, false);
  return body.is_object() && body.contains("error") ? body["error"] : Json{};
}

/// The complete lines of JSON in a text, without the empty ones.
inline std::vector<Json> lines_in(const std::string& text) {
  auto result = std::vector<Json>{};
  for (size_t at = 0; at < text.size();) {
    auto end = text.find('\n', at);
    if (end == std::string::npos)
      break;
    if (end > at)
      result.push_back(Json::parse(text.substr(at, end - at), nullptr, false));
    at = end + 1;
  }
  return result;
}

/// A connection with a stream on it.
class StreamClient {
public:
  StreamClient(const std::string& socket, const std::string& method, const std::string& target,
               const std::string& body = {})
      : connection_(socket) {
    REQUIRE(connection_.is_open());
    REQUIRE(connection_.send(http_request(method, target, body)));
  }

  /// All lines so far, once there are as many, or at the deadline.
  std::vector<Json> lines(size_t count,
                          std::chrono::milliseconds limit = std::chrono::seconds{10}) {
    connection_.read_until(
        [&](std::string_view text) {
          return lines_in(parse_answer(std::string{text}).body).size() >= count;
        },
        limit);
    return lines_in(answer().body);
  }

  HttpAnswer answer() const {
    return parse_answer(connection_.received());
  }

  /// The answer has begun: what happens from now on is seen.
  bool begun() {
    connection_.read_until([](std::string_view text) { return text.find("\r\n\r\n") != text.npos; },
                           std::chrono::seconds{10});
    return answer().status == 200;
  }

  RawConnection& connection() {
    return connection_;
  }

private:
  RawConnection connection_;
};

} // namespace berth::test
