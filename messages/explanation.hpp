#pragma once

#include "messages/error.hpp"
#include "messages/launch.hpp"
#include "messages/selection.hpp"

#include <deque>
#include <memory>
#include <vector>

namespace berth {

/// The row of the selection table (actors/policy/select_runtime.hpp) that decided. The names are part of the API.
enum class SelectionRule : uint8_t {
  /// The launch never came as far as that, or nobody recorded it.
  none,
  runc_configured,
  gvisor_configured,
  override_allowed,
  override_denied,
  fallback_allowed,
  fallback_denied,
  /// What the table says cannot be done, because that runtime does not work either.
  no_usable_runtime,
};

/// "none", "runc_configured", …
const char* to_string(SelectionRule rule);

/// What became of one way in which a launch could have got its runtime.
enum class Outcome : uint8_t { chosen, refused, not_needed };

/// "chosen", "refused", "not_needed"
const char* to_string(Outcome outcome);

/// A way in which a launch could get its runtime.
struct Alternative {
  /// "configured", "override" or "fallback"
  std::string way;
  RuntimeKind runtime = RuntimeKind::runc;
  Outcome outcome = Outcome::not_needed;
  /// For people, without a full stop: "overrides is deny (berth.yaml:12:16)".
  std::string why;

  friend bool operator==(const Alternative&, const Alternative&) = default;
};

template <class Inspector>
auto inspect(Inspector& f, Alternative& x) {
  return f(x.way, x.runtime, x.outcome, x.why);
}

/// SELECTOR -> POOL: what was decided for a launch, and by which way.
struct SelectionTrail {
  SelectionRule rule = SelectionRule::none;
  /// In the order in which they were considered.
  std::vector<Alternative> alternatives;
  bool refused = false;
  /// Valid unless refused.
  Selection selection;
  /// Valid if refused.
  Error error;

  friend bool operator==(const SelectionTrail&, const SelectionTrail&) = default;
};

template <class Inspector>
auto inspect(Inspector& f, SelectionTrail& x) {
  return f(x.rule, x.alternatives, x.refused, x.selection, x.error);
}

/// A value that counts for a launch.
struct UsedValue {
  /// "worker.pools.web.memory.max"
  std::string key;
  /// As it would be written; empty: not set.
  std::string value;
  /// "berth.yaml:12:7", "default", "worker.terminationGracePeriod, berth.yaml:3:3" for a value that another key gave, or
  /// "launch" for one that the launch itself asks for.
  std::string source;

  friend bool operator==(const UsedValue&, const UsedValue&) = default;
};

template <class Inspector>
auto inspect(Inspector& f, UsedValue& x) {
  return f(x.key, x.value, x.source);
}

/// What a pool's probe has found out about one runtime.
struct RuntimeFact {
  RuntimeKind kind = RuntimeKind::runc;
  /// False: no policy of the pool can need it, so nobody has tried.
  bool probed = false;
  bool usable = false;
  /// Why it is not usable.
  std::string reason;
  std::string version;
  /// Of gVisor; empty: its own default.
  std::string platform;
  std::string binary;
  /// Milliseconds from create to exit of the probe's container.
  int64_t boot_ms = 0;

  friend bool operator==(const RuntimeFact&, const RuntimeFact&) = default;
};

template <class Inspector>
auto inspect(Inspector& f, RuntimeFact& x) {
  return f(x.kind, x.probed, x.usable, x.reason, x.version, x.platform, x.binary, x.boot_ms);
}

/// Why a launch gets the runtime it gets, or is refused: the same before the launch and after it.
struct Explanation {
  PoolName pool;
  /// What the launch asks for.
  uint32_t gpus = 0;
  bool checkpoint = false;
  Limits asked;
  /// Of the pool, and the revision that made it; 0: not known.
  uint64_t generation = 0;
  uint64_t revision = 0;
  SelectionRule rule = SelectionRule::none;
  /// Valid if the rule gives one.
  RuntimeKind runtime = RuntimeKind::runc;
  RuntimeKind configured = RuntimeKind::runc;
  SelectionReason reason = SelectionReason::configured;
  /// Where the pool's runtime could have been written, in order of precedence, and where it was.
  std::vector<UsedValue> precedence;
  RuntimeSource winner = RuntimeSource::builtin;
  std::vector<Alternative> alternatives;
  std::vector<RuntimeFact> runtimes;
  std::vector<UsedValue> settings;
  bool refused = false;
  /// What the launch gets instead of a container, if it is refused.
  Error error;

  friend bool operator==(const Explanation&, const Explanation&) = default;
};

template <class Inspector>
auto inspect(Inspector& f, Explanation& x) {
  return f(x.pool, x.gpus, x.checkpoint, x.asked, x.generation, x.revision, x.rule, x.runtime, x.configured, x.reason,
           x.precedence, x.winner, x.alternatives, x.runtimes, x.settings, x.refused, x.error);
}

/// An explanation that all copies of a container's description share, and all alike containers of a pool.
struct SharedExplanation {
  /// Null if nobody has recorded it: a container of an earlier berthd.
  std::shared_ptr<const Explanation> value;
};

template <class Inspector>
auto inspect(Inspector& f, SharedExplanation& x) {
  auto copy = x.value ? *x.value : Explanation{};
  if constexpr (Inspector::writes_state) {
    auto result = f(copy);
    x.value = copy == Explanation{} ? nullptr : std::make_shared<const Explanation>(std::move(copy));
    return result;
  } else {
    return f(copy);
  }
}

/// Lets equal explanations be one: the launches of a pool are much alike, and there may be thousands of them.
class ExplanationShelf {
public:
  SharedExplanation share(Explanation explanation);

private:
  /// The newest ones that differ, the last one at the end.
  std::deque<std::shared_ptr<const Explanation>> kept_;
};

} // namespace berth
