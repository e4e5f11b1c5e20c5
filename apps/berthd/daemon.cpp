#include "apps/berthd/daemon.hpp"

#include "actors/event_actor.hpp"
#include "actors/journal_actor.hpp"
#include "actors/launcher_actor.hpp"
#include "actors/log.hpp"
#include "actors/node_actor.hpp"
#include "actors/oom_actor.hpp"
#include "actors/pool_actor.hpp"
#include "actors/reload_actor.hpp"
#include "actors/restarts.hpp"
#include "actors/revision_actor.hpp"
#include "actors/runtime_actor.hpp"
#include "actors/self_check_actor.hpp"
#include "actors/trace_actor.hpp"
#include "apps/berthd/http_server.hpp"
#include "apps/berthd/metrics_answer.hpp"
#include "apps/berthd/watch_process.hpp"
#include "apps/berthd/past.hpp"
#include "messages/caf_error.hpp"
#include "messages/registration.hpp"
#include "runtimes/detect_host.hpp"
#include "runtimes/linux/event_flag.hpp"
#include "runtimes/linux/file.hpp"
#include "runtimes/linux/http_post.hpp"
#include "runtimes/linux/lock_file.hpp"
#include "runtimes/linux/wait_any.hpp"
#include "runtimes/launch_monitor.hpp"
#include "runtimes/otlp.hpp"
#include "runtimes/runtime_probe.hpp"

#include <caf/actor_system.hpp>
#include <caf/actor_system_config.hpp>
#include <caf/event_based_actor.hpp>

#include <algorithm>
#include <filesystem>
#include <mutex>
#include <set>
#include <semaphore>

namespace berth {

namespace {

/// Two of them, so that a slow file system below one container does not hold up all others.
constexpr auto launcher_count = 2;
/// Others may look into /run/berth, but not write.
constexpr unsigned run_directory_mode = 0755;
constexpr unsigned state_directory_mode = 0750;
/// Events in memory; readers that want older ones get them from the journal.
constexpr uint32_t event_window = 4096;

struct SystemConfig : caf::actor_system_config {
  explicit SystemConfig(unsigned cpus) {
    // With the default policy "stealing", idle workers poll: 1.4 % of a CPU for nothing, and slower wake-ups.
    set("scheduler.policy", caf::atom("sharing"));
    // Handlers only decide, so few threads carry a large node.
    set("scheduler.max-threads", static_cast<size_t>(std::clamp(cpus, 2u, 4u)));
    // So that an actor with a lot to do lets others have their turn, and is seen to be behind.
    set("scheduler.max-throughput", size_t{256});
    register_messages(*this);
  }
};

Result<void> make_node_directories(const NodePaths& paths) {
  for (const auto& [directory, mode] : {std::pair{paths.run_directory, run_directory_mode},
                                        std::pair{paths.containers(), private_directory_mode},
                                        std::pair{paths.state_directory, state_directory_mode},
                                        std::pair{paths.state_directory + "/logs", state_directory_mode},
                                        std::pair{paths.state_directory + "/layers", private_directory_mode}})
    if (auto made = make_directories(directory, mode); !made)
      return made;
  return {};
}

/// Without it victims have no names, and nothing else is missing.
std::shared_ptr<KernelLog> open_kernel_log() {
  auto result = std::make_shared<KernelLog>(KernelLog::open());
  if (!result->why_unavailable().empty())
    log::warn("kernel log cannot be read, OOM kills are told without the victim's name",
              {{"reason", result->why_unavailable()}});
  return result;
}

/// An OOM with watches of its own: those of one that has died go with the last descriptor that is watched for it.
SpawnOom oom_spawner(caf::actor_system& system, std::shared_ptr<FdMonitor> fds, CgroupVersion version,
                     const ActorWatch& on_spawn) {
  struct Last {
    FdMonitor::Token token = 0;
  };
  return [=, &system, last = std::make_shared<Last>(), log = open_kernel_log()]() -> Result<OomActor> {
    auto opened = OomWatch::open(version);
    if (!opened)
      return failure(opened.error());
    auto watch = std::shared_ptr<OomWatch>{std::move(*opened)};
    auto oom = system.spawn(oom_actor, make_oom_source(watch, log));
    fds->unwatch(last->token);
    auto token = fds->watch(watch->descriptor(), [watch, oom] {
      caf::anon_send(oom, OomStirred{watch->drain()});
      return true;
    });
    if (!token) {
      caf::anon_send_exit(oom, caf::exit_reason::user_shutdown);
      return failure(token.error());
    }
    last->token = *token;
    if (on_spawn)
      on_spawn(ActorKind::oom, caf::actor_cast<caf::actor>(oom));
    return oom;
  };
}

/// Probes that run at once. More of them would make each other late on a node with many pools, and a pool whose probe is late
/// counts as one whose runtime does not work.
class ProbeGate {
public:
  explicit ProbeGate(ptrdiff_t places) : places_(places) {
    // nop
  }

  template <class F>
  auto pass(F&& probe) {
    places_.acquire();
    struct Leave {
      ProbeGate& gate;
      ~Leave() {
        gate.places_.release();
      }
    } leave{*this};
    return probe();
  }

private:
  std::counting_semaphore<> places_;
};

ptrdiff_t probe_places(const HostFacts& facts) {
  return 2 * static_cast<ptrdiff_t>(std::max(facts.cpus, 1u));
}

/// A pool may need both runtimes, and all of them may be in front of a probe.
int64_t probe_rounds(size_t pools, const HostFacts& facts) {
  return 1 + 2 * static_cast<int64_t>(pools) / probe_places(facts);
}

ProbeRuntime probe_of(const NodeContextPtr& node, const std::shared_ptr<ProbeGate>& gate, RuntimeKind kind,
                      const PoolSettings& pool, const NodeSettings& settings) {
  return [=]() -> Result<PreparedRuntime> {
    auto report = gate->pass([&] { return probe_runtime(kind, pool, settings, node->host, *node->fds); });
    if (!report)
      return failure(report.error());
    return PreparedRuntime{std::move(report->profile), report->boot_time};
  };
}

SpawnPool pool_spawner(caf::actor_system& system, const NodeContextPtr& node) {
  auto gate = std::make_shared<ProbeGate>(probe_places(node->host.facts));
  auto spawn_runtime = [=, &system](RuntimeKind kind, const PoolSettings& pool, const NodeSettings& settings,
                                    const std::optional<PreparedRuntime>& known) {
    auto probe = known ? ProbeRuntime{[known = *known]() -> Result<PreparedRuntime> { return known; }}
                       : probe_of(node, gate, kind, pool, settings);
    return system.spawn(runtime_actor, std::move(probe), node->prepare_deadline(settings), kind, pool.name);
  };
  return [=, &system](const NodeActor& parent, PoolSeed seed) {
    auto pool = system.spawn(pool_actor, node, parent, std::move(seed), SpawnRuntime{spawn_runtime});
    if (node->on_spawn)
      node->on_spawn(ActorKind::pool, caf::actor_cast<caf::actor>(pool));
    return pool;
  };
}

/// EX_SOFTWARE of sysexits.h.
constexpr int exit_defect = 70;

/// Ends the process when an actor dies that nobody can start again, because it holds what the others come back by. The service
/// manager starts berthd, and the containers go on.
void end_with(caf::actor_system& system, const std::vector<std::pair<const char*, caf::actor>>& vital) {
  system.spawn([vital](caf::event_based_actor* self) -> caf::behavior {
    for (const auto& [name, actor] : vital)
      self->monitor(actor);
    self->set_down_handler([vital](const caf::down_msg& down) {
      for (const auto& [name, actor] : vital)
        if (actor.address() == down.source && !is_regular_end(down.reason)) {
          log::error("berthd cannot go on without this actor, which died; its containers do",
                     {{"actor", name}, {"error", render(from_caf(down.reason))}, {"next", "start berthd again"}});
          std::_Exit(exit_defect);
        }
    });
    return {[](caf::unit_t) {}};
  });
}

/// The settings that are in effect, for those who ask from any thread.
class CurrentSettings {
public:
  CurrentSettings(NodePaths paths, std::shared_ptr<const Settings> settings) : paths_(std::move(paths)) {
    set(std::move(settings));
  }

  void set(std::shared_ptr<const Settings> settings) {
    auto guard = std::lock_guard{mutex_};
    for (const auto& [name, pool] : settings->pools)
      for (auto kind : {RuntimeKind::runc, RuntimeKind::gvisor})
        roots_.insert(paths_.state_root(kind, pool));
    settings_ = std::move(settings);
  }

  std::shared_ptr<const Settings> get() const {
    auto guard = std::lock_guard{mutex_};
    return settings_;
  }

  /// The state roots of all pools of all settings so far.
  std::set<std::string> roots() const {
    auto guard = std::lock_guard{mutex_};
    return roots_;
  }

private:
  const NodePaths paths_;
  mutable std::mutex mutex_;
  std::shared_ptr<const Settings> settings_; // guarded by mutex_
  std::set<std::string> roots_;              // guarded by mutex_
};

/// What the API has to know of the node.
ApiContext api_context(caf::actor_system& system, const NodeActor& node, const RevisionActor& revisions,
                       const EventActor& events, const NodeContextPtr& context,
                       const std::shared_ptr<CurrentSettings>& current, const std::shared_ptr<const Ledger>& ledger,
                       const ReloadActor& reload, const SelfCheckActor& self_check, const TraceActor& trace) {
  auto http = std::make_shared<const HttpMetrics>(context->metrics->registry());
  auto times = [current](const PoolName& name) {
    auto settings = current->get();
    auto pool = settings->pools.find(name.value);
    auto start = settings->node.start_timeout.value;
    return pool == settings->pools.end() ? PoolTimes{.start = start}
                                         : PoolTimes{pool->second.queue.value.timeout,
                                                     pool->second.termination_grace_period.value, start};
  };
  auto stats = [cgroups = context->host.cgroups](const ContainerInfo& info) {
    return read_container_stats(cgroups->host(), cgroups->container(info.spec.pool, info.runtime_id));
  };
  return {system,
          node,
          revisions,
          events,
          ServerVersion{version, context->host.facts.hostname, now(), own_pid()},
          times,
          context->host.bundle,
          stats,
          ledger,
          reload,
          self_check,
          trace,
          context->metrics,
          std::move(http)};
}

void note(const Result<void>& told) {
  if (!told)
    log::warn("service manager was not told", {{"error", render(told.error())}});
}

SelfCheckOrder self_check_order(const NodeActor& node, const RevisionActor& revisions, const JournalActor& journal, const EventActor& events,
                                const NodeContextPtr& context, const std::shared_ptr<ServiceManager>& service) {
  auto watchdog = std::chrono::duration_cast<std::chrono::milliseconds>(service->watchdog());
  return {node,
          revisions,
          events,
          journal,
          context->launchers,
          watchdog,
          [=] { note(service->feed_watchdog()); },
          [=](const std::string& status) { note(service->tell(status)); }};
}

/// What the JOURNAL of this node works with.
JournalOrder journal_order(const Past& past, const NodePaths& paths, const NodeSettings& settings, const NodeMetricsPtr& metrics) {
  auto order = JournalOrder{};
  order.journal = past.journal;
  order.reopen = [directory = paths.state_directory] { return Journal::open(directory); };
  for (const auto& pool : past.begin.pools)
    order.containers.insert(order.containers.end(), pool.containers.begin(), pool.containers.end());
  order.last_event = past.last_event;
  order.boot_id = past.host.facts.boot_id;
  order.limits.events = settings.event_history.value;
  order.limits.event_age = settings.event_max_age.value;
  order.metrics = metrics;
  return order;
}

/// Address of a collector's traces.
std::string traces_of(const std::string& collector) {
  auto base = collector;
  while (base.ends_with('/'))
    base.pop_back();
  return base.ends_with("/v1/traces") ? base : base + "/v1/traces";
}

TraceActor spawn_trace(caf::actor_system& system, const TracingSettings& settings, const std::string& node) {
  auto order = TraceOrder{};
  order.recorder = &trace_recorder();
  order.mode = settings.mode.value;
  order.max_spans = settings.max_spans.value;
  order.max_age = settings.max_age.value;
  order.max_rate = settings.max_rate.value;
  if (const auto& collector = settings.otlp.value; !collector.empty()) {
    order.collector = traces_of(collector);
    auto hand_over = [url = order.collector, node](const std::vector<SpanInfo>& spans) {
      return http_post(url, "application/json", to_otlp(spans, {"berthd", version, node}), export_deadline);
    };
    order.exporter = system.spawn<caf::detached>(exporter_actor, std::function<Result<void>(const std::vector<SpanInfo>&)>{hand_over});
  }
  // To look through all spans takes a while, and workers are few.
  return system.spawn<caf::detached>(trace_actor, std::move(order));
}

void publish(const JournalActor& journal, const char* type) {
  auto event = Event{};
  event.type = type;
  event.texts["version"] = version;
  caf::anon_send(journal, std::move(event));
}

void publish_ledger(const JournalActor& journal, const Ledger& ledger) {
  auto event = Event{};
  event.type = "node.reconciled";
  event.numbers["tookUs"] = ledger.took.count() / 1000;
  for (auto verdict : {Verdict::adopted, Verdict::finished, Verdict::orphan, Verdict::foreign})
    event.numbers[to_string(verdict)] = static_cast<int64_t>(
      verdict == Verdict::orphan || verdict == Verdict::foreign ? count(ledger, verdict)
                                                                : count(ledger, LedgerKind::container, verdict));
  for (const auto& note : ledger.notes)
    event.texts["notes"] += (event.texts["notes"].empty() ? "" : "; ") + note;
  caf::anon_send(journal, std::move(event));
}

} // namespace

/// In the order in which they are made; they go in the opposite one.
struct Daemon::Parts {
  UniqueFd lock;
  LaunchHost host;
  std::shared_ptr<CurrentSettings> settings;
  std::shared_ptr<FdMonitor> fds;
  std::unique_ptr<SystemConfig> config;
  std::unique_ptr<caf::actor_system> system;
  NodeActor node;
  RevisionActor revisions;
  JournalActor journal;
  EventActor events;
  ReloadActor reload;
  std::shared_ptr<ServiceManager> service;
  std::unique_ptr<HttpServer> server;
  /// Of metrics, over TCP; null if that is off.
  std::unique_ptr<HttpServer> scrapes;
};

namespace {

/// State roots may be outside our own directories (`gvisorRoot`); those that no container uses any more go.
void remove_empty_roots(const std::set<std::string>& roots) {
  auto ignored = std::error_code{};
  for (const auto& root : roots) {
    // Never more than the two levels that are ours, and never one that holds something.
    std::filesystem::remove(root, ignored);
    std::filesystem::remove(std::filesystem::path{root}.parent_path(), ignored);
  }
}

} // namespace

void configure_log(const NodeSettings& settings, std::optional<LogLevel> level) {
  log::configure(settings.log_format.value, level ? LogLevels{*level, {}} : settings.levels_of_log());
}

Daemon::Daemon(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {
  // nop
}

Daemon::~Daemon() = default;

Result<std::unique_ptr<Daemon>> Daemon::start(DaemonOptions options) {
  auto paths = node_paths(options.root);
  auto parts = std::make_unique<Parts>();
  if (auto made = make_node_directories(paths); !made)
    return failure(made.error());
  auto lock = take_lock(paths.state_directory + "/berthd.lock");
  if (!lock)
    return failure(lock.error());
  parts->lock = std::move(*lock);
  auto past = take_over_node(paths, options, [&](const Settings& in_effect) {
    return detect_launch_host(paths, in_effect.node.logs.value, options.monitor_binary);
  });
  if (!past)
    return failure(past.error());
  auto& begin = past->begin;
  configure_log(begin.settings->node, options.log_level);
  log::set_context_source(log_context_of_actor);
  const auto& settings = *begin.settings;
  auto host = &past->host;
  parts->host = *host;
  parts->settings = std::make_shared<CurrentSettings>(paths, begin.settings);
  if (auto made = make_canary_root(*host); !made)
    return failure(made.error());
  auto fds = FdMonitor::start();
  if (!fds)
    return failure(fds.error());
  parts->fds = std::move(*fds);
  parts->config = std::make_unique<SystemConfig>(host->facts.cpus);
  parts->system = std::make_unique<caf::actor_system>(*parts->config);
  auto& system = *parts->system;
  auto trace = spawn_trace(system, settings.node.tracing, host->facts.hostname);
  auto context = std::make_shared<NodeContext>();
  context->host = *host;
  context->settings = settings.node;
  context->fds = parts->fds;
  context->probe_rounds = probe_rounds(settings.pools.size(), host->facts);
  context->journal = system.spawn<caf::detached>(journal_actor, journal_order(*past, paths, settings.node, context->metrics));
  context->restart_limits = options.restart_limits;
  context->on_spawn = options.on_spawn;
  // From here on there are actors, and the destructor of their system would wait for all of them: after a failure the process
  // is of no use, and ends with them.
  auto give_up = [&](Error error) {
    (void) parts.release();
    return failure(std::move(error));
  };
  for (auto i = 0; i < launcher_count; ++i)
    context->launchers.push_back(system.spawn<caf::detached>(launcher_actor, *host, parts->fds));
  parts->journal = context->journal;
  parts->events = system.spawn(event_actor, context->journal, past->last_event,
                               std::min(settings.node.event_history.value, event_window));
  publish(parts->journal, "node.started");
  publish_ledger(parts->journal, *past->ledger);
  auto spawn_pool = SpawnPool{pool_spawner(system, context)};
  auto spawn_oom = oom_spawner(system, parts->fds, host->cgroups->host().version, context->on_spawn);
  parts->node = system.spawn(
    node_actor, NodeOrder{begin.settings, std::move(begin.pools), begin.last_ticket,
                          past->meta[meta_drained] == "true", spawn_pool, spawn_oom, parts->journal,
                          std::move(past->foreign), context->restart_limits, context->metrics});
  auto revision_context = RevisionContext{parts->node, parts->journal, spawn_pool,
                                          [current = parts->settings, level = options.log_level, trace](const std::shared_ptr<const Settings>& next) {
                                            // What was changed by hand meanwhile stays, unless the configuration has another word.
                                            auto mode = next->node.tracing.mode.value;
                                            if (mode != current->get()->node.tracing.mode.value)
                                              caf::anon_send(trace, SetTracing{mode});
                                            current->set(next);
                                            configure_log(next->node, level);
                                          },
                                          context->metrics};
  parts->revisions = system.spawn(revision_actor, std::move(revision_context), std::move(begin.revisions),
                                  std::move(begin.last_generations));
  parts->service = options.service ? options.service : std::make_shared<ServiceManager>();
  parts->reload = system.spawn(reload_actor, parts->revisions, options.read_config, parts->service);
  auto self_check = system.spawn(self_check_actor, self_check_order(parts->node, parts->revisions, parts->journal, parts->events, context,
                                                                  parts->service));
  auto vital = std::vector<std::pair<const char*, caf::actor>>{
    {"reload", caf::actor_cast<caf::actor>(parts->reload)},
    {"self-check", caf::actor_cast<caf::actor>(self_check)},
    {"node", caf::actor_cast<caf::actor>(parts->node)},
    {"revision", caf::actor_cast<caf::actor>(parts->revisions)},
    {"journal", caf::actor_cast<caf::actor>(parts->journal)},
    {"event", caf::actor_cast<caf::actor>(parts->events)}};
  for (const auto& launcher : context->launchers)
    vital.emplace_back("launcher", caf::actor_cast<caf::actor>(launcher));
  end_with(system, vital);
  watch_process(context->metrics->registry(), paths);
  watch_actors(context->metrics->registry());
  auto api = api_context(system, parts->node, parts->revisions, parts->events, context, parts->settings, past->ledger, parts->reload,
                         self_check, trace);
  if (const auto& listen = settings.node.metrics_listen.value; !listen.empty()) {
    auto scrapes = serve_metrics(listen, api);
    if (!scrapes)
      return give_up(scrapes.error());
    parts->scrapes = std::move(*scrapes);
  }
  auto server = HttpServer::start({.socket_path = paths.socket, .api = api, .socket_group = options.socket_group});
  if (!server)
    return give_up(server.error());
  parts->server = std::move(*server);
  log::info("berthd serves", {{"socket", paths.socket},
                              {"version", version},
                              {"pools", std::to_string(settings.pools.size())},
                              {"cgroups", to_string(host->cgroups->host().version)}});
  note(parts->service->ready("Serves its API at " + paths.socket + ", pools: " + std::to_string(settings.pools.size())));
  return std::unique_ptr<Daemon>{new Daemon{std::move(parts)}};
}

void Daemon::reload(const std::string& origin) {
  caf::anon_send(parts_->reload, Reload{{.origin = origin}});
}

void Daemon::stop_containers(const UniqueFd& interrupt) {
  auto done = EventFlag::make();
  if (!done)
    return log::error("containers cannot be stopped, they go on", {{"error", render(done.error())}});
  auto flag = std::make_shared<const EventFlag>(std::move(*done));
  parts_->system->spawn([node = parts_->node, flag](caf::event_based_actor* self) {
    self->request(node, drain_limit, DrainNode{std::chrono::milliseconds{0}, false})
      .then([flag](const DrainReport&) { flag->raise(); }, [flag](caf::error&) { flag->raise(); });
  });
  wait_any({{&flag->fd()}, {&interrupt}}, wait_forever);
}

void Daemon::stop() {
  note(parts_->service->stopping("Stops; its containers go on"));
  publish(parts_->journal, "node.stopping");
  parts_->server->stop();
  if (parts_->scrapes)
    parts_->scrapes->stop();
  // What has happened is recorded before the process ends.
  if (auto written = EventFlag::make()) {
    auto flag = std::make_shared<const EventFlag>(std::move(*written));
    parts_->system->spawn([journal = parts_->journal, flag](caf::event_based_actor* self) {
      self->request(journal, journal_deadline, RecordRevision{})
        .then([flag] { flag->raise(); }, [flag](caf::error&) { flag->raise(); });
    });
    wait_any({{&flag->fd()}}, journal_deadline);
  }
  parts_->host.cgroups->remove_all();
  remove_empty_roots(parts_->settings->roots());
  log::info("berthd stopped; its containers go on");
}

} // namespace berth
