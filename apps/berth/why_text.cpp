#include "apps/berth/why_text.hpp"

#include "apps/berth/format.hpp"
#include "apps/berth/table.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>

namespace berth::cli {

namespace {

using Json = nlohmann::ordered_json;

std::string text(const Json& json, const char* key) {
  auto i = json.find(key);
  return i != json.end() && i->is_string() ? printable(i->get<std::string>()) : std::string{};
}

bool flag(const Json& json, const char* key) {
  auto i = json.find(key);
  return i != json.end() && i->is_boolean() && i->get<bool>();
}

int64_t number(const Json& json, const char* key) {
  auto i = json.find(key);
  return i != json.end() && i->is_number_integer() ? i->get<int64_t>() : 0;
}

std::vector<Json> objects(const Json& json, const char* key) {
  auto result = std::vector<Json>{};
  if (auto i = json.find(key); i != json.end() && i->is_array())
    std::copy_if(i->begin(), i->end(), std::back_inserter(result), [](const auto& x) { return x.is_object(); });
  return result;
}

std::string capital(std::string sentence) {
  if (!sentence.empty() && sentence[0] >= 'a' && sentence[0] <= 'z')
    sentence[0] = static_cast<char>(sentence[0] - 'a' + 'A');
  return sentence;
}

/// "container trainer of pool sandbox", "this launch in pool sandbox, which needs 2 GPUs and checkpoints,"
std::string subject(const Json& json, const std::string& container) {
  if (!container.empty())
    return "container " + printable(container) + " of pool " + text(json, "pool");
  auto gpus = number(json, "gpus");
  auto needs = gpus == 0 ? std::string{} : gpus == 1 ? std::string{"a GPU"} : std::to_string(gpus) + " GPUs";
  if (flag(json, "checkpoint"))
    needs += needs.empty() ? "checkpoints" : " and checkpoints";
  return "a launch in pool " + text(json, "pool") + (needs.empty() ? "" : " that needs " + needs);
}

/// The last word on the way that was gone: that of the chosen alternative, or of why others were not.
std::string because(const Json& json) {
  auto result = std::string{};
  for (const auto& alternative : objects(json, "alternatives")) {
    auto outcome = text(alternative, "outcome");
    if (outcome == "not_needed")
      continue;
    result += (result.empty() ? "" : ", and ") + text(alternative, "why");
    if (outcome == "chosen")
      break;
  }
  return result;
}

std::string verdict(const Json& json, const std::string& container, bool in_colour) {
  auto mark = [&](const std::string& words, Tone tone) { return in_colour ? coloured(words, tone) : words; };
  if (flag(json, "refused")) {
    auto error = json.value("error", Json::object());
    if (!error.is_object())
      error = Json::object();
    auto next = text(error, "next");
    return capital(subject(json, container)) + " would be " + mark("refused", Tone::bad) + ": " + text(error, "code") + "\n  "
           + text(error, "subject") + ": " + text(error, "reason") + "\n" + (next.empty() ? "" : "  Next: " + next + "\n");
  }
  auto runtime = text(json, "runtime");
  auto configured = text(json, "configuredRuntime");
  auto is_other = runtime != configured;
  auto why = because(json);
  return capital(subject(json, container)) + (container.empty() ? " would run on " : " got ")
         + mark(runtime, is_other ? Tone::warning : Tone::good) + (is_other ? " instead of " + configured : "")
         + (why.empty() ? "" : ": " + why) + "\n";
}

std::string precedence(const Json& json, bool in_colour) {
  auto table = Table{{{"RUNTIME OF THE POOL"}, {"VALUE"}, {"WRITTEN AT"}, {"COUNTS"}}};
  auto lines = objects(json, "precedence");
  for (const auto& line : lines) {
    auto value = text(line, "value");
    auto wins = flag(line, "wins");
    auto tone = wins ? Tone::good : Tone::faint;
    table.add({{text(line, "key"), tone},
               {value.empty() ? std::string{"not set"} : value, tone},
               {text(line, "source"), tone},
               {wins ? "yes" : "no", tone}});
  }
  return lines.empty() ? std::string{} : "\n" + table.render(in_colour);
}

std::string alternatives(const Json& json, bool in_colour) {
  auto table = Table{{{"WAY"}, {"RUNTIME"}, {"OUTCOME"}, {"WHY"}}};
  auto lines = objects(json, "alternatives");
  for (const auto& line : lines) {
    auto outcome = text(line, "outcome");
    auto tone = outcome == "chosen" ? Tone::good : outcome == "refused" ? Tone::bad : Tone::faint;
    std::replace(outcome.begin(), outcome.end(), '_', ' ');
    table.add({{text(line, "way")}, {text(line, "runtime")}, {outcome, tone}, {text(line, "why")}});
  }
  return lines.empty() ? std::string{} : "\n" + table.render(in_colour);
}

std::string runtimes(const Json& json, bool in_colour) {
  auto table = Table{{{"PROBED"}, {"WORKS"}, {"VERSION"}, {"PLATFORM"}, {"BOOT", true}, {"BINARY, OR WHY NOT"}}};
  auto lines = objects(json, "runtimes");
  for (const auto& line : lines) {
    auto probed = flag(line, "probed");
    auto usable = flag(line, "usable");
    auto boot = number(line, "bootMs");
    auto name = text(line, "runtime");
    auto platform = text(line, "platform");
    table.add({{name},
               {usable ? "yes" : probed ? "no" : "not tried", usable ? Tone::good : probed ? Tone::bad : Tone::faint},
               {text(line, "version")},
               {platform.empty() && usable && name == "gvisor" ? std::string{"its default"} : platform},
               {boot == 0 ? std::string{} : format_span(std::chrono::milliseconds{boot})},
               {usable   ? text(line, "binary")
                : probed ? text(line, "reason")
                         : std::string{"no policy of the pool can need it"}}});
  }
  return lines.empty() ? std::string{} : "\n" + table.render(in_colour);
}

std::string settings(const Json& json, bool in_colour) {
  auto table = Table{{{"SETTING"}, {"VALUE"}, {"WRITTEN AT"}}};
  auto lines = objects(json, "settings");
  for (const auto& line : lines) {
    auto source = text(line, "source");
    table.add({{text(line, "key")},
               {text(line, "value")},
               {source == "launch" ? std::string{"asked for by the launch"} : source,
                source == "default" ? Tone::faint : Tone::plain}});
  }
  return lines.empty() ? std::string{} : "\n" + table.render(in_colour);
}

std::string origin(const Json& json) {
  auto rule = text(json, "rule");
  auto generation = number(json, "generation");
  auto revision = number(json, "revision");
  auto result = rule.empty() || rule == "none" ? std::string{} : "Rule " + rule;
  if (generation != 0)
    result += (result.empty() ? "G" : ", g") + ("eneration " + std::to_string(generation)) + " of the pool"
              + (revision == 0 ? "" : ", made by revision " + std::to_string(revision));
  return result.empty() ? result : "\n" + result + ".\n";
}

} // namespace

Answer<WhyText> describe_why(std::string_view json, const std::string& container, bool in_colour) {
  auto why = Json::parse(json, nullptr, false);
  if (!why.is_object())
    return fail("bad_answer", "the daemon's answer is not what it should be (is this the socket of berthd?)");
  return WhyText{verdict(why, container, in_colour) + precedence(why, in_colour) + alternatives(why, in_colour)
                   + runtimes(why, in_colour) + settings(why, in_colour) + origin(why),
                 flag(why, "refused")};
}

} // namespace berth::cli
