#include "actors/policy/launch_outcome.hpp"

namespace berth {

const char* to_string(LaunchOutcome outcome) {
  switch (outcome) {
    case LaunchOutcome::refused: return "refused";
    case LaunchOutcome::failed: return "failed";
    case LaunchOutcome::cancelled: return "cancelled";
  }
  return "failed";
}

LaunchOutcome outcome_of(ec code) {
  switch (code) {
    case ec::cancelled: return LaunchOutcome::cancelled;
    case ec::bad_request:
    case ec::bad_id:
    case ec::duplicate_id:
    case ec::unknown_pool:
    case ec::unknown_container:
    case ec::unknown_actor:
    case ec::rootfs_missing:
    case ec::limit_reached:
    case ec::queue_timeout:
    case ec::limit_exceeded:
    case ec::pool_unavailable:
    case ec::override_denied:
    case ec::unsupported:
    case ec::shutting_down:
    case ec::restarting:
    case ec::draining: return LaunchOutcome::refused;
    case ec::command_not_found:
    case ec::command_not_executable:
    case ec::wrong_state:
    case ec::runtime_failed:
    case ec::platform_failed:
    case ec::deadline_exceeded:
    case ec::invalid_config:
    case ec::system_error:
    case ec::journal_failed:
    case ec::interrupted:
    case ec::internal: return LaunchOutcome::failed;
  }
  return LaunchOutcome::failed;
}

} // namespace berth
