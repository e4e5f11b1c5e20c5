#include "apps/berth/base64.hpp"

#include <cstdint>

namespace berth::cli {

namespace {

int value_of(char c) {
  constexpr auto digits = std::string_view{"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"};
  auto position = digits.find(c);
  return position == std::string_view::npos ? -1 : static_cast<int>(position);
}

} // namespace

std::optional<std::string> decode_base64(std::string_view text) {
  if (text.size() % 4 != 0)
    return std::nullopt;
  auto padding = text.ends_with("==") ? size_t{2} : text.ends_with('=') ? size_t{1} : size_t{0};
  text.remove_suffix(padding);
  auto result = std::string{};
  result.reserve(text.size() / 4 * 3 + 2);
  auto bits = uint32_t{0};
  auto held = 0;
  for (auto c : text) {
    auto value = value_of(c);
    if (value < 0)
      return std::nullopt;
    bits = bits << 6 | static_cast<uint32_t>(value);
    held += 6;
    if (held >= 8) {
      held -= 8;
      result += static_cast<char>(bits >> held & 0xFF);
    }
  }
  return result;
}

} // namespace berth::cli
