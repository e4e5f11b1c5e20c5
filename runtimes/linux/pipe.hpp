#pragma once

#include "messages/error.hpp"
#include "runtimes/linux/unique_fd.hpp"

#include <string>

namespace berth {

/// The two ends of a pipe. Reading never blocks; writing does, so that a program in another process
/// sees a normal pipe.
struct Pipe {
  static Result<Pipe> make();

  /// Appends what is there to `buffer`, at most `max` bytes. Closes the reading end when no more
  /// can come.
  void read_available(std::string& buffer, size_t max);

  UniqueFd read_end;
  UniqueFd write_end;
};

} // namespace berth
