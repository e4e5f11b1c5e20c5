#include "apps/berth-monitor/memory_counters.hpp"

#include "runtimes/cgroup_host.hpp"
#include "runtimes/linux/file.hpp"

namespace berth {

namespace {

constexpr size_t cgroup_file_limit = 64 * 1024;

std::string text_of(const std::string& directory, const char* name) {
  return read_file(directory + "/" + name, cgroup_file_limit).value_or(std::string{});
}

} // namespace

void read_memory_counters(const MonitorPlan& plan, MonitorExited& exited) {
  auto& group = plan.memory_cgroup;
  if (group.empty())
    return;
  if (plan.cgroup_v2) {
    if (auto events = parse_memory_events(text_of(group, "memory.events"))) {
      exited.oom_kills = events->oom_kill;
      exited.oom_group_kills = events->oom_group_kill.value_or(0);
    }
    // The limit is in the group that the runtime owns, and so is the peak that it held down: ours
    // counts what the kernel needs for that group, too.
    auto limited = group + "/" + runtime_group_name;
    auto peak = parse_counter(text_of(limited, "memory.peak"));
    exited.memory_peak = peak ? *peak : parse_counter(text_of(group, "memory.peak")).value_or(0);
    exited.memory_limit = parse_limit(text_of(limited, "memory.max")).value_or(0);
  } else {
    if (auto control = parse_oom_control(text_of(group, "memory.oom_control")))
      exited.oom_kills = control->oom_kill;
    exited.memory_peak = parse_counter(text_of(group, "memory.max_usage_in_bytes")).value_or(0);
    exited.memory_limit = parse_limit(text_of(group, "memory.limit_in_bytes")).value_or(0);
  }
}

} // namespace berth
