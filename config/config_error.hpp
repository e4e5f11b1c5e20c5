#pragma once

#include "config/settings.hpp"
#include "messages/error.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace berth {

/// One thing that is wrong with a configuration.
struct ConfigError {
  Origin where;
  /// The section or value that is concerned, "worker.pools.sandbox.runtime"; empty for the file as
  /// a whole.
  std::string path;
  /// What is wrong with it, and what would be right.
  std::string what;

  friend bool operator==(const ConfigError&, const ConfigError&) = default;
};

/// "berth.yaml:7:7: pools.sandbox: unknown key "runtme" (did you mean "runtime"?)". Paths below
/// `worker.pools` are written without `worker`.
std::string render(const ConfigError& error);

/// What is wrong with a configuration, bounded: a file of rubbish must not produce as much rubbish
/// again.
class ErrorList {
public:
  void add(Origin where, std::string path, std::string what);
  bool empty() const {
    return errors_.empty();
  }
  /// All errors in the order of `files` and of the lines in them; if there were more than are kept,
  /// the last one says how many.
  std::vector<ConfigError> sorted(const std::vector<std::string>& files) &&;

private:
  std::vector<ConfigError> errors_;
  size_t not_kept_ = 0;
};

/// One line for each.
std::string render(const std::vector<ConfigError>& errors);

/// All of them as one error, for callers that refuse to work with the configuration.
Error to_error(const std::vector<ConfigError>& errors);

/// `parent.key`, or `key` below the top.
std::string join_path(std::string_view parent, std::string_view key);

} // namespace berth
