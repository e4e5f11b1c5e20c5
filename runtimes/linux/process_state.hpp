#pragma once

#include <string_view>

namespace berth {

/// True if the process is gone, a zombie, or has a SIGKILL waiting for it: it will not do anything any more.
bool is_dying(int pid);

/// The same by the text of /proc/PID/status.
bool is_dying_status(std::string_view status);

} // namespace berth
