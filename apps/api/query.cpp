#include "apps/api/query.hpp"

#include "config/quantity.hpp"
#include "config/spelling.hpp"
#include "runtimes/timestamp.hpp"

#include <algorithm>
#include <charconv>
#include <cstring>

namespace berth {

namespace {

constexpr auto longest_seconds = std::chrono::milliseconds{std::chrono::hours{24}};
constexpr int highest_signal = 64;
/// The last one with a name; real-time signals have numbers only.
constexpr int highest_named_signal = 31;

std::string subject_of(std::string_view name) {
  return "query parameter " + in_quotes(name);
}

/// A failure of reading a value, told as one of the parameter.
Error blame(std::string_view name, const Error& error) {
  return {ec::bad_request, subject_of(name), error.subject + " is " + error.reason, error.next};
}

Error not_given_right(std::string_view name, std::string_view value, std::string next) {
  return {ec::bad_request, subject_of(name), "has the value " + in_quotes(value), std::move(next)};
}

} // namespace

Result<Query> Query::check(const std::vector<std::pair<std::string, std::string>>& pairs,
                           std::span<const std::string_view> known) {
  auto result = Query{};
  for (const auto& [name, value] : pairs) {
    if (std::find(known.begin(), known.end(), name) == known.end()) {
      auto guess = nearest(name, known);
      auto next = known.empty()   ? "there are none for this request"
                  : guess.empty() ? "there are: " + join(known)
                                  : "did you mean " + in_quotes(guess) + "?";
      return failure(ec::bad_request, subject_of(name), "unknown", std::move(next));
    }
    if (result.has(name))
      return failure(ec::bad_request, subject_of(name), "given more than once", "give it once");
    result.pairs_.emplace_back(name, value);
  }
  return result;
}

const std::string* Query::find(std::string_view name) const {
  for (const auto& [key, value] : pairs_)
    if (key == name)
      return &value;
  return nullptr;
}

Result<bool> Query::flag(std::string_view name, bool fallback) const {
  auto value = find(name);
  if (!value)
    return fallback;
  if (value->empty() || *value == "true" || *value == "1")
    return true;
  if (*value == "false" || *value == "0")
    return false;
  return failure(not_given_right(name, *value, "write true or false"));
}

std::string Query::text(std::string_view name) const {
  auto value = find(name);
  return value ? *value : std::string{};
}

Result<std::optional<uint64_t>> Query::count(std::string_view name) const {
  auto value = find(name);
  if (!value)
    return std::nullopt;
  auto result = uint64_t{0};
  auto [end, error] = std::from_chars(value->data(), value->data() + value->size(), result);
  if (error != std::errc{} || end != value->data() + value->size())
    return failure(
        not_given_right(name, *value, "write a whole number from 0 to 18446744073709551615"));
  return result;
}

Result<std::vector<std::string>> Query::list(std::string_view name) const {
  auto result = std::vector<std::string>{};
  auto value = find(name);
  if (!value)
    return result;
  auto rest = std::string_view{*value};
  for (;;) {
    auto comma = rest.find(',');
    result.emplace_back(rest.substr(0, comma));
    if (result.back().empty())
      return failure(not_given_right(name, *value, "write names with commas between them"));
    if (comma == std::string_view::npos)
      return result;
    rest.remove_prefix(comma + 1);
  }
}

Result<std::optional<std::chrono::milliseconds>> Query::seconds(std::string_view name) const {
  auto value = find(name);
  if (!value)
    return std::nullopt;
  auto is_plain = std::all_of(value->begin(), value->end(),
                              [](char c) { return (c >= '0' && c <= '9') || c == '.'; });
  if (!is_plain)
    return failure(not_given_right(name, *value, "write a number of seconds such as 10 or 0.5"));
  auto result = parse_duration(*value);
  if (!result)
    return failure(blame(name, result.error()));
  if (*result > longest_seconds)
    return failure(not_given_right(name, *value, "at most a day, which is 86400 seconds"));
  return *result;
}

Result<std::optional<Timestamp>> Query::since(std::string_view name, Timestamp now) const {
  auto value = find(name);
  if (!value)
    return std::nullopt;
  // The "+" of an offset that was not escaped has been decoded to a space.
  auto text = *value;
  std::replace(text.begin(), text.end(), ' ', '+');
  if (auto time = parse_timestamp(text))
    return *time;
  auto duration = parse_duration(*value);
  if (!duration)
    return failure(not_given_right(
        name, *value, "write a time such as 2026-01-02T03:04:05Z, or how long ago, such as 10m"));
  return Timestamp{now.ns - std::chrono::nanoseconds{*duration}.count()};
}

Result<int> parse_signal(std::string_view text) {
  auto number = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error == std::errc{} && end == text.data() + text.size() && number >= 1
      && number <= highest_signal)
    return number;
  auto name = text;
  if (equal_ignoring_case(name.substr(0, 3), "SIG"))
    name.remove_prefix(3);
  for (auto signal = 1; signal <= highest_named_signal; ++signal)
    if (auto abbreviation = ::sigabbrev_np(signal);
        abbreviation && equal_ignoring_case(name, abbreviation))
      return signal;
  return failure(ec::bad_request, "signal " + in_quotes(text), "unknown",
                 "give a name such as TERM, or a number from 1 to 64");
}

} // namespace berth
