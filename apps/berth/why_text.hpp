#pragma once

#include "apps/berth/failure.hpp"

#include <string>
#include <string_view>

namespace berth::cli {

/// What an explanation comes to.
struct WhyText {
  /// For people; with ends of lines.
  std::string text;
  /// The launch would be refused.
  bool is_refused = false;
};

/// From the API's JSON. `container`: whose explanation it is; empty for a launch that has not been. Colours for terminals.
Answer<WhyText> describe_why(std::string_view json, const std::string& container, bool in_colour);

} // namespace berth::cli
