#pragma once

#include "config/settings.hpp"

namespace berth {

/// A pool's settings and those of the node that it runs by.
struct Invocation {
  const PoolSettings& pool;
  const NodeSettings& node;
};

/// Both call the runtime of this kind in the same way: what has been proven of one holds for the other.
bool same_invocation(RuntimeKind kind, const Invocation& a, const Invocation& b);

} // namespace berth
