#pragma once

#include "messages/error.hpp"
#include "runtimes/linux/unique_fd.hpp"

#include <cstdint>
#include <map>
#include <string>

namespace berth {

/// The files of one rotated log: `LOG` is the present one, `LOG.1` the one before, and so on. Whoever rotates first makes
/// `LOG.new`, then moves each file up by one number beginning with the oldest, then puts `LOG.new` in the place of `LOG`,
/// so that there is always a `LOG`.
class LogChain {
public:
  /// Fails with `system_error` if the directory of `path` cannot be opened. The log need not exist.
  static Result<LogChain> open(const std::string& path);

  /// Number (0 for `LOG` itself) to inode. Not a snapshot: a rotation may go on meanwhile.
  std::map<uint32_t, uint64_t> files() const;

  /// Inode of `LOG`; 0 if there is none.
  uint64_t current() const;

  /// Somebody is between the first and the last step of a rotation (or died there).
  bool is_rotating() const;

  /// The directory was removed, so no file will ever come.
  bool is_gone() const;

  /// For reading; empty if there is no such file.
  UniqueFd open_file(uint32_t number) const;

  /// Of the directory (O_PATH).
  const UniqueFd& directory() const noexcept {
    return directory_;
  }

  /// Last component of the path.
  const std::string& name() const noexcept {
    return name_;
  }

private:
  LogChain(UniqueFd directory, std::string name);

  std::string name_of(uint32_t number) const;
  uint64_t inode_of(const std::string& name) const;

  UniqueFd directory_;
  std::string name_;
};

/// Inode of an open file; 0 if it has no name any more.
uint64_t linked_inode(const UniqueFd& file);

} // namespace berth
