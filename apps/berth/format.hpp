#pragma once

#include "messages/types.hpp"

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace berth::cli {

/// Bytes for people: "512 B", "64.0 MiB"; units are powers of 1024.
std::string format_size(uint64_t bytes);

/// How long something took, in its two largest units: "850 ms", "3.2 s", "4m 10s", "2h 5m", "3d 4h".
std::string format_span(std::chrono::nanoseconds span);

/// How long ago `then` was: "just now", "1 second ago", "3 minutes ago", "2 days ago"; empty for a `then` of 0.
std::string format_age(Timestamp then, Timestamp now);

/// Part of a whole in percent, with one decimal: "12.5%"; "-" if there is no whole.
std::string format_percent(double part, double whole);

/// Replaces what could steer a terminal (control characters, also those of Latin-1) by visible escapes. What is not
/// UTF-8 is escaped, too.
std::string printable(std::string_view text);

/// Program arguments as one line that a shell would read back: quoted only where needed.
std::string format_command(const std::vector<std::string>& args);

/// At most `columns` characters, the last one an ellipsis if something was cut.
std::string shorten(std::string_view text, size_t columns);

/// Columns that UTF-8 text takes: its number of code points.
size_t width(std::string_view text);

} // namespace berth::cli
