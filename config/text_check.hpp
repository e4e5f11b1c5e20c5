#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace berth {

/// A place in a text: both count from 1, columns in characters.
struct TextPosition {
  int line = 1;
  int column = 1;

  friend bool operator==(const TextPosition&, const TextPosition&) = default;
};

/// Something that a configuration file must not contain.
struct TextFault {
  TextPosition where;
  std::string what;
};

/// The first byte of `text` that is not UTF-8 or a control character other than tab and line break; nothing if all is
/// well.
std::optional<TextFault> find_fault(std::string_view text);

/// Turns positions that count bytes into positions that count characters. Cheap if asked in rising order, as a parser
/// does, even for a file that is one long line.
class ColumnCounter {
public:
  /// `text` must be valid UTF-8 and outlive the counter.
  explicit ColumnCounter(std::string_view text) : text_{text} {
    // nop
  }

  /// The position of the byte with this index; the end of the text for any larger index.
  TextPosition at(size_t index);

private:
  std::string_view text_;
  size_t index_ = 0;
  TextPosition position_;
};

} // namespace berth
