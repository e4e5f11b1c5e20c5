#pragma once

#include "messages/types.hpp"

namespace berth {

/// Why a launch got the runtime it got.
enum class SelectionReason : uint8_t {
  /// The pool's configured runtime.
  configured,
  /// GPU work: always runc.
  gpu,
  /// Checkpoint or restore work: always runc.
  checkpoint,
  /// The configured runtime could not be prepared, and the policy allows runc instead.
  fallback,
};

const char* to_string(SelectionReason reason);

/// Where the pool's configured runtime comes from, in order of priority.
enum class RuntimeSource : uint8_t {
  /// `pools.<name>.runtime`
  pool,
  /// `worker.containerRuntime`
  worker,
  /// Neither is given: runc.
  builtin,
};

/// "pool", "worker", "default".
const char* to_string(RuntimeSource source);

/// Which runtime a launch gets, with its reason. Stored with the container.
struct Selection {
  RuntimeKind runtime = RuntimeKind::runc;
  RuntimeKind configured = RuntimeKind::runc;
  SelectionReason reason = SelectionReason::configured;
  RuntimeSource source = RuntimeSource::builtin;
  /// "FILE:LINE:COL" of the setting behind `source`; empty for the built-in default.
  std::string origin;
  /// One sentence for people, e.g. why the configured runtime could not be prepared.
  std::string detail;

  /// True if GPU or checkpoint needs overrode the configured runtime.
  bool overridden() const {
    return reason == SelectionReason::gpu || reason == SelectionReason::checkpoint;
  }

  friend bool operator==(const Selection&, const Selection&) = default;
};

template <class Inspector>
auto inspect(Inspector& f, Selection& x) {
  return f(x.runtime, x.configured, x.reason, x.source, x.origin, x.detail);
}

} // namespace berth
