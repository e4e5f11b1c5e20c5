#include "actors/policy/oom_scope.hpp"

namespace berth {

OomScope oom_scope(const OomFacts& facts) {
  if (!facts.has_host_processes || facts.group_killed)
    return OomScope::container;
  if (facts.victim_pid != 0)
    return facts.victim_pid == facts.init_pid ? OomScope::container : OomScope::process;
  return facts.init_killed ? OomScope::container : OomScope::process;
}

} // namespace berth
