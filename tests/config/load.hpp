#pragma once

#include "config/load_settings.hpp"

#include <algorithm>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace berth::test {

/// All errors of the file "f.yaml" with this text, as an operator sees them; "valid" if there are
/// none.
inline std::string errors_in(const std::string& text) {
  auto loaded = load_settings({{"f.yaml", text}});
  return loaded ? "valid" : render(loaded.error());
}

/// The settings of a text that must be valid. Its errors end the test otherwise.
inline Settings valid(const std::string& text) {
  auto loaded = load_settings({{"f.yaml", text}});
  if (!loaded)
    throw std::runtime_error{render(loaded.error())};
  return std::move(*loaded);
}

/// A configuration with one pool, "a", with these lines in it, which start in line 4 and column 7.
inline std::string pool_with(const std::string& lines) {
  auto result = std::string{"worker:\n  pools:\n    a:\n"};
  auto line_start = size_t{0};
  while (line_start < lines.size()) {
    auto line_end = std::min(lines.find('\n', line_start), lines.size());
    result += "      " + lines.substr(line_start, line_end - line_start) + '\n';
    line_start = line_end + 1;
  }
  return result;
}

} // namespace berth::test
