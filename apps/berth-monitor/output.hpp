#pragma once

#include "apps/berth-monitor/log_file.hpp"
#include "apps/berth-monitor/poll_set.hpp"
#include "runtimes/cri_log.hpp"

#include <optional>

namespace berth {

/// The container's stdout and stderr: two anonymous pipes (CRIU can dump a container that holds
/// those, but not one that holds files of the host) and the log that they end in.
///
/// Until `go_live` the pipes belong to the runtime, which prints there why it fails; that never
/// reaches the log.
class Output {
public:
  Result<void> open(const std::string& log_path, uint64_t max_size, uint32_t max_files);

  /// The container's ends of the pipes.
  int stdout_fd() const {
    return streams_[0].write_end.get();
  }

  int stderr_fd() const {
    return streams_[1].write_end.get();
  }

  /// Gives up our copies of the container's ends; from then on a pipe ends with its last writer.
  void close_write_ends();

  /// From now on what arrives is the container's. What arrived before is thrown away.
  void go_live();

  /// The end of what the runtime printed on stderr before `go_live`.
  const std::string& early_text() const {
    return early_text_;
  }

  /// Both pipes have ended.
  bool ended() const {
    return !streams_[0].read_end && !streams_[1].read_end;
  }

  void watch(PollSet& set) const;

  /// Reads what is there, up to a bound, so that a container that never stops talking does not stop
  /// the monitor.
  void serve(const PollSet& set);

  /// When `write_pending` is due: a prompt without a newline shall be seen although its line is not
  /// complete.
  std::optional<Clock::time_point> pending_due() const {
    return pending_due_;
  }

  void write_pending();

  /// Writes what is still pending and closes the log.
  void close();

private:
  struct Stream {
    UniqueFd read_end;
    UniqueFd write_end;
    CriLogSplitter splitter;
  };

  /// False when nothing is there right now.
  bool read_some(Stream& stream);
  void flush();

  std::optional<LogFile> log_;
  Stream streams_[2] = {{{}, {}, CriLogSplitter{LogStream::out}},
                        {{}, {}, CriLogSplitter{LogStream::err}}};
  bool live_ = false;
  std::string early_text_;
  std::string entries_; // complete, not yet in the file
  std::optional<Clock::time_point> pending_due_;
};

} // namespace berth
