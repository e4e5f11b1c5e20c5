#pragma once

#include <string>
#include <string_view>

namespace berth {

/// Standard base64 with padding (RFC 4648).
std::string encode_base64(std::string_view bytes);

} // namespace berth
