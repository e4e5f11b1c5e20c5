#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

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

/// The first byte of `text` that is not UTF-8 or a control character other than tab and line break;
/// nothing if all is well.
std::optional<TextFault> find_fault(std::string_view text);

/// Turns places that count bytes into places that count characters, at the same small cost for any
/// place in any text.
class ColumnCounter {
public:
  /// `text` must be valid UTF-8 and outlive the counter.
  explicit ColumnCounter(std::string_view text);

  /// The position of the byte with this index; the end of the text for any larger index.
  TextPosition at(size_t index) const;

private:
  std::string_view text_;
  /// The positions of some bytes at equal distances.
  std::vector<TextPosition> marks_;
};

} // namespace berth
