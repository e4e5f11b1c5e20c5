#pragma once

#include "actors/metrics.hpp"
#include "messages/error.hpp"
#include "messages/oom.hpp"
#include "messages/selection.hpp"
#include "messages/supervision.hpp"

#include <array>
#include <map>
#include <memory>
#include <mutex>
#include <optional>

namespace berth {

/// The steps of a launch, in their order. Each begins where the one before it has ended.
enum class LaunchPhase : uint8_t {
  /// In the pool's queue.
  queue,
  /// The decision which runtime it gets.
  select,
  /// Waits for a start slot.
  slot,
  /// Writes to the journal, of which there are two: before the monitor starts, and before the container does.
  record,
  /// The bundle is written and the monitor started.
  prepare,
  /// The runtime makes the container.
  create,
  /// The OOM watch is placed.
  watch,
  start,
};

constexpr size_t launch_phases = 8;

/// "queue", "select", …
const char* to_string(LaunchPhase phase);

/// Measures one phase after the other.
class PhaseClock {
public:
  using Clock = std::chrono::steady_clock;

  /// The time since the phase before ended.
  std::chrono::nanoseconds lap() {
    auto now = Clock::now();
    return now - std::exchange(began_, now);
  }

private:
  Clock::time_point began_ = Clock::now();
};

/// What is counted for the containers of one pool that get one runtime.
struct LaunchMetrics {
  std::array<metrics::Histogram*, launch_phases> phases{};
  std::array<metrics::Counter*, 2> oom_kills{};

  metrics::Histogram& phase(LaunchPhase phase) const {
    return *phases[static_cast<size_t>(phase)];
  }

  metrics::Counter& oom(OomScope scope) const {
    return *oom_kills[static_cast<size_t>(scope)];
  }
};

/// What is counted for the launches of one pool that end with one runtime, or with none.
struct AnswerMetrics {
  metrics::Counter* ran = nullptr;
  metrics::Histogram* total = nullptr;
  std::map<ec, metrics::Counter*> not_run;
};

/// What happens on one node, as its actors count it. Any thread may count.
class NodeMetrics {
  // Before what is made in it.
  metrics::Registry registry_;
  metrics::Counters& changes_;

public:
  NodeMetrics();

  /// What is asked for at scrapes, too.
  metrics::Registry& registry() {
    return registry_;
  }

  /// Lives as long as this. To be asked for once by each user.
  const LaunchMetrics& launches(const PoolName& pool, RuntimeKind runtime);

  /// A launch has its answer, so long after NODE has heard of it. `runtime` is empty if it was refused before it had one. The name
  /// of a pool that is not configured must not come here: it would stay.
  void launch_ran(const PoolName& pool, RuntimeKind runtime, std::chrono::nanoseconds total);
  void launch_did_not_run(const PoolName& pool, std::optional<RuntimeKind> runtime, ec code);

  void selected(const PoolName& pool, const Selection& selection, ec why_fallback);
  void restarted(ActorKind kind);

  // Of the REVISION: how changes of the configuration end, and the time of their parts.
  metrics::Counter& changes_committed;
  metrics::Counter& changes_aborted;
  metrics::Counter& changes_without_difference;
  metrics::Histogram& change_prepare;
  metrics::Histogram& change_commit;
  /// By pool and kind of change.
  metrics::Counters& pool_changes;

  // Of the JOURNAL.
  metrics::Counter& journal_commits;
  metrics::Counter& journal_failures;
  metrics::Counter& journal_events;
  metrics::Counter& journal_lost_events;
  metrics::Histogram& journal_commit;
  /// Rows that wait to be written.
  metrics::Gauge& journal_waiting;

private:
  AnswerMetrics& answers(const PoolName& pool, std::optional<RuntimeKind> runtime);

  metrics::Counters& launches_;
  metrics::Histograms& launch_total_;
  metrics::Histograms& launch_phases_;
  metrics::Counters& oom_kills_;
  metrics::Counters& overrides_;
  metrics::Counters& fallbacks_;
  metrics::Counters& restarts_;
  std::mutex mutex_;
  std::map<std::pair<PoolName, RuntimeKind>, LaunchMetrics> by_pool_;                       // guarded by mutex_
  std::map<std::pair<PoolName, std::optional<RuntimeKind>>, AnswerMetrics> answers_by_pool_; // guarded by mutex_
};

using NodeMetricsPtr = std::shared_ptr<NodeMetrics>;

} // namespace berth
