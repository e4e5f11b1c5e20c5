#pragma once

#include "messages/error.hpp"
#include "runtimes/linux/unique_fd.hpp"

#include <optional>
#include <string>

namespace berth {

/// A number that only grows, in a file of its own: it is still known when whatever it counts is damaged. Written in place, so
/// that a full disk is no hindrance once the file is there.
class SequenceFile {
public:
  SequenceFile() = default;

  /// Makes the file if there is none. Fails with `system_error`.
  static Result<SequenceFile> open(const std::string& path);

  /// Nothing if there is none yet, or if it is damaged.
  std::optional<uint64_t> get() const;

  /// Outlives this process. Errors are passed over: the number is a second witness.
  void put(uint64_t number) const;

private:
  UniqueFd file_;
};

/// Makes an empty file that only its owner may read (0600); one that is there keeps what it has. Fails with `system_error`.
Result<void> create_private_file(const std::string& path);

} // namespace berth
