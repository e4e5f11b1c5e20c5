#pragma once

#include "messages/error.hpp"

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

namespace berth {

// Amounts as people write them, in the configuration and on the command line. Every failure is a
// `bad_request` that quotes the text and says how to write it.

/// Bytes: "1048576", "64M", "512Mi", "1.5G". K, M, G and T are powers of 1024 with or without "i"
/// and "B", in either case, as in other container commands.
Result<uint64_t> parse_bytes(std::string_view text);

/// A memory limit in bytes: 0 for none, or 1 MiB (nothing starts below that) to 1 PiB.
Result<uint64_t> parse_memory(std::string_view text);

/// A CPU limit in thousandths of a CPU: "2", "0.5", "500m". 0 for none, or 10m (the kernel's
/// smallest quota is 1 ms in a period of 100 ms) to 4096 CPUs.
Result<uint64_t> parse_cpu(std::string_view text);

/// A limit of processes and threads: 0 for none, at most 4194304 (the kernel's largest process id).
Result<uint64_t> parse_pids(std::string_view text);

/// A duration: "30s", "500ms", "1m30s", "2h", or a plain number of seconds ("30", "0.5"). At most
/// 1000 hours.
Result<std::chrono::milliseconds> parse_duration(std::string_view text);

/// A whole number in plain decimal digits: no sign, no leading zeros, no underscores.
Result<uint64_t> parse_count(std::string_view text);

/// The inverse of `parse_bytes`, in the largest unit that divides: "64Mi".
std::string format_bytes(uint64_t bytes);

/// The inverse of `parse_cpu`: 500 is "0.5".
std::string format_cpu(uint64_t millis);

/// The inverse of `parse_duration`: "1m30s", "1500ms".
std::string format_duration(std::chrono::milliseconds duration);

} // namespace berth
