#pragma once

#include "messages/error.hpp"

#include <chrono>

namespace berth {

/// Posts `body` to an address of http or https, whose certificate is checked against the host's authorities. Blocks for at most about `deadline`.
/// Fails with `system_error` if nobody answers in time, or if the answer is not one of success. Redirects are not followed.
Result<void> http_post(const std::string& url, const std::string& type, const std::string& body,
                       std::chrono::milliseconds deadline);

} // namespace berth
