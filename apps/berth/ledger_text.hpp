#pragma once

#include "apps/berth/failure.hpp"

#include <string>
#include <string_view>

namespace berth::cli {

struct LedgerText {
  /// For people; with ends of lines.
  std::string text;
  /// Something could not be removed.
  bool has_problems = false;
};

/// From the API's JSON. Colours for terminals.
Answer<LedgerText> describe_ledger(std::string_view json, bool in_colour);

/// "3 containers ended, 2 of them were stopped"
Answer<std::string> describe_drain(std::string_view json);

} // namespace berth::cli
