#pragma once

#include "messages/cause.hpp"

#include <caf/actor.hpp>

#include <cstdint>
#include <string>
#include <vector>

namespace berth {

/// The actors of a node.
enum class ActorKind : uint8_t {
  // Started again when they die, each by its owner: NODE owns the pools and OOM, a POOL all the others.
  pool,
  selector,
  runtime,
  container,
  oom,
  // berthd ends with these.
  node,
  revision,
  event,
  journal,
  launcher,
};

/// "pool", "selector", …
const char* to_string(ActorKind kind);

/// SELF_CHECK -> NODE, POOL: whom do you own?
struct ListActors {
  Cause cause;
};

template <class Inspector>
auto inspect(Inspector& f, ListActors& x) {
  return f(x.cause);
}

struct OwnedActor {
  ActorKind kind = ActorKind::pool;
  /// For people: `container "a"`.
  std::string name;
  caf::actor actor;
};

template <class Inspector>
auto inspect(Inspector& f, OwnedActor& x) {
  return f(x.kind, x.name, x.actor);
}

using OwnedActors = std::vector<OwnedActor>;

/// INTERNAL of an owner: the pause before a restart is over.
struct RestartDue {
  uint64_t ticket = 0;
  Cause cause;
};

template <class Inspector>
auto inspect(Inspector& f, RestartDue& x) {
  return f(x.ticket, x.cause);
}

} // namespace berth
