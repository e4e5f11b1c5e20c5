#pragma once

#include <algorithm>
#include <string>
#include <string_view>

namespace berth {

/// Longest message of a failure that is sent to the daemon.
constexpr size_t message_limit = 8 * 1024;

/// Appends `bytes` and keeps the last `limit` bytes of the whole: the end of an output tells why a
/// program failed.
inline void append_tail(std::string& text, std::string_view bytes, size_t limit) {
  text += bytes.substr(bytes.size() - std::min(bytes.size(), limit));
  if (text.size() > limit)
    text.erase(0, text.size() - limit);
}

/// Without white space at its end.
inline std::string trimmed(std::string text) {
  text.erase(text.find_last_not_of(" \t\r\n") + 1);
  return text;
}

} // namespace berth
