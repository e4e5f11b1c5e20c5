#include "config/text_check.hpp"

#include <algorithm>
#include <cstdint>
#include <cstdio>

namespace berth {
namespace {

bool is_continuation(char c) {
  return (static_cast<unsigned char>(c) & 0xc0) == 0x80;
}

std::string hex(char c) {
  char result[5];
  std::snprintf(result, sizeof(result), "0x%02x", static_cast<unsigned char>(c));
  return result;
}

/// The length of the UTF-8 character at the front of `text`; 0 if there is none.
size_t character_length(std::string_view text) {
  auto first = static_cast<unsigned char>(text.front());
  if (first < 0x80)
    return 1;
  auto length = size_t{0};
  auto code = uint32_t{0};
  if ((first & 0xe0) == 0xc0) {
    length = 2;
    code = first & 0x1fU;
  } else if ((first & 0xf0) == 0xe0) {
    length = 3;
    code = first & 0x0fU;
  } else if ((first & 0xf8) == 0xf0) {
    length = 4;
    code = first & 0x07U;
  }
  if (length == 0 || text.size() < length)
    return 0;
  for (auto c : text.substr(1, length - 1)) {
    if (!is_continuation(c))
      return 0;
    code = code << 6 | (static_cast<unsigned char>(c) & 0x3fU);
  }
  // Encodings that are longer than needed, surrogates, and what lies beyond Unicode.
  constexpr uint32_t smallest[] = {0, 0, 0x80, 0x800, 0x10000};
  auto valid = code >= smallest[length] && code <= 0x10ffff && (code < 0xd800 || code > 0xdfff);
  return valid ? length : 0;
}

constexpr size_t mark_distance = 128;

/// The position after the byte `c`. A character counts from its first byte on.
void advance(TextPosition& position, char c) {
  if (c == '\n')
    position = {position.line + 1, 1};
  else if (!is_continuation(c))
    ++position.column;
}

} // namespace

std::optional<TextFault> find_fault(std::string_view text) {
  auto where = TextPosition{};
  while (!text.empty()) {
    auto c = text.front();
    auto length = character_length(text);
    if (length == 0)
      return TextFault{where, "byte " + hex(c) + " is not UTF-8"};
    if ((static_cast<unsigned char>(c) < 0x20 && c != '\t' && c != '\n' && c != '\r') || c == 0x7f)
      return TextFault{where, "control character " + hex(c) + " is not allowed"};
    text.remove_prefix(length);
    if (c == '\n')
      where = {where.line + 1, 1};
    else
      ++where.column;
  }
  return std::nullopt;
}

ColumnCounter::ColumnCounter(std::string_view text) : text_{text} {
  auto position = TextPosition{};
  for (size_t i = 0; i < text.size(); ++i) {
    if (i % mark_distance == 0)
      marks_.push_back(position);
    advance(position, text[i]);
  }
}

TextPosition ColumnCounter::at(size_t index) const {
  index = std::min(index, text_.size());
  // A text that ends where a mark would be has none for its end.
  auto mark = std::min(index / mark_distance, marks_.empty() ? 0 : marks_.size() - 1);
  auto result = marks_.empty() ? TextPosition{} : marks_[mark];
  for (auto c : text_.substr(mark * mark_distance, index - mark * mark_distance))
    advance(result, c);
  return result;
}

} // namespace berth
