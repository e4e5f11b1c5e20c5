#include "actors/node_metrics.hpp"

#include "actors/policy/launch_outcome.hpp"

namespace berth {

namespace {

/// As a label, where a launch was refused before it had a runtime.
std::string name_of(std::optional<RuntimeKind> runtime) {
  return runtime ? to_string(*runtime) : "none";
}

} // namespace

const char* to_string(LaunchPhase phase) {
  switch (phase) {
    case LaunchPhase::queue: return "queue";
    case LaunchPhase::select: return "select";
    case LaunchPhase::slot: return "slot";
    case LaunchPhase::record: return "record";
    case LaunchPhase::prepare: return "prepare";
    case LaunchPhase::create: return "create";
    case LaunchPhase::watch: return "watch";
    case LaunchPhase::start: return "start";
  }
  return "start";
}

NodeMetrics::NodeMetrics()
  : changes_(registry_.counters("berth_config_changes_total", "Changes of the configuration by their outcome.", {"outcome"})),
    changes_committed(changes_.with({"committed"})),
    changes_aborted(changes_.with({"aborted"})),
    changes_without_difference(changes_.with({"no_change"})),
    change_prepare(registry_
                     .histograms("berth_config_change_prepare_duration_seconds",
                                 "Preparation of a change: new runtimes are tried out beside those that serve.", {},
                                 metrics::long_bounds())
                     .with({})),
    change_commit(registry_
                    .histograms("berth_config_change_commit_duration_seconds",
                                "Commit of a change: from its record to the answer of the last pool.", {},
                                metrics::long_bounds())
                    .with({})),
    pool_changes(registry_.counters("berth_pool_changes_total", "Pools that committed changes have added, removed or changed.",
                                    {"pool", "kind"})),
    journal_commits(registry_.counters("berth_journal_commits_total", "Transactions that were written to the journal.").with({})),
    journal_failures(
      registry_.counters("berth_journal_failures_total", "Transactions that could not be written to the journal.").with({})),
    journal_events(registry_.counters("berth_journal_events_total", "Events that were recorded.").with({})),
    journal_lost_events(
      registry_.counters("berth_journal_lost_events_total", "Events that were dropped while the journal could not be written.")
        .with({})),
    journal_commit(registry_
                     .histograms("berth_journal_commit_duration_seconds", "Time of a transaction of the journal.", {},
                                 metrics::short_bounds())
                     .with({})),
    journal_waiting(
      registry_.gauges("berth_journal_waiting_rows", "Rows that wait to be written to the journal.").with({})),
    launches_(registry_.counters("berth_launches_total",
                                 "Launches by outcome: ran, refused, failed, cancelled; with the code of the error.",
                                 {"pool", "runtime", "outcome", "code"})),
    launch_total_(registry_.histograms("berth_launch_duration_seconds",
                                       "Time of launches that ran, from the request to the answer.", {"pool", "runtime"},
                                       metrics::long_bounds())),
    launch_phases_(registry_.histograms("berth_launch_phase_duration_seconds", "Time of the phases of a launch.",
                                        {"pool", "runtime", "phase"}, metrics::long_bounds())),
    oom_kills_(registry_.counters("berth_oom_kills_total", "Processes that the kernel killed at the memory limit of a container.",
                                  {"pool", "runtime", "scope"})),
    overrides_(registry_.counters("berth_runtime_overrides_total",
                                  "Launches that got another runtime than that of their pool, by what they need.",
                                  {"pool", "reason"})),
    fallbacks_(registry_.counters("berth_runtime_fallbacks_total",
                                  "Launches that got runc because the runtime of their pool does not work, by the code of the error.",
                                  {"pool", "reason"})),
    restarts_(registry_.counters("berth_actor_restarts_total", "Actors that died and were started again.", {"kind"})) {
  // Those that can die are there from the beginning, so that the first death is an increase.
  for (auto kind : {ActorKind::pool, ActorKind::selector, ActorKind::runtime, ActorKind::container, ActorKind::oom})
    restarts_.with({to_string(kind)});
}

const LaunchMetrics& NodeMetrics::launches(const PoolName& pool, RuntimeKind runtime) {
  auto guard = std::lock_guard{mutex_};
  auto [entry, is_new] = by_pool_.try_emplace({pool, runtime});
  if (!is_new)
    return entry->second;
  auto kind = std::string{to_string(runtime)};
  for (auto i = size_t{0}; i < launch_phases; ++i)
    entry->second.phases[i] = &launch_phases_.with({pool.value, kind, to_string(static_cast<LaunchPhase>(i))});
  for (auto scope : {OomScope::container, OomScope::process})
    entry->second.oom_kills[static_cast<size_t>(scope)] = &oom_kills_.with({pool.value, kind, to_string(scope)});
  return entry->second;
}

AnswerMetrics& NodeMetrics::answers(const PoolName& pool, std::optional<RuntimeKind> runtime) {
  return answers_by_pool_[{pool, runtime}];
}

void NodeMetrics::launch_ran(const PoolName& pool, RuntimeKind runtime, std::chrono::nanoseconds total) {
  auto guard = std::lock_guard{mutex_};
  auto& known = answers(pool, runtime);
  if (known.ran == nullptr) {
    known.ran = &launches_.with({pool.value, name_of(runtime), "ran", ""});
    known.total = &launch_total_.with({pool.value, name_of(runtime)});
  }
  known.ran->add();
  known.total->observe(total);
}

void NodeMetrics::launch_did_not_run(const PoolName& pool, std::optional<RuntimeKind> runtime, ec code) {
  auto guard = std::lock_guard{mutex_};
  auto& counter = answers(pool, runtime).not_run[code];
  if (counter == nullptr)
    counter = &launches_.with({pool.value, name_of(runtime), to_string(outcome_of(code)), to_string(code)});
  counter->add();
}

void NodeMetrics::selected(const PoolName& pool, const Selection& selection, ec why_fallback) {
  if (selection.overridden())
    overrides_.with({pool.value, to_string(selection.reason)}).add();
  else if (selection.reason == SelectionReason::fallback)
    fallbacks_.with({pool.value, to_string(why_fallback)}).add();
}

void NodeMetrics::restarted(ActorKind kind) {
  restarts_.with({to_string(kind)}).add();
}

} // namespace berth
