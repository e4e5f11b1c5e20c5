#include "config/quantity.hpp"

#include "tests/support/catch.hpp"

using namespace berth;
using namespace std::chrono_literals;

namespace {

/// The error as text, or "accepted".
template <class T>
std::string fault(const Result<T>& result) {
  return result ? "accepted" : render(result.error());
}

struct Amount {
  const char* text;
  uint64_t value;
};

} // namespace

TEST_CASE("bytes are read in every spelling that is in use", "[config]") {
  auto row = GENERATE(values<Amount>({
      {"0", 0},
      {"1", 1},
      {"1048576", 1048576},
      {"64M", 64ull << 20},
      {"64m", 64ull << 20},
      {"64Mi", 64ull << 20},
      {"64MiB", 64ull << 20},
      {"64MB", 64ull << 20},
      {"64mb", 64ull << 20},
      {"512k", 512ull << 10},
      {"1Gi", 1ull << 30},
      {"1.5G", 3ull << 29},
      {"0.5Ki", 512},
      {"0.1Ki", 102},
      {"2T", 2ull << 40},
      {"16777215T", 16777215ull << 40},
      {"18446744073709551615", UINT64_MAX},
      {"0064M", 64ull << 20},
  }));
  INFO(row.text);
  CHECK(parse_bytes(row.text) == row.value);
}

TEST_CASE("what is no amount of bytes is refused with the way to write one", "[config]") {
  auto text = GENERATE(as<std::string>{}, "", " ", "M", "-1", "+1", "1 M", "1M ", " 1M", "1X",
                       "1Mx", "1MiBi", "1.5", "1.M", ".5M", "1.2.3M", "1,5G", "1e3", "0x10",
                       "1_000", "one", "1.1234567M", "\xc2\xb2M", "NaN", "inf", "1P");
  INFO(text);
  auto result = parse_bytes(text);
  REQUIRE_FALSE(result);
  CHECK(result.error().code == ec::bad_request);
  CHECK(result.error().reason == "not an amount of bytes");
  CHECK_FALSE(result.error().next.empty());
}

TEST_CASE("an amount of bytes that does not fit is too large and never wraps around", "[config]") {
  auto text =
      GENERATE(as<std::string>{}, "18446744073709551616", "16777216T", "99999999999999999999999M",
               "18014398509481984K", "17179869184G", "17592186044416M");
  INFO(text);
  auto result = parse_bytes(text);
  REQUIRE_FALSE(result);
  CHECK(result.error().reason == "too large");
}

TEST_CASE("memory limits have bounds that catch a forgotten unit", "[config]") {
  CHECK(parse_memory("0") == 0u);
  CHECK(parse_memory("1Mi") == 1u << 20);
  CHECK(parse_memory("1024T") == 1ull << 50);
  CHECK(fault(parse_memory("512"))
        == "bad_request: \"512\": out of range for a memory limit (from 1Mi to 1024Ti, or 0 for "
           "none)");
  CHECK_FALSE(parse_memory("1048575"));
  CHECK_FALSE(parse_memory("1025T"));
}

TEST_CASE("CPUs are read as numbers, fractions and thousandths", "[config]") {
  auto row = GENERATE(values<Amount>({{"0", 0},
                                      {"2", 2000},
                                      {"0.5", 500},
                                      {"500m", 500},
                                      {"2.25", 2250},
                                      {"0.010", 10},
                                      {"1.500000", 1500},
                                      {"10m", 10},
                                      {"4096", 4'096'000},
                                      {"4096000m", 4'096'000}}));
  INFO(row.text);
  CHECK(parse_cpu(row.text) == row.value);
}

TEST_CASE("what is no amount of CPUs is refused with its reason", "[config]") {
  struct Row {
    const char* text;
    const char* reason;
  };
  auto row = GENERATE(values<Row>({{"", "not an amount of CPUs"},
                                   {"-1", "not an amount of CPUs"},
                                   {"0.5m", "not an amount of CPUs"},
                                   {"2 CPUs", "not an amount of CPUs"},
                                   {"1M", "not an amount of CPUs"},
                                   {"1.", "not an amount of CPUs"},
                                   {"0.0005", "finer than a thousandth of a CPU"},
                                   {"9m", "out of range for a CPU limit"},
                                   {"0.001", "out of range for a CPU limit"},
                                   {"4097", "out of range for a CPU limit"},
                                   {"18446744073709551616", "out of range for a CPU limit"},
                                   {"18446744073709552", "out of range for a CPU limit"}}));
  INFO(row.text);
  auto result = parse_cpu(row.text);
  REQUIRE_FALSE(result);
  CHECK(result.error().reason == row.reason);
}

TEST_CASE("durations are read with and without units", "[config]") {
  struct Row {
    const char* text;
    std::chrono::milliseconds value;
  };
  auto row = GENERATE(values<Row>({{"0", 0ms},
                                   {"30", 30s},
                                   {"0.5", 500ms},
                                   {"30s", 30s},
                                   {"500ms", 500ms},
                                   {"1m", 1min},
                                   {"1m30s", 90s},
                                   {"1h0m0s", 1h},
                                   {"1.5s", 1500ms},
                                   {"0.25h", 15min},
                                   {"1s500ms", 1500ms},
                                   {"1000h", 1000h}}));
  INFO(row.text);
  CHECK(parse_duration(row.text) == row.value);
}

TEST_CASE("what is no duration is refused with its reason", "[config]") {
  struct Row {
    const char* text;
    const char* reason;
  };
  auto row = GENERATE(values<Row>({{"", "not a duration"},
                                   {"s", "not a duration"},
                                   {"-1s", "not a duration"},
                                   {"1 s", "not a duration"},
                                   {"1m30", "not a duration"},
                                   {"30sec", "not a duration"},
                                   {"1d", "not a duration"},
                                   {"1S", "not a duration"},
                                   {"10us", "not a duration"},
                                   {"0.0001s", "finer than a millisecond"},
                                   {"0.5ms", "finer than a millisecond"},
                                   {"1001h", "too long"},
                                   {"99999999999999999999", "too long"},
                                   {"18446744073709551615h", "too long"},
                                   {"18446744073709551615ms18446744073709551615ms", "too long"}}));
  INFO(row.text);
  auto result = parse_duration(row.text);
  REQUIRE_FALSE(result);
  CHECK(result.error().reason == row.reason);
}

TEST_CASE("counts are plain decimal digits", "[config]") {
  CHECK(parse_count("0") == 0u);
  CHECK(parse_count("100000") == 100'000u);
  CHECK(parse_pids("4194304") == 4'194'304u);
  CHECK_FALSE(parse_pids("4194305"));
  auto text = GENERATE(as<std::string>{}, "", "-1", "+1", "010", "1_0", "0x10", "1.0", "1e3", "1k",
                       "ten", "18446744073709551616");
  INFO(text);
  CHECK_FALSE(parse_count(text));
}

TEST_CASE("every amount that is printed can be read back", "[config]") {
  auto bytes = GENERATE(uint64_t{0}, 1u, 1023u, 1024u, 1536u, 1u << 20, (1u << 20) + 1, 3ull << 29,
                        1ull << 50, UINT64_MAX);
  CHECK(parse_bytes(format_bytes(bytes)) == bytes);
  auto millis = GENERATE(uint64_t{0}, 10u, 500u, 999u, 1000u, 1001u, 1250u, 4'096'000u);
  CHECK(parse_cpu(format_cpu(millis)) == millis);
  auto duration = GENERATE(values<std::chrono::milliseconds>(
      {0ms, 1ms, 999ms, 1s, 1500ms, 59s, 1min, 90s, 1h, 3601s, 1000h}));
  CHECK(parse_duration(format_duration(duration)) == duration);
}

TEST_CASE("amounts are printed as people write them", "[config]") {
  CHECK(format_bytes(512ull << 20) == "512Mi");
  CHECK(format_bytes(2ull << 30) == "2Gi");
  CHECK(format_bytes(1000) == "1000");
  CHECK(format_bytes(1ull << 50) == "1024Ti");
  CHECK(format_cpu(500) == "0.5");
  CHECK(format_cpu(2000) == "2");
  CHECK(format_cpu(1050) == "1.05");
  CHECK(format_duration(30s) == "30s");
  CHECK(format_duration(90s) == "1m30s");
  CHECK(format_duration(1500ms) == "1500ms");
  CHECK(format_duration(2h) == "2h");
  CHECK(format_duration(0ms) == "0s");
}
