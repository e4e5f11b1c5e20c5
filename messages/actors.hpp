#pragma once

#include "messages/cause.hpp"
#include "messages/types.hpp"

#include <chrono>
#include <map>
#include <string>
#include <vector>

namespace berth {

/// One actor that lives.
struct ActorInfo {
  /// Counts from 1 in a run of berthd.
  uint64_t number = 0;
  /// "pool", "container", …
  std::string kind;
  PoolName pool;
  ContainerId container;
  /// What tells it from others of its kind and pool: "runc, generation 2".
  std::string detail;
  /// How it stands, in one word: of a pool or a container its state; of others "idle", "busy", or "behind" if messages wait.
  std::string state;
  /// Messages that wait, the one that is being handled included.
  uint64_t mailbox = 0;
  uint64_t handled = 0;
  std::chrono::nanoseconds busy{0};
  /// How often one in its place has died and was started again.
  uint64_t restarts = 0;
};

/// API -> any actor: what are you at? In no protocol: every actor of ours has it (actors/guard.hpp).
struct DescribeActor {
  Cause cause;
};

template <class Inspector>
auto inspect(Inspector& f, DescribeActor& x) {
  return f(x.cause);
}

/// The answer: what the actor knows, by names for people. What only tests or secrets are concerned with is left out.
struct ActorState {
  std::map<std::string, std::string> texts;
  std::map<std::string, int64_t> numbers;
  std::map<std::string, bool> flags;
  std::map<std::string, std::vector<std::string>> lists;
};

template <class Inspector>
auto inspect(Inspector& f, ActorState& x) {
  return f(x.texts, x.numbers, x.flags, x.lists);
}

/// How long an actor may take to tell of itself.
constexpr auto describe_actor_deadline = std::chrono::seconds{5};

} // namespace berth
