#include "actors/policy/select_runtime.hpp"

namespace berth {

namespace {

tl::unexpected<Error> unavailable(const SelectionRules& rules, RuntimeKind kind, const std::string& reason) {
  return failure(ec::pool_unavailable, "pool \"" + rules.pool.value + "\"",
                 std::string{to_string(kind)} + " cannot be used: " + reason,
                 "mend the runtime and restart the node, or give the pool another one; see `berth pools`");
}

const char* need_of(SelectionReason reason) {
  return reason == SelectionReason::gpu ? "a GPU" : "checkpoints";
}

} // namespace

Result<Selection> select_runtime(const SelectionRules& rules, const LaunchNeeds& needs) {
  auto result = Selection{rules.configured, rules.configured, SelectionReason::configured,
                          rules.source,     rules.origin,     {}};
  if (rules.configured == RuntimeKind::runc) {
    if (!rules.health.usable)
      return unavailable(rules, RuntimeKind::runc, rules.health.reason);
    return result;
  }
  if (!rules.health.usable) {
    if (rules.on_unavailable == UnavailablePolicy::fail)
      return unavailable(rules, rules.configured, rules.health.reason);
    result.reason = SelectionReason::fallback;
    result.detail = std::string{to_string(rules.configured)} + " cannot be used: " + rules.health.reason;
  } else if (needs.gpus > 0 || needs.checkpoint) {
    result.reason = needs.gpus > 0 ? SelectionReason::gpu : SelectionReason::checkpoint;
    if (rules.overrides == OverridePolicy::deny)
      return failure(ec::override_denied, "pool \"" + rules.pool.value + "\"",
                     std::string{"the launch needs "} + need_of(result.reason) + ", which "
                       + to_string(rules.configured) + " cannot give, and the pool denies overrides",
                     "use a runc pool, or set `overrides: allow` for this one");
    result.detail = std::string{to_string(rules.configured)} + " cannot give " + need_of(result.reason);
  } else {
    return result;
  }
  result.runtime = RuntimeKind::runc;
  if (!rules.runc_health.usable)
    return unavailable(rules, RuntimeKind::runc,
                       rules.runc_health.reason
                         + (result.reason == SelectionReason::fallback ? "; " + result.detail : std::string{}));
  return result;
}

} // namespace berth
