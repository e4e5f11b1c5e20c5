#pragma once

#include "apps/berth/failure.hpp"
#include "apps/berth/options.hpp"

#include <string>
#include <string_view>

namespace berth::cli {

/// The levels of the daemon's log, one line for each component; from the API's JSON.
Answer<std::string> describe_log(std::string_view json, bool in_colour);

/// The body of a request that sets a level.
std::string log_request(const LogOptions& options);

} // namespace berth::cli
