#pragma once

#include "messages/cause.hpp"
#include "messages/error.hpp"
#include "messages/pool.hpp"

namespace berth {

// -- what differs ---------------------------------------------------------------------------------

/// One value that two configurations have different.
struct SettingDifference {
  /// Below the pool ("queue.length"), or the whole path outside of pools ("berth.startTimeout").
  std::string key;
  /// As `berth validate` tells them; empty where one configuration has no such value.
  std::string before;
  std::string after;
  /// Where the new value comes from: "berth.yaml:12:7", "default"; empty if there is none.
  std::string source;

  friend bool operator==(const SettingDifference&, const SettingDifference&) = default;
};

template <class Inspector>
auto inspect(Inspector& f, SettingDifference& x) {
  return f(x.key, x.before, x.after, x.source);
}

struct PoolDifference {
  PoolName name;
  PoolChangeKind kind = PoolChangeKind::changed;
  std::vector<SettingDifference> settings;

  friend bool operator==(const PoolDifference&, const PoolDifference&) = default;
};

template <class Inspector>
auto inspect(Inspector& f, PoolDifference& x) {
  return f(x.name, x.kind, x.settings);
}

/// What has to happen to a node that runs by one configuration to run by another.
struct SettingsDifference {
  /// By name. A pool has changed if one of its values has, wherever that was written.
  std::vector<PoolDifference> pools;
  /// Settings of the node as a whole.
  std::vector<SettingDifference> node;
  /// Those of `node` that take effect at the next start only.
  std::vector<std::string> needs_restart;

  bool empty() const {
    return pools.empty() && node.empty();
  }

  friend bool operator==(const SettingsDifference&, const SettingsDifference&) = default;
};

template <class Inspector>
auto inspect(Inspector& f, SettingsDifference& x) {
  return f(x.pools, x.node, x.needs_restart);
}

// -- orders and answers ---------------------------------------------------------------------------

/// A configuration file as its sender has read it.
struct ConfigFile {
  /// As it appears in errors and origins.
  std::string name;
  std::string text;
};

template <class Inspector>
auto inspect(Inspector& f, ConfigFile& x) {
  return f(x.name, x.text);
}

/// API -> REVISION: what would the node do to run by this configuration?
struct PlanConfig {
  /// The main file first, then its drop-ins.
  std::vector<ConfigFile> files;
  /// Try the runtimes out as an apply would, to say what it would refuse.
  bool try_out = true;
  /// As for an apply (`ChangeOptions`).
  std::chrono::milliseconds timeout{120'000};
  bool allow_fallback = false;
  Cause cause;
};

template <class Inspector>
auto inspect(Inspector& f, PlanConfig& x) {
  return f(x.files, x.try_out, x.timeout, x.allow_fallback, x.cause);
}

/// How a change is carried out.
struct ChangeOptions {
  /// Who asked: "apply", "reload", "rollback", "SIGHUP".
  std::string origin;
  /// How long the preparation may take, with all probes.
  std::chrono::milliseconds timeout{120'000};
  DrainMode drain = DrainMode::wait;
  /// A pool may come to serve with runc because gVisor does not work, if its policy says so.
  bool allow_fallback = false;
  /// These are the node's configured files, as they are now.
  bool from_files = false;
};

template <class Inspector>
auto inspect(Inspector& f, ChangeOptions& x) {
  return f(x.origin, x.timeout, x.drain, x.allow_fallback, x.from_files);
}

/// API -> REVISION: run by this configuration from now on, or change nothing at all.
struct ApplyConfig {
  std::vector<ConfigFile> files;
  ChangeOptions options;
  Cause cause;
};

template <class Inspector>
auto inspect(Inspector& f, ApplyConfig& x) {
  return f(x.files, x.options, x.cause);
}

/// API -> REVISION: apply an earlier revision again.
struct RollBack {
  /// 0: the one before the present.
  uint64_t revision = 0;
  ChangeOptions options;
  Cause cause;
};

template <class Inspector>
auto inspect(Inspector& f, RollBack& x) {
  return f(x.revision, x.options, x.cause);
}

struct ListRevisions {
  Cause cause;
};

template <class Inspector>
auto inspect(Inspector& f, ListRevisions& x) {
  return f(x.cause);
}

/// A container that keeps the generation of its pool that it was started in.
struct PinnedContainer {
  ContainerId id;
  PoolName pool;
  uint64_t generation = 0;
  RuntimeKind runtime = RuntimeKind::runc;
  /// Of its init, and when that began (clock ticks since boot): together they name the process for ever.
  int32_t pid = 0;
  uint64_t start_time = 0;
  /// The same process was there before and after the change.
  bool untouched = true;
};

template <class Inspector>
auto inspect(Inspector& f, PinnedContainer& x) {
  return f(x.id, x.pool, x.generation, x.runtime, x.pid, x.start_time, x.untouched);
}

/// Something that would not go through, and why.
struct Refusal {
  /// Empty where no single pool is concerned.
  PoolName pool;
  Error error;
};

template <class Inspector>
auto inspect(Inspector& f, Refusal& x) {
  return f(x.pool, x.error);
}

/// REVISION -> API.
struct Plan {
  /// The revision that runs now and that the configuration was compared with.
  uint64_t revision = 0;
  /// Of the configuration that was planned.
  std::string digest;
  SettingsDifference difference;
  /// Containers of pools that would change.
  std::vector<PinnedContainer> pinned;
  /// Why an apply would be refused; empty if it would not.
  std::vector<Refusal> refused;
  /// Launches that are accepted now and would not be any more.
  std::vector<Refusal> refused_launches;
  /// The runtimes were tried out, so that `refused` is complete.
  bool tried_out = false;
};

template <class Inspector>
auto inspect(Inspector& f, Plan& x) {
  return f(x.revision, x.digest, x.difference, x.pinned, x.refused, x.refused_launches, x.tried_out);
}

/// REVISION -> API: the change is in effect.
struct Receipt {
  /// The revision that runs now; equals `previous` if there was nothing to change.
  uint64_t revision = 0;
  uint64_t previous = 0;
  Timestamp time;
  std::string origin;
  std::string digest;
  SettingsDifference difference;
  std::vector<PoolReceipt> pools;
  std::vector<PinnedContainer> pinned;
  std::chrono::nanoseconds plan_time{0};
  std::chrono::nanoseconds prepare_time{0};
  std::chrono::nanoseconds commit_time{0};
};

template <class Inspector>
auto inspect(Inspector& f, Receipt& x) {
  return f(x.revision, x.previous, x.time, x.origin, x.digest, x.difference, x.pools, x.pinned, x.plan_time,
           x.prepare_time, x.commit_time);
}

/// One accepted version of the whole configuration.
struct RevisionInfo {
  uint64_t number = 0;
  Timestamp time;
  std::string origin;
  std::string digest;
  /// From the revision before it; empty for the first one.
  SettingsDifference difference;
  bool current = false;
};

template <class Inspector>
auto inspect(Inspector& f, RevisionInfo& x) {
  return f(x.number, x.time, x.origin, x.digest, x.difference, x.current);
}

using RevisionInfos = std::vector<RevisionInfo>;

/// On top of the time that a change may take for its preparation.
constexpr auto change_slack = std::chrono::seconds{60};

/// REVISION: the one that changes the pools of a node, all of them or none.
///
///     API -- ApplyConfig -----> REVISION                      refused while another change is under way
///     REVISION - FindPools ---> NODE --> the pools
///     REVISION - PrepareGeneration -> every changed POOL      a new pool is spawned and asked `AwaitReady`
///                                       \-> PreparedGeneration, or why not: then AbortGeneration to all, and nothing changed
///     REVISION - ChangePools -> NODE                          new pools are found from now on, removed ones no more
///     REVISION - CommitGeneration --> every changed POOL      one message each; later launches get the new generation
///     REVISION - RetirePool --> every removed POOL
///     REVISION --> Receipt
///     API -- PlanConfig ------> REVISION                      tries the pools of another configuration out, beside those that
///                                                             serve and known to nobody, and ends them --> Plan
///
/// Until the commit every launch is served by the old generations. After it the containers of an old generation go on with
/// what they were started with, and the generation's actors live as long as they do.
using RevisionActor = caf::typed_actor<
  caf::replies_to<PlanConfig>::with<Plan>,
  caf::replies_to<ApplyConfig>::with<Receipt>,
  caf::replies_to<RollBack>::with<Receipt>,
  caf::replies_to<ListRevisions>::with<RevisionInfos>,
  caf::reacts_to<RestartDue>>;

} // namespace berth
