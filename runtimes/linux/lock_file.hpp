#pragma once

#include "messages/error.hpp"
#include "runtimes/linux/unique_fd.hpp"

#include <string>

namespace berth {

/// Takes the lock that says "this directory is mine" and writes our pid into the file. Held until the descriptor is closed,
/// also by a crash. If another process has it, the error (`wrong_state`) names its pid.
Result<UniqueFd> take_lock(const std::string& path);

} // namespace berth
