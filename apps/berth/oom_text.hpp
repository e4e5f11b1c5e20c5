#pragma once

#include "apps/berth/views.hpp"

#include <cstdint>
#include <string>

namespace berth::cli {

/// "at its memory limit of 64.0 MiB", or for a limit of 0 "because the host ran out of memory".
std::string oom_cause(uint64_t limit);

/// From an event of type `container.oom`: "container x (pool web) was killed at its memory limit of 64.0 MiB: victim
/// python3 (pid 4711), peak 64.0 MiB, 1 kill so far".
std::string describe_oom(const EventView& event);

} // namespace berth::cli
