#pragma once

namespace berth {

/// True if a person may be looking at what is written to this descriptor.
bool is_terminal(int fd);

} // namespace berth
