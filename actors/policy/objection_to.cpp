#include "actors/policy/objection_to.hpp"

namespace berth {

std::optional<Error> objection_to(const PoolName& pool, std::optional<PoolState> now, PoolState next,
                                  const std::string& reason, bool allow_fallback) {
  if (now == next)
    return std::nullopt;
  auto subject = "pool \"" + pool.value + "\"";
  if (next == PoolState::unavailable)
    return Error{ec::pool_unavailable, subject, "it could not serve with the new settings: " + reason,
                 "mend the runtime, or give the pool another one; nothing was changed"};
  if (next == PoolState::degraded && !allow_fallback)
    return Error{ec::pool_unavailable, subject,
                 "with the new settings it would serve with runc instead of gvisor: " + reason,
                 "mend the runtime, or accept less isolation with --allow-fallback; nothing was changed"};
  return std::nullopt;
}

} // namespace berth
