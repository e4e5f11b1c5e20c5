#pragma once

#include "messages/error.hpp"

namespace berth {

/// How a launch that does not run is counted.
enum class LaunchOutcome : uint8_t {
  /// The node or its pool did not take it.
  refused,
  /// It was tried, and did not work.
  failed,
  /// Whoever wanted it did not want it any more.
  cancelled,
};

/// "refused", "failed", "cancelled".
const char* to_string(LaunchOutcome outcome);

LaunchOutcome outcome_of(ec code);

} // namespace berth
