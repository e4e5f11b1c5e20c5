#include "apps/berth/revision_text.hpp"

#include "apps/berth/format.hpp"
#include "apps/berth/table.hpp"
#include "runtimes/timestamp.hpp"

#include <nlohmann/json.hpp>

namespace berth::cli {

namespace {

using Json = nlohmann::ordered_json;

std::string text(const Json& json, const char* key) {
  auto i = json.find(key);
  return i != json.end() && i->is_string() ? printable(i->get<std::string>()) : std::string{};
}

uint64_t number(const Json& json, const char* key) {
  auto i = json.find(key);
  return i != json.end() && i->is_number() ? i->get<uint64_t>() : 0;
}

const Json& list(const Json& json, const char* key) {
  static const auto none = Json::array();
  auto i = json.find(key);
  return i != json.end() && i->is_array() ? *i : none;
}

std::string or_nothing(std::string value) {
  return value.empty() ? "-" : value;
}

/// "    runtime: runc -> gvisor (berth.yaml:7:16)"
std::string setting_line(const Json& setting) {
  auto source = text(setting, "source");
  return "    " + text(setting, "key") + ": " + or_nothing(text(setting, "before")) + " -> "
         + or_nothing(text(setting, "after")) + (source.empty() ? "" : " (" + source + ")") + "\n";
}

std::string change_lines(const Json& json, bool in_colour) {
  auto result = std::string{};
  auto mark = [&](const std::string& line, Tone tone) { return in_colour ? coloured(line, tone) : line; };
  for (auto& pool : list(json, "changes")) {
    auto change = text(pool, "change");
    if (change == "added")
      result += mark("+ pool " + text(pool, "name"), Tone::good) + "\n";
    else if (change == "removed")
      result += mark("- pool " + text(pool, "name"), Tone::bad) + "\n";
    else
      result += mark("~ pool " + text(pool, "name"), Tone::warning) + "\n";
    // Of a new pool only what somebody has written.
    for (auto& setting : list(pool, "settings"))
      if (change != "added" || text(setting, "source") != "default")
        result += setting_line(setting);
  }
  if (!list(json, "nodeChanges").empty())
    result += mark("~ node", Tone::warning) + "\n";
  for (auto& setting : list(json, "nodeChanges"))
    result += setting_line(setting);
  for (auto& key : list(json, "needsRestart"))
    if (key.is_string())
      result += "  " + printable(key.get<std::string>()) + " takes effect when berthd starts again\n";
  return result;
}

std::string pinned_lines(const Json& json, const std::string& heading) {
  auto& pinned = list(json, "pinned");
  if (pinned.empty())
    return {};
  auto result = heading + ":\n";
  for (auto& container : pinned)
    result += "    " + text(container, "id") + " (pool " + text(container, "pool") + ", generation "
              + std::to_string(number(container, "generation")) + ", " + text(container, "runtime") + ", pid "
              + std::to_string(number(container, "pid"))
              + (container.value("untouched", true) ? ")\n" : "): NOT THE SAME PROCESS ANY MORE\n");
  return result;
}

/// What would not go through, and why.
std::string refusal_lines(const Json& plan) {
  auto result = std::string{};
  auto add = [&](const char* key, const std::string& heading) {
    if (!list(plan, key).empty())
      result += heading + ":\n";
    for (auto& refusal : list(plan, key)) {
      auto pool = text(refusal, "pool");
      auto next = text(refusal, "next");
      result += "    " + (pool.empty() ? std::string{} : "pool " + pool + ": ") + text(refusal, "reason")
                + (next.empty() ? "" : " (" + next + ")") + "\n";
    }
  };
  add("refusedLaunches", "Launches that would be refused");
  add("refused", "An apply would be REFUSED");
  if (!plan.value("triedOut", false) && list(plan, "refused").empty())
    result += "Whether the runtimes work was not tried out.\n";
  return result;
}

Answer<Json> parse(std::string_view json, bool is_list) {
  auto parsed = Json::parse(json, nullptr, false);
  if (is_list ? !parsed.is_array() : !parsed.is_object())
    return fail("bad_answer", "the daemon's answer is not what it should be (is this the socket of berthd?)");
  return parsed;
}

bool has_changes(const Json& json) {
  return !list(json, "changes").empty() || !list(json, "nodeChanges").empty();
}

/// "3 pools changed" and the like.
std::string summary(const Json& json) {
  auto result = std::string{};
  for (auto& pool : list(json, "changes")) {
    auto change = text(pool, "change");
    result += (result.empty() ? "" : " ") + std::string{change == "added" ? "+" : change == "removed" ? "-" : "~"}
              + text(pool, "name");
  }
  if (!list(json, "nodeChanges").empty())
    result += (result.empty() ? "" : " ") + std::string{"~node"};
  return or_nothing(result);
}

} // namespace

Answer<RevisionText> describe_plan(std::string_view json, bool in_colour) {
  auto plan = parse(json, false);
  if (!plan)
    return tl::unexpected{plan.error()};
  if (!has_changes(*plan))
    return RevisionText{"Nothing would change: revision " + std::to_string(number(*plan, "revision"))
                          + " is this configuration.\n",
                        false};
  return RevisionText{"Compared with revision " + std::to_string(number(*plan, "revision")) + ":\n"
                        + change_lines(*plan, in_colour)
                        + pinned_lines(*plan, "Containers that would keep what they were started with")
                        + refusal_lines(*plan),
                      true};
}

Answer<RevisionText> describe_receipt(std::string_view json, bool in_colour) {
  auto receipt = parse(json, false);
  if (!receipt)
    return tl::unexpected{receipt.error()};
  auto revision = std::to_string(number(*receipt, "revision"));
  if (!has_changes(*receipt))
    return RevisionText{"Nothing to change: revision " + revision + " is this configuration.\n", false};
  auto result = "Revision " + revision + " is in effect.\n" + change_lines(*receipt, in_colour);
  auto table = Table{{{"POOL"}, {"GENERATION"}, {"RUNTIME"}, {"STATE"}, {"ACCEPTED", true}, {"QUEUED", true},
                      {"REFUSED", true}, {"PINNED", true}}};
  auto arrow = [](const std::string& before, const std::string& after) {
    return before == after ? after : before + " -> " + after;
  };
  auto generation = [](uint64_t n) { return n == 0 ? std::string{"-"} : std::to_string(n); };
  for (auto& pool : list(*receipt, "pools"))
    table.add({{text(pool, "name")},
               {arrow(generation(number(pool, "oldGeneration")), generation(number(pool, "newGeneration")))},
               {text(pool, "change") == "removed" ? text(pool, "oldRuntime")
                                                  : arrow(text(pool, "oldRuntime"), text(pool, "newRuntime"))},
               {text(pool, "change") == "removed" ? std::string{"removed"} : text(pool, "state")},
               {std::to_string(number(pool, "accepted"))},
               {std::to_string(number(pool, "queued"))},
               {std::to_string(number(pool, "refused"))},
               {std::to_string(number(pool, "pinned"))}});
  result += table.render(in_colour) + pinned_lines(*receipt, "Containers that keep what they were started with");
  auto phases = receipt->value("phases", Json::object());
  char line[128];
  std::snprintf(line, sizeof(line), "Planned in %.1f ms, prepared in %.1f ms, committed in %.1f ms.\n",
                phases.value("planMs", 0.0), phases.value("prepareMs", 0.0), phases.value("commitMs", 0.0));
  auto failed = false;
  for (auto& pool : list(*receipt, "pools"))
    if (!pool.value("inEffect", true)) {
      failed = true;
      result += "Pool " + text(pool, "name") + " did not take part: " + text(pool, "reason") + "\n";
    }
  return RevisionText{result + line, true, failed};
}

Answer<std::string> describe_history(std::string_view json, bool in_colour) {
  auto revisions = parse(json, true);
  if (!revisions)
    return tl::unexpected{revisions.error()};
  auto table = Table{{{"REVISION", true}, {"TIME"}, {"ORIGIN"}, {"CHANGES"}, {"DIGEST"}}};
  for (auto i = revisions->rbegin(); i != revisions->rend(); ++i) {
    auto current = i->value("current", false);
    table.add({{std::to_string(number(*i, "revision")) + (current ? "*" : " "), current ? Tone::good : Tone::plain},
               {text(*i, "time").substr(0, 19)},
               {text(*i, "origin")},
               {summary(*i)},
               {text(*i, "digest").substr(0, 19)}});
  }
  return table.render(in_colour);
}

} // namespace berth::cli
