#pragma once

#include "config/settings.hpp"
#include "messages/error.hpp"

#include <vector>

namespace berth {

/// Which launches a pool takes now, or has in its queue (`queued` of them), and would refuse after a change. `now` is null for a
/// new pool, `next` for a removed one.
std::vector<Error> lost_launches(const PoolName& pool, const PoolSettings* now, const PoolSettings* next, uint64_t queued);

} // namespace berth
