#pragma once

#include "apps/berth/options.hpp"

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include <tl/expected.hpp>

namespace berth::cli {

/// What the command knows of the world it was started in.
struct Surroundings {
  /// An environment variable, if it is set.
  std::function<std::optional<std::string>(const std::string& name)> env;
  /// Absolute; relative paths start here.
  std::string cwd;
};

struct CommandLine {
  Endpoint endpoint;
  VerbOptions verb;
};

/// The command ends without a verb: with help that was asked for (exit code 0), or because it was not understood (2).
struct EarlyEnd {
  int exit_code = 0;
  /// For stdout if the exit code is 0, else for stderr.
  std::string text;
};

/// Reads the arguments behind the program's name.
tl::expected<CommandLine, EarlyEnd> parse_command_line(const std::vector<std::string>& args,
                                                       const Surroundings& surroundings);

} // namespace berth::cli
