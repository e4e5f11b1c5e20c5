#include "actors/policy/oom_scope.hpp"

#include <csignal>

namespace berth {

OomScope oom_scope(const OomFacts& facts) {
  if (!facts.has_host_processes || facts.group_killed)
    return OomScope::container;
  if (facts.victim_pid != 0)
    return facts.victim_pid == facts.init_pid ? OomScope::container : OomScope::process;
  return facts.init_killed ? OomScope::container : OomScope::process;
}

bool ended_by_kill(int wait_status, bool has_host_processes) {
  constexpr auto killed_inside = (128 + SIGKILL) << 8;
  return (wait_status & 0x7f) == SIGKILL || (!has_host_processes && wait_status == killed_inside);
}

} // namespace berth
