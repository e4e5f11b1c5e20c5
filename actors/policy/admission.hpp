#pragma once

#include "messages/types.hpp"

#include <cstdint>

namespace berth {

/// What becomes of a launch that reaches a pool.
enum class Admission : uint8_t { start, queue, refuse };

/// `taken` containers hold a place, `queued` launches wait; `max_containers` 0 means no limit. While the pool is still
/// `preparing`, launches wait whatever its queue's length: they were sent to a pool that exists, a moment too early.
Admission admit(bool preparing, uint64_t taken, uint64_t queued, uint64_t max_containers, uint64_t queue_length);

/// How many launches may wait for a pool that is being prepared; bounds memory, not service.
constexpr uint64_t preparing_queue_length = 1000;

} // namespace berth
