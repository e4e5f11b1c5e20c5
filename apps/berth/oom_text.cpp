#include "apps/berth/oom_text.hpp"

#include "apps/berth/format.hpp"

namespace berth::cli {

std::string oom_cause(uint64_t limit) {
  return limit == 0 ? "because the host ran out of memory" : "at its memory limit of " + format_size(limit);
}

std::string describe_oom(const EventView& event) {
  auto result = "container " + event.container;
  if (!event.pool.empty())
    result += " (pool " + event.pool + ")";
  auto cause = oom_cause(event.number("limit"));
  if (event["scope"] == "process")
    result = "a process of " + result + " was killed " + cause + ", the container lives on: ";
  else
    result += " was killed " + cause + ": ";
  if (auto victim = event["victim"]; !victim.empty())
    result += "victim " + std::string{victim} + " (pid " + std::to_string(event.number("victimPid")) + "), ";
  if (auto peak = event.number("peak"); peak > 0)
    result += "peak " + format_size(peak) + ", ";
  auto kills = event.number("kills");
  return result + std::to_string(kills) + (kills == 1 ? " kill so far" : " kills so far");
}

} // namespace berth::cli
