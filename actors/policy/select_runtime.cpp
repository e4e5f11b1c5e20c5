#include "actors/policy/select_runtime.hpp"

namespace berth {

namespace {

std::string is_unusable(RuntimeKind kind, const RuntimeHealth& health) {
  return std::string{to_string(kind)} + " cannot be used: " + health.reason;
}

Error unavailable(const SelectionRules& rules, std::string reason) {
  return {ec::pool_unavailable, "pool \"" + rules.pool.value + "\"", std::move(reason),
          "mend the runtime and restart the node, or give the pool another one; see `berth pools`"};
}

const char* need_of(SelectionReason reason) {
  return reason == SelectionReason::gpu ? "a GPU" : "checkpoints";
}

/// "overrides is deny (berth.yaml:12:16)"
template <class Policy>
std::string policy_is(const char* key, Policy policy, const std::string& origin) {
  return std::string{key} + " is " + to_string(policy) + " (" + (origin.empty() ? "default" : origin) + ")";
}

/// One run through the selection table.
class Evaluation {
public:
  Evaluation(const SelectionRules& rules, const LaunchNeeds& needs)
    : rules_(rules), is_special_(needs.gpus > 0 || needs.checkpoint) {
    need_ = needs.gpus > 0 ? SelectionReason::gpu : SelectionReason::checkpoint;
    trail_.selection = {rules.configured, rules.configured, SelectionReason::configured, rules.source, rules.origin, {}};
  }

  SelectionTrail run() && {
    if (rules_.configured == RuntimeKind::runc)
      serve_by_runc();
    else if (!rules_.health.usable)
      serve_without_configured();
    else if (is_special_)
      serve_special();
    else
      serve_plain();
    return std::move(trail_);
  }

private:
  void consider(const char* way, RuntimeKind runtime, Outcome outcome, std::string why) {
    trail_.alternatives.push_back({way, runtime, outcome, std::move(why)});
  }

  void refuse(SelectionRule rule, Error error) {
    trail_.rule = rule;
    trail_.refused = true;
    trail_.error = std::move(error);
  }

  void serve_by_runc() {
    trail_.rule = SelectionRule::runc_configured;
    if (rules_.health.usable)
      return consider("configured", RuntimeKind::runc, Outcome::chosen, "runc works, and can give everything");
    auto why = is_unusable(RuntimeKind::runc, rules_.health);
    consider("configured", RuntimeKind::runc, Outcome::refused, why);
    refuse(SelectionRule::no_usable_runtime, unavailable(rules_, std::move(why)));
  }

  void serve_plain() {
    trail_.rule = SelectionRule::gvisor_configured;
    consider("configured", rules_.configured, Outcome::chosen,
             configured() + " works, and the launch needs neither a GPU nor checkpoints");
    consider("override", RuntimeKind::runc, Outcome::not_needed, "the launch needs neither a GPU nor checkpoints");
    consider("fallback", RuntimeKind::runc, Outcome::not_needed, configured() + " works");
  }

  void serve_special() {
    auto lacks = configured() + " cannot give " + need_of(need_);
    auto policy = policy_is("overrides", rules_.overrides, rules_.overrides_origin);
    consider("configured", rules_.configured, Outcome::refused, lacks);
    trail_.selection.reason = need_;
    trail_.selection.detail = lacks;
    if (rules_.overrides == OverridePolicy::deny) {
      consider("override", RuntimeKind::runc, Outcome::refused, policy);
      refuse(SelectionRule::override_denied,
             {ec::override_denied, "pool \"" + rules_.pool.value + "\"",
              std::string{"the launch needs "} + need_of(need_) + ", which " + configured()
                + " cannot give, and the pool denies overrides",
              "use a runc pool, or set `overrides: allow` for this one"});
    } else {
      take_runc("override", SelectionRule::override_allowed, std::move(policy), {});
    }
    consider("fallback", RuntimeKind::runc, Outcome::not_needed, configured() + " works");
  }

  void serve_without_configured() {
    auto broken = is_unusable(rules_.configured, rules_.health);
    auto policy = policy_is("onRuntimeUnavailable", rules_.on_unavailable, rules_.on_unavailable_origin);
    consider("configured", rules_.configured, Outcome::refused, broken);
    trail_.selection.reason = SelectionReason::fallback;
    trail_.selection.detail = broken;
    auto falls_back = rules_.on_unavailable == UnavailablePolicy::fallback;
    if (!is_special_)
      consider("override", RuntimeKind::runc, Outcome::not_needed, "the launch needs neither a GPU nor checkpoints");
    else if (falls_back)
      consider("override", RuntimeKind::runc, Outcome::not_needed, "every launch of the pool gets runc already");
    else
      consider("override", RuntimeKind::runc, Outcome::refused, "the pool takes no launches at all without " + configured());
    if (falls_back)
      return take_runc("fallback", SelectionRule::fallback_allowed, std::move(policy), "; " + broken);
    consider("fallback", RuntimeKind::runc, Outcome::refused, std::move(policy));
    refuse(SelectionRule::fallback_denied, unavailable(rules_, std::move(broken)));
  }

  /// `besides`: what else the error has to say if that is not possible.
  void take_runc(const char* way, SelectionRule rule, std::string why, const std::string& besides) {
    trail_.rule = rule;
    trail_.selection.runtime = RuntimeKind::runc;
    if (rules_.runc_health.usable)
      return consider(way, RuntimeKind::runc, Outcome::chosen, std::move(why));
    auto broken = is_unusable(RuntimeKind::runc, rules_.runc_health);
    consider(way, RuntimeKind::runc, Outcome::refused, why + ", but " + broken);
    refuse(SelectionRule::no_usable_runtime, unavailable(rules_, broken + besides));
  }

  std::string configured() const {
    return to_string(rules_.configured);
  }

  const SelectionRules& rules_;
  bool is_special_;
  SelectionReason need_ = SelectionReason::gpu;
  SelectionTrail trail_;
};

} // namespace

SelectionTrail evaluate_selection(const SelectionRules& rules, const LaunchNeeds& needs) {
  return Evaluation{rules, needs}.run();
}

Result<Selection> select_runtime(const SelectionRules& rules, const LaunchNeeds& needs) {
  auto trail = evaluate_selection(rules, needs);
  if (trail.refused)
    return failure(std::move(trail.error));
  return std::move(trail.selection);
}

} // namespace berth
