#pragma once

#include "messages/error.hpp"
#include "messages/types.hpp"

#include <chrono>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace berth {

/// The parameters behind the "?" of a request, read strictly: a parameter that is unknown, given
/// twice or not of its form is a `bad_request` that names it. The same value is never read with two
/// meanings.
class Query {
public:
  /// Takes decoded pairs. `known` are the names that the request may have.
  static Result<Query> check(const std::vector<std::pair<std::string, std::string>>& pairs,
                             std::span<const std::string_view> known);

  bool has(std::string_view name) const {
    return find(name) != nullptr;
  }

  /// "true", "1" or nothing behind the name; "false" or "0". False if it is not given.
  Result<bool> flag(std::string_view name, bool fallback = false) const;

  /// Empty if it is not given.
  std::string text(std::string_view name) const;

  /// Nothing if it is not given.
  Result<std::optional<uint64_t>> count(std::string_view name) const;

  /// The parts between commas; none of them may be empty. An empty list if it is not given.
  Result<std::vector<std::string>> list(std::string_view name) const;

  /// A number of seconds ("2", "0.5"), at most a day. Nothing if it is not given.
  Result<std::optional<std::chrono::milliseconds>> seconds(std::string_view name) const;

  /// A time of RFC 3339, or a duration ("10m") that ends at `now`. Nothing if it is not given.
  Result<std::optional<Timestamp>> since(std::string_view name, Timestamp now) const;

private:
  const std::string* find(std::string_view name) const;

  std::vector<std::pair<std::string, std::string>> pairs_;
};

/// "TERM", "SIGTERM" in any case, or a number from 1 to 64. Fails with `bad_request`.
Result<int> parse_signal(std::string_view text);

} // namespace berth
