#pragma once

#include "messages/error.hpp"
#include "messages/types.hpp"

#include <string_view>

namespace berth {

/// Reads an RFC 3339 time: "2026-01-02T03:04:05Z", with up to nine digits of fractions and with an
/// offset ("+02:00") instead of "Z". Years 1970 to 2261, the range of `Timestamp`. Fails with
/// `bad_request`.
Result<Timestamp> parse_timestamp(std::string_view text);

} // namespace berth
