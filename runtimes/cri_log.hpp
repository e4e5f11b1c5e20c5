#pragma once

#include "messages/error.hpp"
#include "messages/types.hpp"

#include <string>
#include <string_view>

/// The log format of the Kubernetes container runtime interface, one line of text per entry:
///
///     2016-10-06T00:17:09.669794202Z stdout F the text of a whole line
///     2016-10-06T00:17:09.669794202Z stderr P a part of a long line, or a last line without end
///
/// A reader reproduces the exact bytes of a stream: the texts in their order, with a newline after
/// each `F`.
namespace berth {

enum class LogStream : uint8_t { out, err };

/// "stdout" / "stderr", as in the format.
const char* to_string(LogStream stream);

/// Longest text of one entry in bytes; longer lines become several entries.
constexpr size_t cri_text_limit = 16 * 1024;

/// Longest entry, newline included.
constexpr size_t cri_entry_limit = cri_text_limit + 64;

/// Cuts the bytes of one stream into entries. Pure: whoever owns it writes the entries to the file.
class CriLogSplitter {
public:
  explicit CriLogSplitter(LogStream stream) : stream_(stream) {
    // nop
  }

  /// Appends the entries that `bytes` complete to `out`. What follows the last newline is kept for
  /// later.
  void split(std::string_view bytes, Timestamp at, std::string& out);

  /// Appends what was kept as a partial entry.
  void flush(Timestamp at, std::string& out);

  /// True if bytes are kept that no entry holds yet.
  bool pending() const {
    return !kept_.empty();
  }

private:
  LogStream stream_;
  std::string kept_; // without newline, at most cri_text_limit bytes
};

/// One line of a log file, without its newline. The text is a part of what was parsed.
struct CriLogEntry {
  Timestamp time;
  LogStream stream = LogStream::out;
  /// No newline belongs behind the text.
  bool partial = false;
  std::string_view text;

  friend bool operator==(const CriLogEntry&, const CriLogEntry&) = default;
};

/// Reads one line, given without its newline. Fails with `bad_request` on anything else than the
/// format.
Result<CriLogEntry> parse_cri_log_line(std::string_view line);

} // namespace berth
