#include "actors/policy/oom_scope.hpp"

namespace berth {

OomScope oom_scope(const OomFacts& facts) {
  if (!facts.has_host_processes || facts.group_killed)
    return OomScope::container;
  if (facts.victim_pid != 0)
    return facts.victim_pid == facts.init_pid ? OomScope::container : OomScope::process;
  return facts.init_killed ? OomScope::container : OomScope::process;
}

bool is_in_group(std::string_view task_memcg, std::string_view memory_directory) {
  auto name = memory_directory.substr(memory_directory.rfind('/') + 1);
  if (name.empty())
    return false;
  while (!task_memcg.empty()) {
    auto slash = task_memcg.find('/');
    if (task_memcg.substr(0, slash) == name)
      return true;
    if (slash == std::string_view::npos)
      return false;
    task_memcg.remove_prefix(slash + 1);
  }
  return false;
}

} // namespace berth
