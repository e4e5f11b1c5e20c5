#include "apps/berth/actor_view.hpp"

#include "apps/berth/format.hpp"
#include "apps/berth/json_values.hpp"
#include "apps/berth/table.hpp"

#include <algorithm>
#include <map>

namespace berth::cli {

namespace {

ActorView read_actor(const Json& json) {
  return {number(json, "actor"),   text(json, "kind"),    text(json, "pool"),
          text(json, "container"), text(json, "detail"),  text(json, "state"),
          number(json, "mailbox"), number(json, "handled"), std::chrono::nanoseconds{number(json, "busyNs")},
          number(json, "restarts")};
}

Tone tone_of(const std::string& state) {
  if (state == "behind" || state == "restarting" || state == "unavailable")
    return Tone::bad;
  if (state == "degraded" || state == "stopping")
    return Tone::warning;
  return state == "idle" || state == "exited" ? Tone::faint : Tone::plain;
}

} // namespace

Answer<std::vector<ActorView>> read_actors(std::string_view json) {
  auto list = Json::parse(json, nullptr, false);
  if (!list.is_array())
    return not_understood();
  auto result = std::vector<ActorView>{};
  for (const auto& item : list)
    if (item.is_object())
      result.push_back(read_actor(item));
  return result;
}

std::string actor_table(const std::vector<ActorView>& actors, bool in_colour) {
  auto table = Table{{{"ACTOR", true},
                      {"KIND"},
                      {"POOL"},
                      {"CONTAINER"},
                      {"DETAIL"},
                      {"STATE"},
                      {"MAILBOX", true},
                      {"HANDLED", true},
                      {"BUSY", true},
                      {"RESTARTS", true}}};
  for (const auto& actor : actors)
    table.add({{std::to_string(actor.number)},
               {actor.kind},
               {actor.pool},
               {actor.container},
               {actor.detail},
               {actor.state, tone_of(actor.state)},
               {std::to_string(actor.mailbox)},
               {std::to_string(actor.handled)},
               {format_span(actor.busy)},
               {std::to_string(actor.restarts)}});
  return table.render(in_colour);
}

Answer<std::string> describe_actor(std::string_view json, bool in_colour) {
  auto actor = Json::parse(json, nullptr, false);
  if (!actor.is_object() || !actor.contains("knows") || !actor["knows"].is_object())
    return not_understood();
  auto result = actor_table({read_actor(actor)}, in_colour) + "\n";
  auto table = Table{{{"KNOWS"}, {"VALUE"}}};
  for (const auto& [name, value] : actor["knows"].items())
    table.add({{name}, {value.is_string() ? value.get<std::string>() : value.dump(-1, ' ', false, Json::error_handler_t::replace)}});
  return result + table.render(in_colour);
}

std::vector<ActorPace> paces(const std::vector<ActorView>& before, const std::vector<ActorView>& now,
                             std::chrono::nanoseconds between) {
  auto past = std::map<uint64_t, const ActorView*>{};
  for (const auto& actor : before)
    past[actor.number] = &actor;
  auto seconds = std::max(std::chrono::duration<double>(between).count(), 1e-9);
  auto result = std::vector<ActorPace>{};
  for (const auto& actor : now) {
    static const auto none = ActorView{};
    auto found = past.find(actor.number);
    const auto& was = found != past.end() ? *found->second : none;
    result.push_back({actor, static_cast<double>(actor.handled - std::min(actor.handled, was.handled)) / seconds,
                      std::chrono::duration<double>(actor.busy - was.busy).count() / seconds});
  }
  std::stable_sort(result.begin(), result.end(), [](const auto& x, const auto& y) { return x.load > y.load; });
  return result;
}

std::string tracing_table(std::string_view json) {
  auto state = Json::parse(json, nullptr, false);
  if (!state.is_object())
    return {};
  auto row = [&](const char* title, const std::string& value) {
    auto line = std::string{title};
    line.resize(12, ' ');
    return line + printable(value) + "\n";
  };
  auto count = [&](const char* key) { return std::to_string(number(state, key)); };
  auto result = row("records", text(state, "mode"));
  result += row("keeps", count("kept") + " of at most " + count("maxSpans") + " spans, none older than "
                           + format_span(std::chrono::milliseconds{number(state, "maxAgeMs")}));
  result += row("takes", "at most " + count("maxRate") + " spans a second");
  result += row("so far", count("recorded") + " recorded, " + count("dropped") + " lost, " + count("refused")
                            + " beginnings left out because of the rate");
  if (auto collector = text(state, "collector"); !collector.empty()) {
    result += row("collector", collector + ": " + count("exported") + " handed over, " + count("exportLost") + " lost");
    if (auto error = text(state, "exportError"); !error.empty())
      result += row("", error);
  }
  return result;
}

} // namespace berth::cli
