#pragma once

#include "messages/error.hpp"

#include <string>

namespace berth {

/// Absolute path of an executable file: `name` itself if it has a slash, else the first one in PATH. Fails with
/// `bad_request`, the reason of which says whether it is missing, a directory, or not executable.
Result<std::string> find_program(const std::string& name);

/// Absolute path of the executable of the calling process.
Result<std::string> own_executable();

} // namespace berth
