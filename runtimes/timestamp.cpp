#include "runtimes/timestamp.hpp"

#include <chrono>
#include <optional>

namespace berth {

namespace {

/// Takes digits and fixed characters off the front of a text; one mismatch makes all the rest fail.
class Reader {
public:
  explicit Reader(std::string_view text) : text_(text) {
    // nop
  }

  int64_t number(size_t digits) {
    auto value = int64_t{0};
    for (size_t i = 0; i < digits; ++i) {
      if (!is_digit()) {
        ok_ = false;
        return 0;
      }
      value = value * 10 + (take() - '0');
    }
    return value;
  }

  /// The fraction of a second in nanoseconds, of one to nine digits.
  int64_t fraction() {
    auto value = int64_t{0};
    auto digits = 0;
    for (; digits < 9 && is_digit(); ++digits)
      value = value * 10 + (take() - '0');
    ok_ = ok_ && digits > 0;
    for (; digits < 9; ++digits)
      value *= 10;
    return value;
  }

  bool skip(char wanted) {
    if (text_.empty() || text_.front() != wanted)
      return false;
    text_.remove_prefix(1);
    return true;
  }

  void need(char wanted) {
    ok_ = skip(wanted) && ok_;
  }

  bool complete() const {
    return ok_ && text_.empty();
  }

private:
  bool is_digit() const {
    return !text_.empty() && text_.front() >= '0' && text_.front() <= '9';
  }

  char take() {
    auto result = text_.front();
    text_.remove_prefix(1);
    return result;
  }

  std::string_view text_;
  bool ok_ = true;
};

std::optional<int64_t> nanoseconds(std::string_view text) {
  auto in = Reader{text};
  auto year = in.number(4);
  in.need('-');
  auto month = in.number(2);
  in.need('-');
  auto day = in.number(2);
  in.need('T');
  auto hour = in.number(2);
  in.need(':');
  auto minute = in.number(2);
  in.need(':');
  auto second = in.number(2);
  auto fraction = in.skip('.') ? in.fraction() : 0;
  auto offset = int64_t{0};
  if (!in.skip('Z')) {
    auto sign = in.skip('-') ? -1 : 1;
    if (sign > 0)
      in.need('+');
    auto hours = in.number(2);
    in.need(':');
    auto minutes = in.number(2);
    if (hours > 23 || minutes > 59)
      return std::nullopt;
    offset = sign * (hours * 60 + minutes);
  }
  // Second 60 is a leap second, which clocks of this kind repeat.
  if (!in.complete() || hour > 23 || minute > 59 || second > 60 || year < 1970 || year > 2261)
    return std::nullopt;
  auto date = std::chrono::year_month_day{std::chrono::year{static_cast<int>(year)},
                                          std::chrono::month{static_cast<unsigned>(month)},
                                          std::chrono::day{static_cast<unsigned>(day)}};
  if (!date.ok())
    return std::nullopt;
  auto days = int64_t{std::chrono::sys_days{date}.time_since_epoch().count()};
  return ((days * 24 + hour) * 60 + minute - offset) * 60'000'000'000 + second * 1'000'000'000
         + fraction;
}

} // namespace

Result<Timestamp> parse_timestamp(std::string_view text) {
  if (auto ns = nanoseconds(text))
    return Timestamp{*ns};
  return failure(ec::bad_request, "time \"" + std::string{text.substr(0, 64)} + "\"",
                 "not a time of RFC 3339", "write it like 2026-01-02T03:04:05Z");
}

} // namespace berth
