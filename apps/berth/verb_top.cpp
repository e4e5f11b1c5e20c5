#include "apps/berth/actor_view.hpp"
#include "apps/berth/exit_codes.hpp"
#include "apps/berth/format.hpp"
#include "apps/berth/session.hpp"
#include "apps/berth/table.hpp"
#include "apps/berth/verb_parser.hpp"
#include "apps/berth/views.hpp"
#include "config/quantity.hpp"
#include "config/spelling.hpp"

#include <CLI/CLI.hpp>

#include <map>
#include <thread>

namespace berth::cli {

namespace {

constexpr auto footer = R"~(Examples:
  berth top
  berth top -d 5s
  berth top -n 1 > now.txt        # one look, for a file
  berth top -n 2 -o json | tail -n 1 | jq .actors[0]

Pools, the containers that run (newest first) and the busiest actors, again every two seconds; Ctrl-C ends it. Numbers of
the first look are since the start of berthd; then CPU, RATE (messages a second) and LOAD are of the time in between.)~";

/// What fits on a terminal.
constexpr size_t most_containers = 15;
constexpr size_t most_actors = 12;

/// One look at the node.
struct Look {
  std::chrono::steady_clock::time_point at;
  std::string pools_json;
  std::string actors_json;
  std::vector<PoolView> pools;
  std::vector<ContainerView> containers;
  std::map<std::string, StatsView> stats;
  std::vector<ActorView> actors;
};

Answer<Look> look(const Session& session) {
  auto result = Look{};
  result.at = std::chrono::steady_clock::now();
  auto pools = session.client.get(Target{"/v1/pools"});
  auto containers = session.client.get(Target{"/v1/containers"});
  auto actors = session.client.get(Target{"/v1/actors"});
  for (auto* answer : {&pools, &containers, &actors})
    if (!*answer)
      return tl::unexpected{answer->error()};
  auto pool_views = read_pools(*pools);
  auto container_views = read_containers(*containers);
  auto actor_views = read_actors(*actors);
  if (!pool_views)
    return tl::unexpected{pool_views.error()};
  if (!container_views)
    return tl::unexpected{container_views.error()};
  if (!actor_views)
    return tl::unexpected{actor_views.error()};
  result.pools_json = std::move(*pools);
  result.actors_json = std::move(*actors);
  result.pools = std::move(*pool_views);
  result.containers = {container_views->rbegin(), container_views->rend()};
  result.actors = std::move(*actor_views);
  for (size_t i = 0; i < std::min(result.containers.size(), most_containers); ++i) {
    const auto& id = result.containers[i].id;
    // One that has ended meanwhile uses nothing.
    if (auto answer = session.client.get(Target::container(id, "stats")))
      if (auto stats = read_stats(*answer))
        result.stats[id] = std::move(*stats);
  }
  return result;
}

std::string pool_table(const Look& now, bool in_colour) {
  auto table = Table{{{"POOL"}, {"STATE"}, {"RUNTIME"}, {"GEN", true}, {"RUNNING", true}, {"STARTING", true}, {"QUEUED", true}, {"RESTARTS", true}}};
  for (const auto& pool : now.pools)
    table.add({{pool.name},
               {pool.state, pool.state == "ready" ? Tone::good : Tone::warning},
               {pool.effective_runtime},
               {std::to_string(pool.generation)},
               {std::to_string(pool.running)},
               {std::to_string(pool.starting)},
               {std::to_string(pool.queued)},
               {std::to_string(pool.restarts)}});
  return table.render(in_colour);
}

std::string cpu_of(const StatsView& now, const Look* before, const std::string& id) {
  if (before == nullptr)
    return {};
  auto was = before->stats.find(id);
  if (was == before->stats.end())
    return {};
  auto time = static_cast<double>(now.time.ns - was->second.time.ns);
  return format_percent(static_cast<double>(now.cpu_ns - std::min(now.cpu_ns, was->second.cpu_ns)), time);
}

std::string container_table(const Look& now, const Look* before, bool in_colour) {
  auto table = Table{{{"CONTAINER"}, {"POOL"}, {"RUNTIME"}, {"STATE"}, {"STARTED"}, {"CPU", true}, {"MEMORY", true}}};
  auto time = berth::now();
  for (size_t i = 0; i < std::min(now.containers.size(), most_containers); ++i) {
    const auto& container = now.containers[i];
    auto stats = now.stats.find(container.id);
    auto has_stats = stats != now.stats.end();
    table.add({{container.id},
               {container.pool},
               {describe_runtime(container)},
               {describe_state(container)},
               {format_age(container.started_at, time)},
               {has_stats ? cpu_of(stats->second, before, container.id) : ""},
               {has_stats ? format_size(stats->second.memory) : ""}});
  }
  auto text = table.render(in_colour);
  if (now.containers.size() > most_containers)
    text += "and " + std::to_string(now.containers.size() - most_containers) + " more\n";
  return text;
}

std::string busiest_table(const Look& now, const Look* before, bool in_colour) {
  auto list = before != nullptr ? paces(before->actors, now.actors, now.at - before->at)
                                : paces({}, now.actors, std::chrono::seconds{1});
  auto table = Table{{{"ACTOR", true}, {"KIND"}, {"POOL"}, {"CONTAINER"}, {"STATE"}, {"MAILBOX", true}, {"HANDLED", true}, {"RATE", true}, {"LOAD", true}}};
  for (size_t i = 0; i < std::min(list.size(), most_actors); ++i) {
    const auto& pace = list[i];
    table.add({{std::to_string(pace.now.number)},
               {pace.now.kind},
               {pace.now.pool},
               {pace.now.container},
               {pace.now.state},
               {std::to_string(pace.now.mailbox), pace.now.mailbox > 1 ? Tone::warning : Tone::plain},
               {std::to_string(pace.now.handled)},
               {before != nullptr ? std::to_string(static_cast<uint64_t>(pace.rate)) : ""},
               {before != nullptr ? format_percent(pace.load, 1) : ""}});
  }
  return table.render(in_colour);
}

std::string screen(const Look& now, const Look* before, bool in_colour) {
  auto text = std::to_string(now.containers.size()) + " containers in " + std::to_string(now.pools.size()) + " pools, "
              + std::to_string(now.actors.size()) + " actors\n\n";
  text += pool_table(now, in_colour) + "\n";
  if (!now.containers.empty())
    text += container_table(now, before, in_colour) + "\n";
  return text + busiest_table(now, before, in_colour);
}

std::string as_json(const Look& now) {
  auto containers = std::vector<std::string>{};
  for (const auto& container : now.containers)
    containers.push_back(container.json);
  return one_line_object({{"pools", now.pools_json}, {"containers", pretty_list(containers)}, {"actors", now.actors_json}});
}

} // namespace

VerbParser top_parser() {
  struct Flags {
    TopOptions options;
    std::string count;
    std::string delay;
  };
  auto flags = std::make_shared<Flags>();
  return {"top",
          "Watch pools, containers and actors",
          "berth top [-d DURATION] [-n N]",
          footer,
          group_watching,
          false,
          [flags](CLI::App& app) {
            app.add_option("-d,--delay", flags->delay, "Time between two looks; 2s unless given")->type_name("DURATION");
            app.add_option("-n,--count", flags->count, "End after so many looks")->type_name("N");
            add_format(app, flags->options.json, "table");
          },
          [flags](auto, auto&) {
            auto options = flags->options;
            if (!flags->count.empty())
              options.count = checked_count(flags->count, "--count");
            if (!flags->delay.empty()) {
              auto delay = parse_duration(flags->delay);
              if (!delay)
                throw UsageError{"--delay " + in_quotes(flags->delay) + ": " + delay.error().reason + "; "
                                 + delay.error().next};
              options.delay = std::max(*delay, std::chrono::milliseconds{100});
            }
            return options;
          }};
}

int perform(const Session& session, const TopOptions& options) {
  auto before = std::optional<Look>{};
  for (uint64_t i = 0; options.count == 0 || i < options.count; ++i) {
    if (i > 0)
      std::this_thread::sleep_for(options.delay);
    auto now = look(session);
    if (!now)
      return report(session, now.error());
    if (options.json) {
      session.out.write(as_json(*now) + "\n");
    } else {
      // On a terminal it stays in place; elsewhere an empty line sets the looks apart.
      session.out.write(session.out.is_terminal() && options.count != 1 ? "\x1b[H\x1b[J" : i > 0 ? "\n" : "");
      session.out.write(screen(*now, before ? &*before : nullptr, session.out.in_colour()));
    }
    if (!session.out.flush())
      return success;
    before = std::move(*now);
  }
  return success;
}

} // namespace berth::cli
