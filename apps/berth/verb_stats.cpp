#include "apps/berth/exit_codes.hpp"
#include "apps/berth/format.hpp"
#include "apps/berth/listing.hpp"
#include "apps/berth/session.hpp"
#include "apps/berth/table.hpp"
#include "apps/berth/verb_parser.hpp"
#include "apps/berth/views.hpp"

#include <CLI/CLI.hpp>

#include <algorithm>
#include <map>
#include <thread>

namespace berth::cli {

namespace {

constexpr auto footer = R"~(Examples:
  berth stats
  berth stats -f web-1
  berth stats -o json | jq -r '.[] | [.id, .memory.current] | @tsv'

Without ids: all that run. With -f CPU is a share of one CPU over the last second, else the time used
since the start. `-f -o json` prints one JSON object a line.)~";

constexpr auto refresh_interval = std::chrono::seconds{1};

using Samples = std::vector<StatsView>;

std::string of_limit(const std::string& value, uint64_t limit, const std::string& limit_text) {
  return limit == 0 ? value : value + " / " + limit_text;
}

/// Percent of one CPU between two samples; empty without an earlier one.
std::string cpu_share(const StatsView& now, const StatsView* before) {
  if (before == nullptr || now.time.ns <= before->time.ns || now.cpu_ns < before->cpu_ns)
    return {};
  return format_percent(static_cast<double>(now.cpu_ns - before->cpu_ns),
                        static_cast<double>(now.time.ns - before->time.ns));
}

std::string to_table(const Samples& samples, const std::map<std::string, StatsView>* earlier, bool in_colour) {
  auto table = Table{{{"ID"},
                      {"POOL"},
                      {"RUNTIME"},
                      {"MEMORY", true},
                      {"MEM %", true},
                      {"PEAK", true},
                      {earlier == nullptr ? "CPU TIME" : "CPU %", true},
                      {"PIDS", true},
                      {"OOM KILLS", true}}};
  for (auto& sample : samples) {
    auto cpu = format_span(std::chrono::nanoseconds{sample.cpu_ns});
    if (earlier != nullptr) {
      auto before = earlier->find(sample.id);
      cpu = cpu_share(sample, before == earlier->end() ? nullptr : &before->second);
    }
    table.add({{sample.id},
               {sample.pool},
               {sample.runtime},
               {of_limit(format_size(sample.memory), sample.memory_limit, format_size(sample.memory_limit))},
               {format_percent(static_cast<double>(sample.memory), static_cast<double>(sample.memory_limit))},
               {sample.memory_peak == 0 ? "" : format_size(sample.memory_peak)},
               {cpu},
               {of_limit(std::to_string(sample.pids), sample.pids_limit, std::to_string(sample.pids_limit))},
               {std::to_string(sample.oom_kills), sample.oom_kills > 0 ? Tone::bad : Tone::plain}});
  }
  return table.render(in_colour);
}

Answer<StatsView> sample(const Session& session, const std::string& id) {
  auto answer = session.client.get(Target::container(id, "stats"));
  if (!answer)
    return tl::unexpected{answer.error()};
  return read_stats(*answer);
}

bool has_ended(const Failure& failure) {
  return failure.code == "unknown_container" || failure.code == "wrong_state";
}

/// One sample of all that run.
Answer<Samples> sample_running(const Session& session) {
  auto containers = list_containers(session.client, false);
  if (!containers)
    return tl::unexpected{containers.error()};
  auto result = Samples{};
  for (auto& container : *containers) {
    auto stats = sample(session, container.id);
    if (stats)
      result.push_back(std::move(*stats));
    else if (!has_ended(stats.error()))
      return tl::unexpected{stats.error()};
  }
  return result;
}

/// One sample of those that were named. What has ended is told and dropped from `ids`.
Answer<Samples> sample_named(const Session& session, std::vector<std::string>& ids) {
  auto result = Samples{};
  auto alive = std::vector<std::string>{};
  for (auto& id : ids) {
    auto stats = sample(session, id);
    if (stats) {
      alive.push_back(id);
      result.push_back(std::move(*stats));
    } else if (has_ended(stats.error())) {
      report(session, stats.error());
    } else {
      return tl::unexpected{stats.error()};
    }
  }
  ids = std::move(alive);
  return result;
}

void print_once(const Session& session, const Samples& samples, bool single, bool json) {
  if (!json) {
    session.out.write(to_table(samples, nullptr, session.out.in_colour()));
    return;
  }
  auto texts = std::vector<std::string>{};
  for (auto& sample : samples)
    texts.push_back(sample.json);
  if (!single)
    session.out.write(pretty_list(texts));
  else if (!texts.empty())
    session.out.write(pretty(texts.front()));
}

void print_again(const Session& session, const Samples& samples, const std::map<std::string, StatsView>& earlier,
                 bool json) {
  if (json) {
    for (auto& sample : samples)
      session.out.write(sample.json + "\n");
    return;
  }
  // On a terminal the table stays in place; elsewhere an empty line sets the tables apart.
  auto before = session.out.is_terminal() ? "\x1b[H\x1b[J" : earlier.empty() ? "" : "\n";
  session.out.write(before + to_table(samples, &earlier, session.out.in_colour()));
}

int follow(const Session& session, std::vector<std::string> ids, bool json) {
  auto all = ids.empty();
  auto code = success;
  auto earlier = std::map<std::string, StatsView>{};
  for (auto is_first = true;; is_first = false) {
    auto count = ids.size();
    auto samples = all ? sample_running(session) : sample_named(session, ids);
    if (!samples)
      return report(session, samples.error());
    // A container that ends while it is watched is no failure; one that could not be watched at all is.
    if (is_first && ids.size() < count)
      code = verb_failed;
    if (!all && ids.empty())
      return code;
    print_again(session, *samples, earlier, json);
    if (!session.out.flush())
      return code;
    earlier.clear();
    for (auto& sample : *samples)
      earlier[sample.id] = sample;
    std::this_thread::sleep_for(refresh_interval);
  }
}

} // namespace

VerbParser stats_parser() {
  auto options = std::make_shared<StatsOptions>();
  return {"stats",
          "Show what containers use",
          "berth stats [-f] [ID...]",
          footer,
          group_watching,
          false,
          [options](CLI::App& app) {
            add_ids(app, options->ids);
            app.add_flag("-f,--follow", options->follow, "Again every second");
            add_format(app, options->json, "table");
          },
          [options](auto, auto&) {
            options->ids = checked_ids(options->ids);
            return *options;
          }};
}

int perform(const Session& session, const StatsOptions& options) {
  if (options.follow)
    return follow(session, options.ids, options.json);
  auto ids = options.ids;
  auto samples = ids.empty() ? sample_running(session) : sample_named(session, ids);
  if (!samples)
    return report(session, samples.error());
  print_once(session, *samples, options.ids.size() == 1, options.json);
  return ids.size() < options.ids.size() ? verb_failed : success;
}

} // namespace berth::cli
