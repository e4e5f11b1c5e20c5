#include "apps/berth/base64.hpp"
#include "apps/berth/format.hpp"
#include "apps/berth/table.hpp"

#include "tests/support/catch.hpp"

using namespace berth;
using namespace berth::cli;
using namespace std::chrono_literals;

TEST_CASE("sizes are printed in the unit that people would pick") {
  struct Row {
    uint64_t bytes;
    const char* text;
  };
  auto row = GENERATE(Row{0, "0 B"}, Row{1023, "1023 B"}, Row{1024, "1.0 KiB"}, Row{64ull << 20, "64.0 MiB"},
                      Row{(1ull << 20) - 1, "1.0 MiB"}, Row{1536ull << 20, "1.5 GiB"}, Row{1ull << 50, "1.0 PiB"},
                      Row{UINT64_MAX, "16.0 EiB"});
  CHECK(format_size(row.bytes) == row.text);
}

TEST_CASE("spans are printed in their two largest units") {
  struct Row {
    std::chrono::nanoseconds span;
    const char* text;
  };
  auto row = GENERATE(Row{0ns, "0 ms"}, Row{999'999'999ns, "999 ms"}, Row{1s, "1.0 s"}, Row{59'960ms, "59.9 s"},
                      Row{60s, "1m 0s"}, Row{250s, "4m 10s"}, Row{2h + 5min + 59s, "2h 5m"}, Row{76h, "3d 4h"});
  CHECK(format_span(row.span) == row.text);
}

TEST_CASE("ages are told in one unit") {
  struct Row {
    int64_t seconds;
    const char* text;
  };
  auto row = GENERATE(Row{-5, "just now"}, Row{0, "just now"}, Row{1, "1 second ago"}, Row{59, "59 seconds ago"},
                      Row{60, "1 minute ago"}, Row{185, "3 minutes ago"}, Row{3600, "1 hour ago"},
                      Row{2 * 86'400, "2 days ago"}, Row{15 * 86'400, "2 weeks ago"}, Row{61 * 86'400, "2 months ago"},
                      Row{800 * 86'400, "2 years ago"});
  auto now = Timestamp{1'700'000'000'000'000'000};
  CHECK(format_age({now.ns - row.seconds * 1'000'000'000}, now) == row.text);
  CHECK(format_age({}, now).empty());
}

TEST_CASE("a share of nothing is no number") {
  CHECK(format_percent(1, 8) == "12.5%");
  CHECK(format_percent(1, 0) == "-");
}

TEST_CASE("nothing that could steer a terminal is printed") {
  struct Row {
    const char* text;
    const char* printed;
  };
  auto row = GENERATE(Row{"plain text", "plain text"}, Row{"\x1b[31mred", "\\e[31mred"},
                      Row{"a\nb\r\tc\x7f", "a\\nb\\r\\tc\\x7f"},
                      Row{"Größe € 🐳", "Größe € 🐳"}, Row{"\u009b31m", "\\u009b31m"},
                      Row{"cut \xe2\x82", "cut \\xe2\\x82"}, Row{"\xc0\xaf", "\\xc0\\xaf"},
                      Row{"\xed\xa0\x80", "\\xed\\xa0\\x80"}, Row{"\xff", "\\xff"});
  CHECK(printable(row.text) == row.printed);
}

TEST_CASE("a command is printed as a shell would read it") {
  struct Row {
    std::vector<std::string> args;
    const char* text;
  };
  auto row = GENERATE(Row{{}, ""}, Row{{"/bin/ls", "-l", "--color=auto"}, "/bin/ls -l --color=auto"},
                      Row{{"sh", "-c", "echo $HOME"}, "sh -c 'echo $HOME'"}, Row{{"echo", ""}, "echo ''"},
                      Row{{"echo", "it's"}, "echo 'it'\\''s'"});
  CHECK(format_command(row.args) == row.text);
}

TEST_CASE("text is shortened by characters and not by bytes") {
  CHECK(shorten("abc", 3) == "abc");
  CHECK(shorten("abcd", 3) == "ab…");
  CHECK(shorten("äöüß", 4) == "äöüß");
  CHECK(shorten("äöüßä", 4) == "äöü…");
  CHECK(width("äöü…") == 4);
}

TEST_CASE("columns of a table are aligned and lines have no spaces at their ends") {
  auto table = Table{{{"NAME"}, {"SIZE", true}, {"WHAT"}}};
  table.add({{"a"}, {"1"}, {"short"}});
  table.add({{"Bär"}, {"1000"}, {""}});
  table.add({{"escape"}, {"2"}, {"a\x1b[0m\nb"}});
  CHECK(table.render(false)
        == "NAME    SIZE  WHAT\n"
           "a          1  short\n"
           "Bär     1000  -\n"
           "escape     2  a\\e[0m\\nb\n");
}

TEST_CASE("colours do not shift the columns of a table") {
  auto table = Table{{{"STATE"}, {"WHAT"}}};
  table.add({{"up", Tone::good}, {"x"}});
  CHECK(table.render(true) == "STATE  WHAT\n\x1b[32mup\x1b[0m     x\n");
}

TEST_CASE("base64 is decoded to the bytes it stands for") {
  struct Row {
    const char* text;
    std::string bytes;
  };
  auto row = GENERATE(Row{"", ""}, Row{"Zg==", "f"}, Row{"Zm8=", "fo"}, Row{"Zm9v", "foo"}, Row{"Zm9vYmFy", "foobar"},
                      Row{"AP+AfwA=", std::string("\x00\xff\x80\x7f\x00", 5)}, Row{"+/+/", "\xfb\xff\xbf"});
  auto bytes = decode_base64(row.text);
  REQUIRE(bytes);
  CHECK(*bytes == row.bytes);
}

TEST_CASE("what is not base64 is not decoded") {
  auto text = GENERATE(as<std::string>{}, "Z", "Zg=", "Zg", "Zm9v\n", "Zm9*", "=Zg=", "====");
  INFO(text);
  CHECK_FALSE(decode_base64(text));
}
