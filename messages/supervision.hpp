#pragma once

#include <cstdint>

namespace berth {

/// The actors that are started again when they die, each by its owner: NODE owns the pools and OOM, a POOL all the others.
enum class ActorKind : uint8_t { pool, selector, runtime, container, oom };

/// "pool", "selector", "runtime", "container", "oom".
const char* to_string(ActorKind kind);

/// INTERNAL of an owner: the pause before a restart is over.
struct RestartDue {
  uint64_t ticket = 0;
};

template <class Inspector>
auto inspect(Inspector& f, RestartDue& x) {
  return f(x.ticket);
}

} // namespace berth
