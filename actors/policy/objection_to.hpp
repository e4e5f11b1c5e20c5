#pragma once

#include "messages/error.hpp"
#include "messages/pool.hpp"

#include <optional>
#include <string>

namespace berth {

/// Why a change is refused that would leave a pool in this state; nothing if it may. Isolation is lowered only if that was
/// allowed by name. `reason` says what of the pool's runtimes does not work.
std::optional<Error> objection_to(const PoolName& pool, PoolState next, const std::string& reason, bool allow_fallback);

} // namespace berth
