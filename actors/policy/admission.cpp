#include "actors/policy/admission.hpp"

#include <algorithm>

namespace berth {

Admission admit(bool preparing, uint64_t taken, uint64_t queued, uint64_t max_containers, uint64_t queue_length) {
  if (preparing)
    return queued < std::max(queue_length, preparing_queue_length) ? Admission::queue : Admission::refuse;
  // Nobody overtakes a launch that waits already.
  if (queued == 0 && (max_containers == 0 || taken < max_containers))
    return Admission::start;
  return queued < queue_length ? Admission::queue : Admission::refuse;
}

} // namespace berth
