#include "messages/error.hpp"

namespace berth {

const char* to_string(ec code) {
  switch (code) {
    case ec::bad_request: return "bad_request";
    case ec::bad_id: return "bad_id";
    case ec::duplicate_id: return "duplicate_id";
    case ec::unknown_pool: return "unknown_pool";
    case ec::unknown_container: return "unknown_container";
    case ec::rootfs_missing: return "rootfs_missing";
    case ec::command_not_found: return "command_not_found";
    case ec::command_not_executable: return "command_not_executable";
    case ec::limit_reached: return "limit_reached";
    case ec::queue_timeout: return "queue_timeout";
    case ec::limit_exceeded: return "limit_exceeded";
    case ec::pool_unavailable: return "pool_unavailable";
    case ec::override_denied: return "override_denied";
    case ec::unsupported: return "unsupported";
    case ec::wrong_state: return "wrong_state";
    case ec::runtime_failed: return "runtime_failed";
    case ec::platform_failed: return "platform_failed";
    case ec::deadline_exceeded: return "deadline_exceeded";
    case ec::invalid_config: return "invalid_config";
    case ec::system_error: return "system_error";
    case ec::shutting_down: return "shutting_down";
    case ec::restarting: return "restarting";
    case ec::cancelled: return "cancelled";
    case ec::journal_failed: return "journal_failed";
    case ec::interrupted: return "interrupted";
    case ec::draining: return "draining";
    case ec::unknown_actor: return "unknown_actor";
    case ec::internal: return "internal";
  }
  return "internal";
}

std::string render(const Error& error) {
  auto result = std::string{to_string(error.code)};
  if (!error.subject.empty())
    result += ": " + error.subject;
  if (!error.reason.empty())
    result += ": " + error.reason;
  if (!error.next.empty())
    result += " (" + error.next + ")";
  return result;
}

} // namespace berth
