#include "config/spelling.hpp"

#include <algorithm>
#include <cstdio>
#include <vector>

namespace berth {
namespace {

constexpr size_t max_quoted = 80;

char lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

/// How many single characters must be changed, added, removed, or swapped with their neighbour to
/// make `a` into `b`.
size_t typing_errors(std::string_view a, std::string_view b) {
  auto row = [&] {
    return std::vector<size_t>(b.size() + 1);
  };
  auto before_last = row();
  auto last = row();
  auto current = row();
  for (size_t j = 0; j <= b.size(); ++j)
    last[j] = j;
  for (size_t i = 1; i <= a.size(); ++i) {
    current[0] = i;
    for (size_t j = 1; j <= b.size(); ++j) {
      auto differs = lower(a[i - 1]) == lower(b[j - 1]) ? size_t{0} : size_t{1};
      current[j] = std::min({last[j] + 1, current[j - 1] + 1, last[j - 1] + differs});
      if (i > 1 && j > 1 && lower(a[i - 1]) == lower(b[j - 2])
          && lower(a[i - 2]) == lower(b[j - 1]))
        current[j] = std::min(current[j], before_last[j - 2] + 1);
    }
    std::swap(before_last, last);
    std::swap(last, current);
  }
  return last[b.size()];
}

} // namespace

std::string in_quotes(std::string_view text) {
  auto cut = text.size() > max_quoted;
  if (cut) {
    // Not in the middle of a UTF-8 character.
    auto end = max_quoted;
    while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xc0) == 0x80)
      --end;
    text = text.substr(0, end);
  }
  auto result = std::string{'"'};
  for (auto c : text) {
    auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      result += '\\';
      result += c;
    } else if (c == '\n') {
      result += "\\n";
    } else if (c == '\t') {
      result += "\\t";
    } else if (byte < 0x20 || byte == 0x7f) {
      char escaped[5];
      std::snprintf(escaped, sizeof(escaped), "\\x%02x", byte);
      result += escaped;
    } else {
      result += c;
    }
  }
  result += cut ? "...\"" : "\"";
  return result;
}

bool equal_ignoring_case(std::string_view a, std::string_view b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](char x, char y) { return lower(x) == lower(y); });
}

std::string_view nearest(std::string_view word, std::span<const std::string_view> candidates) {
  auto best = std::string_view{};
  auto best_errors = word.size() <= 3 ? size_t{2} : size_t{3};
  for (auto candidate : candidates) {
    auto shorter = std::min(word.size(), candidate.size());
    if (std::max(word.size(), candidate.size()) - shorter >= best_errors)
      continue;
    auto errors = typing_errors(word, candidate);
    if (errors < best_errors && errors < candidate.size()) {
      best = candidate;
      best_errors = errors;
    }
  }
  return best;
}

std::string join(std::span<const std::string_view> words) {
  auto result = std::string{};
  for (auto word : words) {
    if (!result.empty())
      result += ", ";
    result += word;
  }
  return result;
}

} // namespace berth
