#include "runtimes/monitor_protocol.hpp"
#include "runtimes/timestamp.hpp"

#include <nlohmann/json.hpp>

namespace berth {

// In a file of its own: the monitor writes records and never reads one, and so needs no JSON
// library.
Result<MonitorExited> parse_exit_record(std::string_view text) {
  auto bad = [](std::string why) {
    return failure(ec::bad_request, "exit record", std::move(why));
  };
  auto json = nlohmann::json::parse(text, nullptr, false);
  if (!json.is_object())
    return bad("not a JSON object");
  auto result = MonitorExited{};
  auto status = json.find("waitStatus");
  // Wait statuses have 16 bits.
  if (status == json.end() || !status->is_number_unsigned() || status->get<uint64_t>() > 0xffff)
    return bad("waitStatus is missing or not a wait status");
  result.wait_status = status->get<int32_t>();
  auto time = json.find("finishedAt");
  if (time == json.end() || !time->is_string())
    return bad("finishedAt is missing");
  if (auto at = parse_timestamp(time->get_ref<const std::string&>()))
    result.at = *at;
  else
    return bad("finishedAt: " + at.error().reason);
  for (auto [key, target] : {std::pair{"oomKills", &result.oom_kills},
                             {"oomGroupKills", &result.oom_group_kills},
                             {"memoryPeak", &result.memory_peak},
                             {"memoryLimit", &result.memory_limit}}) {
    auto value = json.find(key);
    if (value == json.end() || !value->is_number_unsigned())
      return bad(std::string{key} + " is missing or not a count");
    *target = value->get<uint64_t>();
  }
  return result;
}

} // namespace berth
