#pragma once

#include "messages/error.hpp"

namespace berth {

/// Captures `errno` for a failed system call: "system_error: openat memory.max: No such file or directory". Call it before
/// anything else can overwrite `errno`.
Error sys_error(const char* call, const std::string& subject = {});

} // namespace berth
