#include "apps/berth/ledger_text.hpp"

#include "apps/berth/format.hpp"
#include "apps/berth/table.hpp"

#include <nlohmann/json.hpp>

namespace berth::cli {

namespace {

using Json = nlohmann::ordered_json;

Answer<Json> parse(std::string_view text) {
  auto json = Json::parse(text, nullptr, false);
  if (!json.is_object())
    return fail("bad_answer", "the daemon gave an answer that is not understood");
  return json;
}

std::string text(const Json& json, const char* key) {
  auto found = json.find(key);
  return found != json.end() && found->is_string() ? found->get<std::string>() : std::string{};
}

std::string number(const Json& json, const char* key) {
  auto found = json.find(key);
  return found != json.end() && found->is_number() ? found->dump() : "0";
}

Tone tone_of(const std::string& verdict, bool has_problem) {
  if (has_problem)
    return Tone::bad;
  if (verdict == "adopted")
    return Tone::good;
  return verdict == "foreign" ? Tone::warning : Tone::plain;
}

} // namespace

Answer<LedgerText> describe_ledger(std::string_view json, bool in_colour) {
  auto ledger = parse(json);
  if (!ledger)
    return tl::unexpected{ledger.error()};
  auto result = LedgerText{};
  auto table = Table{{{"KIND"}, {"NAME"}, {"VERDICT"}, {"CONTAINER"}, {"DETAIL"}}};
  auto rows = 0;
  for (const auto& entry : ledger->value("entries", Json::array())) {
    auto kind = text(entry, "kind");
    auto verdict = text(entry, "verdict");
    auto problem = text(entry, "problem");
    result.has_problems = result.has_problems || !problem.empty();
    // The things of a container that is known go with its own line.
    if (kind != "container" && (verdict == "adopted" || verdict == "finished"))
      continue;
    auto detail = problem.empty() ? text(entry, "detail") : "could not be removed: " + problem;
    table.add({{kind}, {text(entry, "name")}, {verdict, tone_of(verdict, !problem.empty())}, {text(entry, "container")}, {detail}});
    ++rows;
  }
  if (rows > 0)
    result.text += table.render(in_colour) + "\n";
  const auto& containers = ledger->value("containers", Json::object());
  const auto& things = ledger->value("things", Json::object());
  for (const auto& note : ledger->value("notes", Json::array()))
    if (note.is_string())
      result.text += "note: " + printable(note.get<std::string>()) + "\n";
  result.text += "containers: " + number(containers, "adopted") + " adopted, " + number(containers, "finished") + " finished\n"
                 + "things:     " + number(things, "adopted") + " adopted, " + number(things, "finished") + " finished, "
                 + number(things, "orphan") + " orphans, " + number(things, "foreign") + " foreign\n"
                 + "at:         " + printable(text(*ledger, "time")) + ", took " + number(*ledger, "tookMs") + " ms\n";
  return result;
}

Answer<std::string> describe_drain(std::string_view json) {
  auto report = parse(json);
  if (!report)
    return tl::unexpected{report.error()};
  return "the node is drained: " + number(*report, "ended") + " containers ended, " + number(*report, "stopped")
         + " of them were stopped\n";
}

} // namespace berth::cli
