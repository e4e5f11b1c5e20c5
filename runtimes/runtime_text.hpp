#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace berth {

/// One message of an OCI runtime.
struct RuntimeMessage {
  /// Without the runtime's own chain of "while doing this: ".
  std::string text;
  /// Logged as an error, and not merely a line of its output.
  bool is_error = false;

  friend bool operator==(const RuntimeMessage&, const RuntimeMessage&) = default;
};

/// Reads the log and the stderr of a runtime, oldest message first: JSON objects, with or without
/// line breaks between them, and plain lines. Messages below the level of an error are left out,
/// and so are stack traces and usage texts. Of text that is cut off anywhere, what can be read of
/// it; more than 64 KiB is not looked at.
std::vector<RuntimeMessage> parse_runtime_text(std::string_view text);

/// The message that says most: the first error, unless it only says that something else has failed.
/// Empty if there is none.
std::string main_message(const std::vector<RuntimeMessage>& messages);

/// Without control characters, and at most 300 bytes.
std::string one_line(std::string_view text);

} // namespace berth
