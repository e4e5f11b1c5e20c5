#pragma once

#include "config/config_error.hpp"

#include <string>
#include <vector>

#include <tl/expected.hpp>

namespace berth {

/// A configuration file in memory.
struct ConfigText {
  /// As it appears in errors and origins.
  std::string file;
  std::string text;
};

/// A valid configuration, or everything that is wrong with it in the order of the files and lines.
using LoadResult = tl::expected<Settings, std::vector<ConfigError>>;

/// Reads the configuration that `texts` make together: the main file first, then its drop-ins, each
/// on top of those before it. Maps are merged key by key, lists and single values are replaced; the
/// later file wins. A key that is given twice in one file is an error.
LoadResult load_settings(const std::vector<ConfigText>& texts);

/// Reads `path` and the files `conf.d/*.yaml` and `conf.d/*.yml` in the same directory, those in
/// the order of their names. Hidden files are skipped; a missing `conf.d` is an empty one.
tl::expected<std::vector<ConfigText>, std::vector<ConfigError>>
read_config_files(const std::string& path);

/// Reads the files and then what is in them.
LoadResult load_config(const std::string& path);

} // namespace berth
