#include "runtimes/runtime_text.hpp"

#include "runtimes/utf8.hpp"

#include <algorithm>
#include <array>

#include <nlohmann/json.hpp>

namespace berth {

namespace {

constexpr size_t max_line = 300;
/// Runtimes say the important things first, and in few words.
constexpr size_t max_text = 64 * 1024;
/// After so many brackets that open nothing readable, brackets are text.
constexpr int max_broken_objects = 16;

/// What a runtime was doing, in its own words, around the reason.
constexpr auto chains = std::array<std::string_view, 15>{
  "runc create failed: ",
  "runc run failed: ",
  "exec failed: ",
  "unable to start container process: ",
  "error during container init: ",
  "creating container: ",
  "cannot create sandbox: ",
  "cannot create sandbox process: ",
  "starting container: ",
  "starting root container: ",
  "starting sandbox: ",
  "creating process: ",
  "executing processes for container: ",
  "FATAL ERROR: ",
  "fatal error: ",
};

/// Said only after something else has gone wrong.
constexpr auto consequences = std::array<std::string_view, 3>{
  "Error reading mounts file: ", // runsc: the gofer ended
  "setCapsAndCallSelf(",         // runsc: repeats its arguments
  "cannot read client sync file: waiting for sandbox to start: EOF", // runsc: the sandbox ended
};

bool begins_with(std::string_view text, std::string_view prefix) {
  return text.substr(0, prefix.size()) == prefix;
}

std::string strip_chains(std::string_view text) {
  // glog's "W1123 15:24:05.524242   11679 util.go:64] "
  if (auto end = text.find("] "); end != text.npos && text.substr(0, end).find(".go:") != text.npos)
    text.remove_prefix(end + 2);
  for (auto again = true; again;) {
    again = false;
    for (auto chain : chains)
      if (begins_with(text, chain)) {
        text.remove_prefix(chain.size());
        again = true;
      }
  }
  return std::string{text};
}

/// Cuts the JSON object off the front of `text`; nothing if there is no whole one.
std::string_view take_object(std::string_view& text) {
  auto depth = 0;
  auto in_string = false;
  for (size_t i = 0; i < text.size(); ++i) {
    if (in_string) {
      if (text[i] == '\\')
        ++i;
      else if (text[i] == '"')
        in_string = false;
    } else if (text[i] == '"') {
      in_string = true;
    } else if (text[i] == '{') {
      ++depth;
    } else if (text[i] == '}' && --depth == 0) {
      auto object = text.substr(0, i + 1);
      text.remove_prefix(i + 1);
      return object;
    }
  }
  return {};
}

/// Where a plain line ends: before the next line break, or before the next message if there is none
/// between them, because the beginning of this one was cut off.
size_t line_end(std::string_view text) {
  return std::min(
    {text.find('\n'), text.find("{\"msg\":", 1), text.find("{\"level\":", 1), text.size()});
}

void add_object(std::vector<RuntimeMessage>& messages, std::string_view object) {
  auto json = nlohmann::json::parse(object, nullptr, false);
  if (!json.is_object())
    return;
  auto level = json.find("level");
  auto text = json.find("msg");
  if (level == json.end() || text == json.end() || !text->is_string()
      || (*level != "error" && *level != "fatal"))
    return;
  messages.push_back({strip_chains(text->get_ref<const std::string&>()), true});
}

} // namespace

std::string one_line(std::string_view text) {
  auto is_text = is_utf8(text);
  auto result = std::string{text.substr(0, max_line)};
  if (result.size() < text.size()) {
    // Not in the middle of a character.
    while (!result.empty() && (static_cast<unsigned char>(text[result.size()]) & 0xc0) == 0x80)
      result.pop_back();
    result += "...";
  }
  for (auto& c : result) {
    auto byte = static_cast<unsigned char>(c);
    if (byte < 0x20 || byte == 0x7f)
      c = ' ';
    else if (byte > 0x7f && !is_text)
      c = '?';
  }
  return result;
}

std::vector<RuntimeMessage> parse_runtime_text(std::string_view text) {
  auto result = std::vector<RuntimeMessage>{};
  auto broken_objects = 0;
  text = text.substr(0, max_text);
  while (!text.empty()) {
    if (text.front() == '\n' || text.front() == ' ') {
      text.remove_prefix(1);
      continue;
    }
    if (text.front() == '{' && broken_objects < max_broken_objects) {
      if (auto object = take_object(text); !object.empty()) {
        add_object(result, object);
        continue;
      }
      ++broken_objects;
    }
    auto line = text.substr(0, line_end(text));
    text.remove_prefix(line.size());
    // The rest of a crash is a stack trace, the rest of a usage error is the usage.
    if (begins_with(line, "goroutine ") || begins_with(line, "Usage: "))
      break;
    result.push_back({strip_chains(line), false});
  }
  return result;
}

std::string main_message(const std::vector<RuntimeMessage>& messages) {
  auto is_cause = [](const RuntimeMessage& message) {
    return std::none_of(consequences.begin(), consequences.end(),
                        [&](auto text) { return begins_with(message.text, text); });
  };
  auto is_error = [](const RuntimeMessage& message) { return message.is_error; };
  auto best = std::find_if(messages.begin(), messages.end(),
                           [&](auto& x) { return is_error(x) && is_cause(x); });
  if (best == messages.end())
    best = std::find_if(messages.begin(), messages.end(), is_cause);
  if (best == messages.end())
    best = std::find_if(messages.begin(), messages.end(), is_error);
  return best == messages.end() ? std::string{} : one_line(best->text);
}

} // namespace berth
