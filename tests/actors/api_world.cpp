#include "tests/actors/api_world.hpp"

#include "actors/event_actor.hpp"
#include "actors/guard.hpp"
#include "actors/reload_actor.hpp"
#include "actors/self_check_actor.hpp"
#include "messages/caf_error.hpp"

#include <caf/send.hpp>
#include <caf/typed_event_based_actor.hpp>

namespace berth::test {

ContainerInfo container_of(const LaunchSpec& spec) {
  auto info = ContainerInfo{};
  info.spec = spec;
  info.runtime_id = "r-" + spec.id.value;
  info.state = ContainerState::running;
  info.pid = 4242;
  info.accepted_at = now();
  info.started_at = now();
  return info;
}

ContainerInfo running_container(const std::string& id, const std::string& pool) {
  auto spec = LaunchSpec{};
  spec.id.value = id;
  spec.pool.value = pool;
  return container_of(spec);
}

namespace {

template <class Answer>
caf::result<Answer> follow_plan(ContainerActor::pointer self, Script::Plan<Answer> plan) {
  if (!plan)
    return self->make_response_promise<Answer>();
  if (!*plan)
    return to_caf(plan->error());
  return std::move(**plan);
}

/// Stands for one container of the script.
ContainerActor::behavior_type fake_container(ContainerActor::pointer self, ScriptPtr script,
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

NodeActor::behavior_type fake_node(NodeActor::pointer self, ScriptPtr script) {
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
RevisionActor::behavior_type fake_revisions(RevisionActor::pointer self) {
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

} // namespace

ApiWorld::ApiWorld(std::function<void(HttpServerOptions&)> adjust, uint32_t history)
    : journal_script{history, {}, {}, {}, {}, {}},
      journal(sys.spawn(memory_journal, &journal_script)),
      events(sys.spawn(event_actor, journal, uint64_t{0}, 8u)),
      node(sys.spawn(fake_node, script)),
      revisions(sys.spawn(fake_revisions)) {
  auto read = [this] {
    return configured.map([](const std::string& text) {
      return std::vector<ConfigFile>{{"/etc/berth.yaml", text}};
    });
  };
  reload = sys.spawn(reload_actor, revisions, ReadConfig{read}, std::make_shared<ServiceManager>());
  self_check = sys.spawn(self_check_actor, SelfCheckOrder{node, revisions, events, journal, {}, {}, {}, {}});
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

ApiWorld::~ApiWorld() {
  server.reset();
  caf::anon_send_exit(node, caf::exit_reason::kill);
  caf::anon_send_exit(revisions, caf::exit_reason::kill);
  caf::anon_send_exit(events, caf::exit_reason::kill);
  caf::anon_send_exit(journal, caf::exit_reason::kill);
  caf::anon_send_exit(reload, caf::exit_reason::kill);
  caf::anon_send_exit(self_check, caf::exit_reason::kill);
  sys.await_actors_before_shutdown(false);
}

ApiContext ApiWorld::api() {
  auto times = [](const PoolName&) {
    return PoolTimes{};
  };
  auto stats = [](const ContainerInfo&) -> Result<ContainerStats> {
    return ContainerStats{};
  };
  return {
      sys, node, revisions, events, {"0.1.0", "host-1", Timestamp{1}, 77}, times, {}, stats, {}, reload, self_check};
}

void ApiWorld::add(const ContainerInfo& container) {
  auto guard = std::lock_guard{script->mutex};
  script->containers[container.spec.id.value] = container;
}

void ApiWorld::publish(Event event) const {
  caf::anon_send(journal, std::move(event));
}

void ApiWorld::publish(const std::string& type, const std::string& container,
                       const std::string& pool) const {
  auto event = Event{};
  event.type = type;
  event.container.value = container;
  event.pool.value = pool;
  publish(std::move(event));
}

void ApiWorld::end(const std::string& id, int code) {
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

Json error_in(const HttpAnswer& answer) {
  auto body = Json::parse(answer.body, nullptr, false);
  return body.is_object() && body.contains("error") ? body["error"] : Json{};
}

std::vector<Json> lines_in(const std::string& text) {
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

StreamClient::StreamClient(const std::string& socket, const std::string& method, const std::string& target,
                           const std::string& body)
    : connection_(socket) {
  REQUIRE(connection_.is_open());
  REQUIRE(connection_.send(http_request(method, target, body)));
}

std::vector<Json> StreamClient::lines(size_t count, std::chrono::milliseconds limit) {
  connection_.read_until(
      [&](std::string_view text) {
        return lines_in(parse_answer(std::string{text}).body).size() >= count;
      },
      limit);
  return lines_in(answer().body);
}

HttpAnswer StreamClient::answer() const {
  return parse_answer(connection_.received());
}

bool StreamClient::begun() {
  connection_.read_until([](std::string_view text) { return text.find("\r\n\r\n") != text.npos; },
                         std::chrono::seconds{10});
  return answer().status == 200;
}

} // namespace berth::test
