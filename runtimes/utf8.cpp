#include "runtimes/utf8.hpp"

#include <cstdint>

namespace berth {

bool is_utf8(std::string_view text) {
  // Length and range of the second byte for each kind of first byte, as in table 3-7 of the Unicode
  // standard.
  struct Row {
    uint8_t first, last, low, high;
    size_t length;
  };
  constexpr Row rows[] = {
    {0x00, 0x7f, 0x00, 0x00, 1}, {0xc2, 0xdf, 0x80, 0xbf, 2}, {0xe0, 0xe0, 0xa0, 0xbf, 3},
    {0xe1, 0xec, 0x80, 0xbf, 3}, {0xed, 0xed, 0x80, 0x9f, 3}, {0xee, 0xef, 0x80, 0xbf, 3},
    {0xf0, 0xf0, 0x90, 0xbf, 4}, {0xf1, 0xf3, 0x80, 0xbf, 4}, {0xf4, 0xf4, 0x80, 0x8f, 4},
  };
  auto byte = [&](size_t i) { return static_cast<uint8_t>(text[i]); };
  for (size_t i = 0; i < text.size();) {
    auto row = static_cast<const Row*>(nullptr);
    for (auto& candidate : rows)
      if (byte(i) >= candidate.first && byte(i) <= candidate.last)
        row = &candidate;
    if (row == nullptr || text.size() - i < row->length)
      return false;
    if (row->length > 1 && (byte(i + 1) < row->low || byte(i + 1) > row->high))
      return false;
    for (size_t k = 2; k < row->length; ++k)
      if ((byte(i + k) & 0xc0) != 0x80)
        return false;
    i += row->length;
  }
  return true;
}

} // namespace berth
