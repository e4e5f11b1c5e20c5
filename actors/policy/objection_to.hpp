#pragma once

#include "messages/error.hpp"
#include "messages/pool.hpp"

#include <optional>
#include <string>

namespace berth {

/// Why a change is refused that would leave a pool in the state `next`; nothing if it may. Isolation is lowered only if that was
/// allowed by name. A pool that stands as badly now may change in other ways; one that refuses everything has lowered nothing
/// yet. `now` is nothing for a new pool. `reason` says what of the pool's runtimes does not work.
std::optional<Error> objection_to(const PoolName& pool, std::optional<PoolState> now, PoolState next, const std::string& reason, bool allow_fallback);

} // namespace berth
