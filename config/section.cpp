#include "config/section.hpp"

#include "config/quantity.hpp"
#include "config/spelling.hpp"

#include <algorithm>

namespace berth {
namespace {

bool is_control(char c) {
  return static_cast<unsigned char>(c) < 0x20 || c == 0x7f;
}

bool is_any_of(std::string_view text, std::initializer_list<std::string_view> words) {
  return std::any_of(words.begin(), words.end(),
                     [&](auto word) { return equal_ignoring_case(text, word); });
}

} // namespace

bool check_kind(const YamlNode& node, YamlNode::Kind kind, const std::string& path,
                ErrorList& errors) {
  if (!node.tag.empty()) {
    errors.add(node.origin, path, "the tag " + in_quotes(node.tag) + " has no meaning here");
    return false;
  }
  if (node.kind == kind || node.kind == YamlNode::Kind::null)
    return true;
  errors.add(node.origin, path,
             std::string{"expected "} + describe(kind) + ", found " + describe(node.kind));
  return false;
}

Section::Section(const YamlNode* node, std::string path, std::string shown_path, KeyTable keys,
                 LoadState& state)
    : node_{node}, path_{std::move(path)}, shown_path_{std::move(shown_path)}, state_{state} {
  if (node_ == nullptr || !check_kind(*node_, YamlNode::Kind::map, shown_path_, state_.errors)) {
    node_ = nullptr;
    return;
  }
  for (const auto& entry : node_->entries) {
    auto known = find_key(keys, entry.key);
    if (known == nullptr)
      state_.errors.add(entry.origin, shown_path_,
                        "unknown key " + in_quotes(entry.key)
                            + hint_for_unknown_key(keys, entry.key));
    else if (!known->ignored_because.empty())
      state_.settings.ignored.push_back(
          {path_of(entry.key), std::string{known->ignored_because}, entry.origin});
  }
}

const YamlNode* Section::get(std::string_view key) const {
  auto found = entry(key);
  return found == nullptr || found->value.kind == YamlNode::Kind::null ? nullptr : &found->value;
}

Origin Section::key_origin(std::string_view key) const {
  auto found = entry(key);
  return found == nullptr ? Origin{} : found->origin;
}

std::string Section::shown_path_of(std::string_view key) const {
  auto found = entry(key);
  return join_path(shown_path_, found == nullptr || found->synonym.empty() ? key : found->synonym);
}

std::optional<std::string> Section::text(std::string_view key) {
  auto node = get(key);
  if (node == nullptr
      || !check_kind(*node, YamlNode::Kind::scalar, shown_path_of(key), state_.errors))
    return std::nullopt;
  return node->text;
}

void Section::reject(std::string_view key, std::string what) {
  auto node = get(key);
  state_.errors.add(node == nullptr ? key_origin(key) : node->origin, shown_path_of(key),
                    std::move(what));
}

Origin Section::accept(std::string_view key) {
  auto origin = get(key)->origin;
  state_.settings.provenance[path_of(key)] = {origin, {}};
  return origin;
}

void Section::read(std::string_view key, Sourced<std::string>& result, size_t max_length) {
  auto value = text(key);
  if (!value || value->empty())
    return;
  if (value->size() > max_length)
    reject(key, in_quotes(*value) + " is longer than " + std::to_string(max_length) + " bytes");
  else if (std::any_of(value->begin(), value->end(), is_control))
    reject(key, in_quotes(*value) + " contains a control character");
  else
    result = {std::move(*value), accept(key)};
}

void Section::read(std::string_view key, Sourced<bool>& result) {
  auto value = text(key);
  if (!value)
    return;
  auto is_true = is_any_of(*value, {"true", "yes", "on"});
  if (!is_true && !is_any_of(*value, {"false", "no", "off"}))
    reject(key, in_quotes(*value) + " is neither true nor false");
  else if (get(key)->quoted)
    reject(key,
           "expected true or false, found the text " + in_quotes(*value) + " (remove the quotes)");
  else
    result = {is_true, accept(key)};
}

std::optional<uint64_t> Section::count(std::string_view key, Bounds bounds) {
  auto number = parsed(key, parse_count);
  if (!number)
    return std::nullopt;
  auto range = "from " + std::to_string(bounds.low) + " to " + std::to_string(bounds.high);
  if (get(key)->quoted)
    reject(key, "expected a number, found the text " + in_quotes(get(key)->text)
                    + " (remove the quotes)");
  else if (*number < bounds.low || *number > bounds.high)
    reject(key, std::to_string(*number) + " is out of range (" + range + ")");
  else
    return number;
  return std::nullopt;
}

void Section::read(std::string_view key, Sourced<uint32_t>& result, Bounds bounds) {
  if (auto number = count(key, bounds))
    result = {static_cast<uint32_t>(*number), accept(key)};
}

std::optional<std::chrono::milliseconds> Section::duration(std::string_view key, Bounds bounds) {
  auto value = parsed(key, parse_duration);
  if (!value)
    return std::nullopt;
  auto low = std::chrono::milliseconds{bounds.low};
  auto high = std::chrono::milliseconds{bounds.high};
  if (*value >= low && *value <= high)
    return value;
  reject(key, format_duration(*value) + " is out of range (from " + format_duration(low) + " to "
                  + format_duration(high) + ")");
  return std::nullopt;
}

void Section::read(std::string_view key, Sourced<std::chrono::milliseconds>& result,
                   Bounds bounds) {
  if (auto value = duration(key, bounds))
    result = {*value, accept(key)};
}

void Section::read(std::string_view key, Sourced<std::chrono::seconds>& result, Bounds bounds) {
  auto value = duration(key, bounds);
  if (!value)
    return;
  auto seconds = std::chrono::duration_cast<std::chrono::seconds>(*value);
  if (seconds == *value)
    result = {seconds, accept(key)};
  else
    reject(key, format_duration(*value) + " is not a whole number of seconds");
}

std::optional<size_t> Section::word(std::string_view key, std::string_view what,
                                    std::span<const std::string_view> words) {
  auto value = text(key);
  if (!value || value->empty())
    return std::nullopt;
  auto i = std::find(words.begin(), words.end(), *value);
  if (i != words.end())
    return static_cast<size_t>(i - words.begin());
  auto hint = std::string{};
  // The name of gVisor's program is one letter away from the other runtime, which is not what was
  // meant.
  if (auto meant = *value == "runsc" ? std::string_view{"gvisor"} : nearest(*value, words);
      !meant.empty())
    hint = "did you mean " + in_quotes(meant) + "? ";
  reject(key, "unknown " + std::string{what} + ' ' + in_quotes(*value) + " (" + hint
                  + "known: " + join(words) + ")");
  return std::nullopt;
}

} // namespace berth
