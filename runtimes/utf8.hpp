#pragma once

#include <string_view>

namespace berth {

/// True for well-formed UTF-8 (RFC 3629: no overlong forms, no surrogates, nothing above U+10FFFF).
/// The files of the OCI runtimes are JSON, which can carry no other text.
bool is_utf8(std::string_view text);

} // namespace berth
