#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace berth::cli {

/// The bytes behind standard base64 (RFC 4648, with padding); nothing if it is not that.
std::optional<std::string> decode_base64(std::string_view text);

} // namespace berth::cli
