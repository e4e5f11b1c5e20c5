#pragma once

#include "apps/berthd/http_server.hpp"
#include "messages/registration.hpp"
#include "tests/support/eventually.hpp"
#include "tests/support/memory_journal.hpp"
#include "tests/support/http.hpp"
#include "tests/support/temp_dir.hpp"

#include <caf/actor_system.hpp>
#include <caf/actor_system_config.hpp>

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

ContainerInfo container_of(const LaunchSpec& spec);

ContainerInfo running_container(const std::string& id, const std::string& pool = "web");

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
  explicit ApiWorld(std::function<void(HttpServerOptions&)> adjust = {}, uint32_t history = 1000);
  ~ApiWorld();

  ApiContext api();

  void add(const ContainerInfo& container);

  void publish(Event event) const;
  void publish(const std::string& type, const std::string& container = {}, const std::string& pool = {}) const;

  /// The container ends, as its actor would tell.
  void end(const std::string& id, int code);

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
  JournalActor journal;
  EventActor events;
  NodeActor node;
  RevisionActor revisions;
  /// What is in the configured file; an error: it cannot be read.
  Result<std::string> configured = "worker: {}";
  ReloadActor reload;
  SelfCheckActor self_check;
  std::unique_ptr<HttpServer> server;
};

/// The `error` of an answer; null if it has none.
Json error_in(const HttpAnswer& answer);

/// The complete lines of JSON in a text, without the empty ones.
std::vector<Json> lines_in(const std::string& text);

/// A connection with a stream on it.
class StreamClient {
public:
  StreamClient(const std::string& socket, const std::string& method, const std::string& target, const std::string& body = {});

  /// All lines so far, once there are as many, or at the deadline.
  std::vector<Json> lines(size_t count, std::chrono::milliseconds limit = std::chrono::seconds{10});

  HttpAnswer answer() const;

  /// The answer has begun: what happens from now on is seen.
  bool begun();

  RawConnection& connection() {
    return connection_;
  }

private:
  RawConnection connection_;
};

} // namespace berth::test
