#pragma once

#include "config/config_error.hpp"
#include "config/known_keys.hpp"
#include "config/yaml_tree.hpp"
#include "messages/error.hpp"

#include <array>
#include <chrono>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace berth {

/// What is collected while a configuration is read.
struct LoadState {
  Settings settings;
  ErrorList errors;
};

/// A range of numbers, both ends included.
struct Bounds {
  uint64_t low = 0;
  uint64_t high = 0;
};

/// One map of the configuration, read key by key with the checks that every value needs: its type,
/// its range, and a record of where it stood. Constructing one reports the keys that it must not
/// have and lists those without effect.
///
/// A key without a value, or with an empty text where a text is expected, counts as not given.
class Section {
public:
  /// `node` is null if the section was not given. `path` is complete: "worker.pools.web".
  Section(const YamlNode* node, std::string path, KeyTable keys, LoadState& state)
      : Section{node, path, path, keys, state} {
    // nop
  }
  /// The map below `key`.
  Section sub_section(std::string_view key, KeyTable keys) const {
    return {get(key), path_of(key), shown_path_of(key), keys, state_};
  }
  /// The value of `key`; null if it was not given or is empty.
  const YamlNode* get(std::string_view key) const;
  /// Where `key` itself stands.
  Origin key_origin(std::string_view key) const;
  /// The name of a setting, whichever synonym was used for it.
  std::string path_of(std::string_view key) const {
    return join_path(path_, key);
  }
  /// The same with the key as it was written, for errors.
  std::string shown_path_of(std::string_view key) const;
  /// A single value as it was written, which may be empty.
  std::optional<std::string> text(std::string_view key);
  /// Text that may become an argument or a part of a log line: no control characters, at most
  /// `max_length` bytes.
  void read(std::string_view key, Sourced<std::string>& result, size_t max_length);
  void read(std::string_view key, Sourced<bool>& result);
  void read(std::string_view key, Sourced<uint32_t>& result, Bounds bounds);
  /// The bounds are milliseconds.
  void read(std::string_view key, Sourced<std::chrono::milliseconds>& result, Bounds bounds);
  /// Whole seconds.
  void read(std::string_view key, Sourced<std::chrono::seconds>& result, Bounds bounds);
  /// One of `words`, which are the spellings of `values`. `what` names the kind in errors:
  /// "runtime".
  template <class T, size_t N>
  void read(std::string_view key, Sourced<T>& result, std::string_view what,
            const std::array<std::string_view, N>& words, const std::array<T, N>& values) {
    if (auto index = word(key, what, words))
      result = {values[*index], accept(key)};
  }
  /// Which of `words` the value of `key` is.
  std::optional<size_t> word(std::string_view key, std::string_view what,
                             std::span<const std::string_view> words);
  /// The result of one of the `parse_` functions for the value of `key`.
  template <class T>
  std::optional<T> parsed(std::string_view key, Result<T> (*parse)(std::string_view)) {
    auto written = text(key);
    if (!written)
      return std::nullopt;
    auto value = parse(*written);
    if (value)
      return *value;
    reject(key,
           value.error().subject + " is " + value.error().reason + " (" + value.error().next + ")");
    return std::nullopt;
  }
  /// Reports what is wrong with the value of `key`.
  void reject(std::string_view key, std::string what);
  /// Records that the value of `key` is in force, and says where it stands.
  Origin accept(std::string_view key);

private:
  Section(const YamlNode* node, std::string path, std::string shown_path, KeyTable keys,
          LoadState& state);
  const YamlEntry* entry(std::string_view key) const {
    return node_ == nullptr ? nullptr : node_->find(key);
  }
  std::optional<uint64_t> count(std::string_view key, Bounds bounds);
  std::optional<std::chrono::milliseconds> duration(std::string_view key, Bounds bounds);
  const YamlNode* node_;
  std::string path_;
  std::string shown_path_;
  LoadState& state_;
};

/// Reports `node` if it is not of this kind, or has a tag that means nothing here. Nothing at all
/// is of every kind.
bool check_kind(const YamlNode& node, YamlNode::Kind kind, const std::string& path,
                ErrorList& errors);

} // namespace berth
