#pragma once

#include "messages/error.hpp"
#include "runtimes/linux/unique_fd.hpp"

#include <initializer_list>

namespace berth {

/// Makes these signals wait in a descriptor instead of interrupting. To be called before the first thread is started: the
/// mask is inherited. SIGPIPE is ignored along the way: a peer that goes away is an error of write(2).
Result<UniqueFd> block_signals(std::initializer_list<int> signals);

/// Takes one signal from the descriptor; waits for it.
Result<int> next_signal(const UniqueFd& descriptor);

} // namespace berth
