#pragma once

#include "apps/berth/failure.hpp"

#include <string>
#include <string_view>

namespace berth::cli {

/// What a plan or a receipt comes to.
struct RevisionText {
  /// For people; with ends of lines.
  std::string text;
  /// Something differs.
  bool has_changes = false;
  /// Something of it did not come about.
  bool has_failed = false;
};

/// From the API's JSON. Colours for terminals.
Answer<RevisionText> describe_plan(std::string_view json, bool in_colour);
Answer<RevisionText> describe_receipt(std::string_view json, bool in_colour);

/// A table, newest revision first.
Answer<std::string> describe_history(std::string_view json, bool in_colour);

} // namespace berth::cli
