#include "apps/berth/doctor_report.hpp"

#include "apps/berth/format.hpp"
#include "apps/berth/table.hpp"

#include <algorithm>

#include <nlohmann/json.hpp>

namespace berth::cli {

namespace {

using Json = nlohmann::ordered_json;

constexpr auto status_width = size_t{9};

Tone tone_of(FindingStatus status) {
  switch (status) {
    case FindingStatus::ok: return Tone::good;
    case FindingStatus::note: return Tone::faint;
    case FindingStatus::warning: return Tone::warning;
    case FindingStatus::problem: return Tone::bad;
  }
  return Tone::plain;
}

std::string padded(std::string text, size_t columns) {
  text.resize(std::max(text.size(), columns), ' ');
  return text;
}

std::string counted(size_t n, const std::string& what) {
  return std::to_string(n) + " " + what + (n == 1 ? "" : "s");
}

std::string title_of(const Finding& finding) {
  return finding.name + (finding.subject.empty() ? "" : " (" + printable(finding.subject) + ")");
}

} // namespace

FindingCounts count(const Findings& findings) {
  auto of = [&](FindingStatus status) {
    return static_cast<size_t>(std::count_if(findings.begin(), findings.end(), [&](auto& x) { return x.status == status; }));
  };
  return {of(FindingStatus::ok), of(FindingStatus::note), of(FindingStatus::warning), of(FindingStatus::problem)};
}

std::string findings_as_text(const Findings& findings, bool in_colour) {
  auto result = std::string{};
  auto coloured_if = [&](const std::string& text, Tone tone) { return in_colour ? coloured(text, tone) : text; };
  auto area = std::string_view{};
  for (const auto& finding : findings) {
    if (area_of(finding) != area) {
      area = area_of(finding);
      result += (result.empty() ? "" : "\n") + std::string{area} + "\n";
    }
    result += "  " + coloured_if(padded(to_string(finding.status), status_width), tone_of(finding.status)) + title_of(finding) + ": "
              + printable(finding.found) + "\n";
    if (!finding.fix.empty())
      result += "  " + std::string(status_width, ' ') + coloured_if("fix: ", Tone::faint) + printable(finding.fix) + "\n";
  }
  auto counts = count(findings);
  auto verdict = counts.problems > 0 ? coloured_if("This host is not fit", Tone::bad) : coloured_if("This host is fit", Tone::good);
  return result + (result.empty() ? "" : "\n") + verdict + ": " + counted(counts.problems, "problem") + ", "
         + counted(counts.warnings, "warning") + ", " + counted(counts.notes, "note") + ", " + std::to_string(counts.ok) + " ok.\n";
}

std::string findings_as_json(const Findings& findings) {
  auto counts = count(findings);
  auto json = Json{{"fit", counts.problems == 0},
                   {"counts",
                    {{"ok", counts.ok}, {"note", counts.notes}, {"warning", counts.warnings}, {"problem", counts.problems}}},
                   {"findings", Json::array()}};
  for (const auto& finding : findings)
    json["findings"].push_back({{"name", finding.name},
                                {"area", std::string{area_of(finding)}},
                                {"subject", finding.subject},
                                {"status", to_string(finding.status)},
                                {"found", finding.found},
                                {"fix", finding.fix}});
  return json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

} // namespace berth::cli
