#include "config/yaml_tree.hpp"

#include <algorithm>
#include <unordered_map>
#include <utility>

namespace berth {

const YamlEntry* YamlNode::find(std::string_view key) const {
  auto i = std::find_if(entries.begin(), entries.end(),
                        [&](const YamlEntry& entry) { return entry.key == key; });
  return i == entries.end() ? nullptr : &*i;
}

YamlEntry* YamlNode::find(std::string_view key) {
  return const_cast<YamlEntry*>(std::as_const(*this).find(key));
}

const char* describe(YamlNode::Kind kind) {
  switch (kind) {
    case YamlNode::Kind::null: return "nothing";
    case YamlNode::Kind::scalar: return "a single value";
    case YamlNode::Kind::list: return "a list";
    case YamlNode::Kind::map: return "a map";
  }
  return "?";
}

void merge_into(YamlNode& base, YamlNode overlay) {
  if (base.kind == YamlNode::Kind::map && overlay.kind == YamlNode::Kind::null)
    return;
  if (base.kind != YamlNode::Kind::map || overlay.kind != YamlNode::Kind::map) {
    base = std::move(overlay);
    return;
  }
  auto places = std::unordered_map<std::string, size_t>{};
  for (size_t i = 0; i < base.entries.size(); ++i)
    places.emplace(base.entries[i].key, i);
  for (auto& entry : overlay.entries) {
    auto place = places.find(entry.key);
    if (place == places.end()) {
      base.entries.push_back(std::move(entry));
      continue;
    }
    auto& existing = base.entries[place->second];
    existing.origin = std::move(entry.origin);
    existing.synonym = std::move(entry.synonym);
    merge_into(existing.value, std::move(entry.value));
  }
}

} // namespace berth
