#include "apps/api/wire.hpp"

#include <nlohmann/json.hpp>

namespace berth {

namespace {

using Json = nlohmann::ordered_json;

std::string text_of(const Json& json) {
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

constexpr auto verdicts = {Verdict::adopted, Verdict::finished, Verdict::orphan, Verdict::foreign};

} // namespace

std::string to_wire(const Ledger& ledger) {
  auto counts = Json::object();
  auto containers = Json::object();
  for (auto verdict : verdicts) {
    counts[to_string(verdict)] = count(ledger, verdict);
    containers[to_string(verdict)] = count(ledger, LedgerKind::container, verdict);
  }
  auto entries = Json::array();
  for (const auto& entry : ledger.entries)
    entries.push_back({{"kind", to_string(entry.kind)},
                       {"name", entry.name},
                       {"verdict", to_string(entry.verdict)},
                       {"container", entry.container.value},
                       {"detail", entry.detail},
                       {"problem", entry.problem}});
  return text_of({{"time", to_string(ledger.at)},
                  {"tookMs", static_cast<double>(ledger.took.count()) / 1e6},
                  {"containers", containers},
                  {"things", counts},
                  {"notes", ledger.notes},
                  {"entries", entries}});
}

std::string to_wire(const DrainReport& report) {
  return text_of({{"ended", report.ended}, {"stopped", report.stopped}});
}

} // namespace berth
