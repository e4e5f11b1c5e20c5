#pragma once

#include <span>
#include <string>
#include <string_view>

namespace berth {

/// `text` in double quotes, safe to print on one line of a terminal: control characters escaped,
/// long texts cut.
std::string in_quotes(std::string_view text);

/// The candidate that was most probably meant by `word`: the same but for case, or at most two
/// typing errors away (one for words of up to three characters). Empty if none is near.
std::string_view nearest(std::string_view word, std::span<const std::string_view> candidates);

/// True if both are the same but for the case of ASCII letters.
bool equal_ignoring_case(std::string_view a, std::string_view b);

/// "a, b, c".
std::string join(std::span<const std::string_view> words);

} // namespace berth
