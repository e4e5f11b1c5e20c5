#include "apps/berth/exit_codes.hpp"
#include "apps/berth/session.hpp"
#include "apps/berth/table.hpp"
#include "apps/berth/verb_parser.hpp"
#include "apps/berth/views.hpp"

#include <CLI/CLI.hpp>

namespace berth::cli {

namespace {

constexpr auto footer = R"~(Examples:
  berth pools
  berth pools sandbox -o json
  berth pools -o json | jq -r '.[] | select(.state != "ready") | "\(.name): \(.reason)"'

"gvisor -> runc" is a pool that is configured for gvisor and serves with runc for the reason given. GEN
is the generation of the pool's settings; DRAINING lists older ones with their containers. RESTARTS counts
actors of the pool that have died and were started again; containers do not notice. More than a few in a
row are a defect of Berth: the pool rests between them ("restarting"), and REASON says why.)~";

Tone tone_of(const std::string& state) {
  if (state == "ready")
    return Tone::good;
  return state == "unavailable" || state == "restarting" ? Tone::bad : Tone::warning;
}

std::string describe_runtime(const PoolView& pool) {
  if (pool.effective_runtime.empty() || pool.effective_runtime == pool.configured_runtime)
    return pool.configured_runtime;
  return pool.configured_runtime + " -> " + pool.effective_runtime;
}

std::string count_of(uint64_t count, uint64_t limit) {
  return std::to_string(count) + (limit == 0 ? "" : "/" + std::to_string(limit));
}

std::string to_table(const std::vector<PoolView>& pools, bool in_colour) {
  auto table = Table{{{"NAME"},
                      {"STATE"},
                      {"GEN", true},
                      {"RUNTIME"},
                      {"VERSION"},
                      {"PLATFORM"},
                      {"RUNNING", true},
                      {"STARTING", true},
                      {"QUEUED", true},
                      {"RESTARTS", true},
                      {"DRAINING"},
                      {"REASON"}}};
  for (auto& pool : pools)
    table.add({{pool.name},
               {pool.state, tone_of(pool.state)},
               {std::to_string(pool.generation)},
               {describe_runtime(pool)},
               {pool.version},
               {pool.platform},
               {count_of(pool.running, pool.max_containers)},
               {std::to_string(pool.starting)},
               {count_of(pool.queued, pool.queue_length)},
               {std::to_string(pool.restarts)},
               {pool.draining},
               {pool.reason}});
  return table.render(in_colour);
}

Answer<std::vector<PoolView>> read(const std::string& json, bool single) {
  if (!single)
    return read_pools(json);
  auto pool = read_pool(json);
  if (!pool)
    return tl::unexpected{pool.error()};
  return std::vector<PoolView>{std::move(*pool)};
}

} // namespace

VerbParser pools_parser() {
  auto options = std::make_shared<PoolsOptions>();
  return {"pools",
          "Show the pools and the runtimes they serve with",
          "berth pools [NAME]",
          footer,
          group_node,
          false,
          [options](CLI::App& app) {
            app.add_option("NAME", options->name, "Only this pool");
            add_format(app, options->json, "table");
          },
          [options](auto, auto&) { return *options; }};
}

int perform(const Session& session, const PoolsOptions& options) {
  auto single = !options.name.empty();
  auto target = single ? "/v1/pools/" + encode_component(options.name) : std::string{"/v1/pools"};
  auto answer = session.client.get(Target{target});
  if (!answer)
    return report(session, answer.error());
  auto pools = read(*answer, single);
  if (!pools)
    return report(session, pools.error());
  session.out.write(options.json ? pretty(*answer) : to_table(*pools, session.out.in_colour()));
  return success;
}

} // namespace berth::cli
