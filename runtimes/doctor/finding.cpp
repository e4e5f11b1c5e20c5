#include "runtimes/doctor/finding.hpp"

#include <algorithm>

namespace berth {

const char* to_string(FindingStatus status) {
  switch (status) {
    case FindingStatus::ok: return "ok";
    case FindingStatus::note: return "note";
    case FindingStatus::warning: return "warning";
    case FindingStatus::problem: return "problem";
  }
  return "?";
}

Finding make_finding(const char* name, std::string subject, FindingStatus status, std::string found, std::string fix) {
  if (status == FindingStatus::ok)
    fix.clear();
  return {name, std::move(subject), status, std::move(found), std::move(fix)};
}

std::string join_words(const std::vector<std::string>& words) {
  auto result = std::string{};
  for (const auto& word : words)
    result += (result.empty() ? "" : ", ") + word;
  return result;
}

std::string_view area_of(const Finding& finding) {
  return std::string_view{finding.name}.substr(0, finding.name.find('.'));
}

bool is_wanted(std::string_view name, const std::vector<std::string>& wanted) {
  return wanted.empty() || std::any_of(wanted.begin(), wanted.end(), [&](auto& begin) { return name.starts_with(begin); });
}

bool may_be_wanted(std::string_view prefix, const std::vector<std::string>& wanted) {
  return is_wanted(prefix, wanted)
         || std::any_of(wanted.begin(), wanted.end(), [&](auto& begin) { return std::string_view{begin}.starts_with(prefix); });
}

} // namespace berth
