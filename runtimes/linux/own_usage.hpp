#pragma once

#include <cstdint>
#include <string>

namespace berth {

/// What this process uses. Values that the kernel does not tell are 0.
struct OwnUsage {
  uint64_t resident_bytes = 0;
  double cpu_seconds = 0;
  uint64_t open_fds = 0;
  uint64_t max_fds = 0;
};

OwnUsage read_own_usage();

/// Bytes of a file; 0 if there is none.
uint64_t size_of_file(const std::string& path);

} // namespace berth
