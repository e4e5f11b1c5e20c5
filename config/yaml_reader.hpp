#pragma once

#include "config/config_error.hpp"
#include "config/yaml_tree.hpp"

#include <optional>
#include <string>

namespace berth {

/// The largest configuration file that is read, in bytes: thousands of pools, and what a hostile
/// file can cost stays below a second.
constexpr size_t max_config_file_size = 1024 * 1024;

/// Reads the one YAML document of `text`, called `file` in all places; a text without any value
/// gives an empty node. Nothing if it cannot be read; then `errors` says why. What does not stop
/// the reader, such as a key given twice, is reported as well and the rest is returned.
///
/// Bounded against hostile input: size, nesting (64 levels), and number of values with every use of
/// an alias counted. Never throws.
std::optional<YamlNode> read_yaml(const std::string& file, std::string_view text,
                                  ErrorList& errors);

} // namespace berth
