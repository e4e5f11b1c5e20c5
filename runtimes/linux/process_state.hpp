#pragma once

#include <cstdint>
#include <string_view>

namespace berth {

/// Whether a process will go on.
enum class Vitality : uint8_t {
  alive,
  /// A SIGKILL waits for it.
  killed,
  /// It is ending for whatever reason, or has ended.
  ending,
};

Vitality vitality_of(int pid);

/// The same by the text of /proc/PID/status.
Vitality parse_vitality(std::string_view status);

} // namespace berth
