#include "runtimes/timestamp.hpp"

#include "tests/support/catch.hpp"

using namespace berth;

TEST_CASE("times of RFC 3339 are read to the nanosecond") {
  struct Row {
    const char* text;
    int64_t ns;
  };
  auto row = GENERATE(Row{"1970-01-01T00:00:00Z", 0},
                      Row{"2016-10-06T00:17:09.669794202Z", 1475713029'669794202},
                      Row{"2016-10-06T00:17:09.5Z", 1475713029'500000000},
                      Row{"2016-10-06T02:17:09+02:00", 1475713029'000000000},
                      Row{"2016-10-05T18:47:09-05:30", 1475713029'000000000},
                      Row{"2024-02-29T23:59:60Z", 1709251200'000000000},
                      Row{"2261-12-31T23:59:59.999999999Z", 9214646399'999999999});
  INFO(row.text);
  auto time = parse_timestamp(row.text);
  REQUIRE(time);
  CHECK(time->ns == row.ns);
}

TEST_CASE("what the node writes as a time it can read") {
  auto time = now();
  auto back = parse_timestamp(to_string(time));
  REQUIRE(back);
  CHECK(back->ns == time.ns);
}

TEST_CASE("texts that are no time are refused") {
  auto text =
      GENERATE(as<std::string>{}, "", "now", "2016-10-06", "2016-10-06T00:17:09",
               "2016-10-06 00:17:09Z", "2016-13-06T00:17:09Z", "2016-02-30T00:17:09Z",
               "2016-10-06T24:17:09Z", "2016-10-06T00:60:09Z", "2016-10-06T00:17:61Z",
               "2016-10-06T00:17:09.Z", "2016-10-06T00:17:09.1234567890Z", "2016-10-06T00:17:09Zx",
               "2016-10-06T00:17:09+02", "2016-10-06T00:17:09+24:00", "1969-12-31T23:59:59Z",
               "2262-01-01T00:00:00Z", "99999-01-01T00:00:00Z", "2016-1\xc3\xa9-06T00:17:09Z");
  INFO(text);
  auto time = parse_timestamp(text);
  REQUIRE_FALSE(time);
  CHECK(time.error().code == ec::bad_request);
}
