#pragma once

#include "config/settings.hpp"
#include "messages/error.hpp"
#include "messages/selector.hpp"

namespace berth {

/// What a pool knows about one of its runtimes once the probe has ended.
struct RuntimeHealth {
  bool usable = false;
  /// Why not.
  std::string reason;
};

/// The rules by which one generation of a pool picks runtimes.
struct SelectionRules {
  PoolName pool;
  RuntimeKind configured = RuntimeKind::runc;
  RuntimeSource source = RuntimeSource::builtin;
  std::string origin;
  OverridePolicy overrides = OverridePolicy::allow;
  UnavailablePolicy on_unavailable = UnavailablePolicy::fallback;
  /// Of the configured runtime.
  RuntimeHealth health;
  /// Of runc, where it is not the configured runtime but overrides or fallback may need it.
  RuntimeHealth runc_health;
  /// "FILE:LINE:COL" of the two policies; empty for a default.
  std::string overrides_origin;
  std::string on_unavailable_origin;
};

/// Picks the runtime for one launch, and says by which way:
///
/// | rule              | configured | usable | needs             | policy                         | result                        |
/// | ----------------- | ---------- | ------ | ----------------- | ------------------------------ | ----------------------------- |
/// | runc_configured   | runc       | yes    | anything          |                                | runc                          |
/// | gvisor_configured | gvisor     | yes    | nothing special   |                                | gvisor                        |
/// | override_allowed  | gvisor     | yes    | GPU or checkpoint | overrides: allow               | runc, reason gpu / checkpoint |
/// | override_denied   | gvisor     | yes    | GPU or checkpoint | overrides: deny                | override_denied               |
/// | fallback_allowed  | gvisor     | no     | anything          | onRuntimeUnavailable: fallback | runc, reason fallback         |
/// | fallback_denied   | gvisor     | no     | anything          | onRuntimeUnavailable: fail     | pool_unavailable              |
/// | no_usable_runtime | any        |        |                   | the result is not usable       | pool_unavailable              |
///
/// A launch that needs both a GPU and a checkpoint has the reason gpu.
SelectionTrail evaluate_selection(const SelectionRules& rules, const LaunchNeeds& needs);

/// What that comes to.
Result<Selection> select_runtime(const SelectionRules& rules, const LaunchNeeds& needs);

} // namespace berth
