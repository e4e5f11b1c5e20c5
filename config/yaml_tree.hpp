#pragma once

#include "config/settings.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace berth {

struct YamlEntry;

/// A YAML value with the place where it was written. A plain tree: aliases and merge keys are
/// resolved.
struct YamlNode {
  enum class Kind : uint8_t { null, scalar, list, map };

  Kind kind = Kind::null;
  /// Written in quotes or as a block, so it is text even if it looks like a number.
  bool quoted = false;
  std::string text;
  /// A tag that YAML itself does not define, such as "!Ref"; empty for all others.
  std::string tag;
  Origin origin;
  std::vector<YamlNode> items;
  /// In the order of the file; no key occurs twice.
  std::vector<YamlEntry> entries;

  /// The entry of a map, or null.
  const YamlEntry* find(std::string_view key) const;
  YamlEntry* find(std::string_view key);
};

/// One key of a map with its value.
struct YamlEntry {
  std::string key;
  /// The key as the file has it, if `key` is the name that it is a synonym of; else empty.
  std::string synonym;
  Origin origin;
  YamlNode value;
};

/// "a map", "a list", "a single value", "nothing".
const char* describe(YamlNode::Kind kind);

/// Puts `overlay` on top of `base`: maps are merged key by key, anything else is replaced. An empty
/// value changes nothing where `base` has a map, and takes a single value back.
void merge_into(YamlNode& base, YamlNode overlay);

} // namespace berth
