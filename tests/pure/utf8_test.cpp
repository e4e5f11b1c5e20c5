#include "runtimes/utf8.hpp"

#include "tests/support/catch.hpp"

using namespace berth;

TEST_CASE("well-formed UTF-8 is recognized") {
  auto text = GENERATE(as<std::string>{}, "", "plain", "\xc2\x80", "\xdf\xbf", "\xe0\xa0\x80",
                       "\xed\x9f\xbf", "\xee\x80\x80", "\xef\xbf\xbf", "\xf0\x90\x80\x80",
                       "\xf4\x8f\xbf\xbf", "a\xc3\xa9z\xe2\x82\xac!");
  CAPTURE(text);
  CHECK(is_utf8(text));
}

TEST_CASE("a zero byte is UTF-8 like any other character") {
  CHECK(is_utf8(std::string_view{"a\0b", 3}));
}

TEST_CASE("what is not well-formed UTF-8 is found") {
  struct Row {
    const char* what;
    std::string text;
  };
  auto row = GENERATE(values<Row>({
    {"a continuation without a start", "\x80"},
    {"an overlong slash", "\xc0\xaf"},
    {"an overlong form of three bytes", "\xe0\x9f\xbf"},
    {"an overlong form of four bytes", "\xf0\x8f\xbf\xbf"},
    {"a surrogate", "\xed\xa0\x80"},
    {"above the last character", "\xf4\x90\x80\x80"},
    {"a byte that never occurs", "\xff"},
    {"cut off after one of two", "a\xc3"},
    {"cut off after two of three", "a\xe2\x82"},
    {"cut off after three of four", "\xf0\x90\x80"},
    {"followed by something else", "\xe2\x82x"},
  }));
  INFO(row.what);
  CHECK_FALSE(is_utf8(row.text));
}
