#pragma once

#include "config/settings.hpp"
#include "messages/error.hpp"
#include "messages/launch.hpp"

namespace berth {

/// What a container of the pool gets of what it asked for. Nothing asked: the pool's default, or
/// else its ceiling, since a pool with a ceiling has no unlimited containers. Fails with
/// `limit_exceeded` if more than the ceiling was asked for.
Result<Limits> apply_pool_limits(const Limits& asked, const PoolSettings& pool);

} // namespace berth
