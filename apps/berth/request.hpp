#pragma once

#include "apps/berth/options.hpp"

#include <string>

namespace berth::cli {

// The bodies of requests, as JSON. Only what was asked for is in them; the daemon knows the defaults.

std::string launch_request(const RunOptions& options);
std::string why_request(const WhyOptions& options);
std::string exec_request(const ExecOptions& options);

} // namespace berth::cli
