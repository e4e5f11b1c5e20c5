#pragma once

#include "messages/error.hpp"
#include "runtimes/linux/log_chain.hpp"

#include <chrono>
#include <optional>

namespace berth {

/// Reads a container's log from its oldest kept file on, and on request goes on reading while it is written and rotated:
/// without a gap, without a line twice. Blocks; for threads that serve a client, not for actors. For one thread.
///
/// The log ends when nobody has it open for writing: its writer, the container's monitor, holds it open for as long as
/// the container lives, and when it rotates, the new file is in place before the old one is closed. So the log of a
/// container that has ended is read to its end and no longer, whether the end was before or during the reading.
class LogFollower {
public:
  enum class Mode {
    /// Ends with what is there now.
    read,
    /// Goes on until the writer has closed the log.
    follow,
  };

  /// Fails with `system_error` if there is no such log. In mode `follow` only its directory has to exist: the log is
  /// waited for.
  static Result<LogFollower> open(const std::string& path, Mode mode);

  struct Piece {
    enum class Kind {
      /// Whole lines. Only the last line of a file may lack its newline, if its writer died.
      lines,
      /// Files were removed before they could be read: lines may be missing here.
      gap,
      /// Nothing came in the given time; all that there is was read.
      idle,
      /// The log is over.
      end,
    };

    Kind kind = Kind::idle;
    std::string lines;
  };

  /// The next piece, at most 128 KiB. Waits for it for up to `timeout`, so that the caller can look after its client; 0
  /// does not wait. Fails with `system_error` if the file cannot be read.
  Result<Piece> next(std::chrono::milliseconds timeout);

  /// Readable when something has happened to the log since the last `next`, which then may need a few milliseconds to make
  /// sense of it. For waiting together with other descriptors only; empty in mode `read`.
  const UniqueFd& fd() const noexcept {
    return inotify_;
  }

private:
  /// A file to go on with; without one, there is none.
  struct Step {
    UniqueFd file;
    bool gap = false;
    /// How many files were begun after this one.
    uint64_t newer = 0;
  };

  /// Nothing: a rotation is under way, look again in a moment.
  using Attempt = std::optional<Step>;

  LogFollower(LogChain chain, Mode mode, UniqueFd inotify);

  using Files = std::map<uint32_t, uint64_t>;

  static Result<LogFollower> open_clocked(LogChain chain);
  Result<void> enter_first();
  Attempt successor();
  Attempt look_for_successor();
  Attempt oldest();
  Attempt after_linked(uint64_t inode);
  Attempt after_removed();
  Attempt open_step(const Files& files, Files::const_iterator next);
  Result<void> enter(Step step);
  Result<bool> read_block();
  std::optional<std::string> take_lines(bool all);
  bool may_grow() const;
  void wait(std::chrono::milliseconds timeout);
  bool take_events();

  LogChain chain_;
  Mode mode_;
  UniqueFd inotify_; // empty in mode `read`
  /// `inotify_` is a timer, because the user has no inotify instance left.
  bool is_clocked_ = false;
  bool stirred_ = false; // the kernel has told of something since the last read
  int file_watch_ = -1;
  UniqueFd file_;
  uint64_t offset_ = 0;
  std::string buffer_;     // read and not given out yet
  uint64_t newer_ = 0;     // files that were begun after this one, as far as the kernel has told
  bool closed_ = false;    // a writer has closed this file
  int closing_checks_ = 0; // how often to look soon whether that was the last one
  bool gap_ahead_ = false; // to be told before anything of this file
};

} // namespace berth
