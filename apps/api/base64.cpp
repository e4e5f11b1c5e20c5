#include "apps/api/base64.hpp"

#include <algorithm>

namespace berth {

std::string encode_base64(std::string_view bytes) {
  constexpr auto digits =
      std::string_view{"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"};
  auto result = std::string{};
  result.reserve((bytes.size() + 2) / 3 * 4);
  for (; !bytes.empty(); bytes.remove_prefix(std::min<size_t>(3, bytes.size()))) {
    auto byte = [&](size_t i) {
      return i < bytes.size() ? static_cast<unsigned char>(bytes[i]) : 0u;
    };
    auto bits = byte(0) << 16 | byte(1) << 8 | byte(2);
    result += digits[bits >> 18 & 63];
    result += digits[bits >> 12 & 63];
    result += bytes.size() > 1 ? digits[bits >> 6 & 63] : '=';
    result += bytes.size() > 2 ? digits[bits & 63] : '=';
  }
  return result;
}

} // namespace berth
