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

  friend bool operator==(const ConfigText&, const ConfigText&) = default;
};

/// The most files that a configuration may have: the main file, and one drop-in for each pool.
constexpr size_t max_config_files = 1001;

/// The most bytes that they may hold together, for some kilobytes of each pool. What is sent to berthd obeys the same limits
/// as what it starts with.
constexpr size_t max_config_size = 4 * 1024 * 1024;

/// Why a configuration of so many files and bytes is not read; empty if it is.
std::string objection_to_size(size_t files, size_t bytes);

/// A valid configuration, or everything that is wrong with it in the order of the files and lines.
using LoadResult = tl::expected<Settings, std::vector<ConfigError>>;

/// Reads the configuration that `texts` make together: the main file first, then its drop-ins, each
/// on top of those before it. Maps are merged key by key, lists and single values are replaced; the
/// later file wins. A key that is given twice in one file is an error.
LoadResult load_settings(const std::vector<ConfigText>& texts);

/// The files of a configuration as they were at one moment, or why they cannot be read.
using ReadResult = tl::expected<std::vector<ConfigText>, std::vector<ConfigError>>;

/// Reads `path` and the files `conf.d/*.yaml` and `conf.d/*.yml` in the same directory, those in
/// the order of their names. Hidden files are skipped; a missing `conf.d` is an empty one. Stops at
/// the file that makes it too large. Files that change meanwhile are read again, or are an error:
/// see `read_settled`.
ReadResult read_config_files(const std::string& path);

/// Reads the files and then what is in them.
LoadResult load_config(const std::string& path);

} // namespace berth
