#pragma once

#include "messages/error.hpp"
#include "runtimes/linux/unique_fd.hpp"

#include <string>
#include <string_view>

namespace berth {

/// A container's log file, rotated by size: `LOG` is the present one, `LOG.1` the one before, and
/// so on. Entries are never split between files, and at every moment there is a file named `LOG`: a
/// reader that has come to the end of the file it holds, and finds another one under the name, has
/// read it to its end.
///
/// Writing never fails its caller. When the disk is full, entries are dropped and counted, and the
/// log says so as soon as it can be written again.
class LogFile {
public:
  /// `max_size` in bytes, 0 for no limit; `max_files` includes the present one.
  static Result<LogFile> open(std::string path, uint64_t max_size, uint32_t max_files);

  /// Appends whole entries of the CRI format.
  void append(std::string_view entries);

  void close();

private:
  LogFile(std::string path, uint64_t max_size, uint32_t max_files, UniqueFd fd, uint64_t size);

  bool rotate();
  bool write(std::string_view text);
  void write_or_drop(std::string_view entries);

  std::string path_;
  uint64_t max_size_;
  uint32_t max_files_;
  UniqueFd fd_;
  uint64_t size_;
  uint64_t dropped_ = 0; // entries that are missing since the last one that was written
};

} // namespace berth
