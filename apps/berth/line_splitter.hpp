#pragma once

#include <functional>
#include <string>
#include <string_view>

namespace berth::cli {

/// Cuts a stream of bytes into lines.
class LineSplitter {
public:
  /// Longer lines than this are an error; in bytes.
  static constexpr size_t max_line = 16 * 1024 * 1024;

  /// Gives every line that is complete by now, without its end and only if it is not empty, to `on_line`. Returns false
  /// if `on_line` does, or if a line is too long.
  bool feed(std::string_view bytes, const std::function<bool(std::string_view)>& on_line);

  /// True if a line has begun and not ended.
  bool has_rest() const {
    return !rest_.empty();
  }

  bool overflowed() const {
    return rest_.size() > max_line;
  }

private:
  std::string rest_;
};

} // namespace berth::cli
