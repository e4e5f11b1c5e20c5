#include "config/spelling.hpp"

#include "config/text_check.hpp"
#include "tests/support/catch.hpp"

#include <array>

using namespace berth;

TEST_CASE("the nearest word is the one that was meant", "[config]") {
  struct Row {
    const char* word;
    const char* meant;
  };
  constexpr auto words =
      std::array<std::string_view, 6>{"runtime", "runtimeConfig", "cpu", "pids", "memory", "queue"};
  auto row = GENERATE(values<Row>({
      {"runtme", "runtime"},
      {"rutnime", "runtime"},
      {"Runtime", "runtime"},
      {"RUNTIME", "runtime"},
      {"runtimes", "runtime"},
      {"runtimeconfig", "runtimeConfig"},
      {"runtimeCfg", ""},
      {"memroy", "memory"},
      {"gpu", "cpu"},
      {"gp", ""},
      {"pid", "pids"},
      {"x", ""},
      {"", ""},
      {"quality", ""},
  }));
  INFO(row.word);
  CHECK(nearest(row.word, words) == row.meant);
}

TEST_CASE("quoted text stays on its line and is cut between characters", "[config]") {
  CHECK(in_quotes("plain") == "\"plain\"");
  CHECK(in_quotes("a\"b\\c") == R"("a\"b\\c")");
  CHECK(in_quotes(std::string_view{"\n\t\x1b\0\x7f", 5}) == R"("\n\t\x1b\x00\x7f")");
  CHECK(in_quotes(std::string(80, 'x')) == '"' + std::string(80, 'x') + '"');
  CHECK(in_quotes(std::string(81, 'x')) == '"' + std::string(80, 'x') + "...\"");
  CHECK(in_quotes(std::string(79, 'x') + "\xc3\xa4") == '"' + std::string(79, 'x') + "...\"");
  CHECK(in_quotes(std::string(78, 'x') + "\xc3\xa4y")
        == '"' + std::string(78, 'x') + "\xc3\xa4...\"");
}

TEST_CASE("text that is not UTF-8 is found where it starts", "[config]") {
  struct Row {
    std::string text;
    int line;
    int column;
    const char* what;
  };
  auto row = GENERATE(values<Row>({
      {"a\n\xff", 2, 1, "byte 0xff is not UTF-8"},
      {"\xc3\xa4\xc3", 1, 2, "byte 0xc3 is not UTF-8"},
      {"ab\xc3(", 1, 3, "byte 0xc3 is not UTF-8"},
      {"\xc0\xaf", 1, 1, "byte 0xc0 is not UTF-8"},
      {"\xe0\x80\xaf", 1, 1, "byte 0xe0 is not UTF-8"},
      {"\xed\xa0\x80", 1, 1, "byte 0xed is not UTF-8"},
      {"\xf4\x90\x80\x80", 1, 1, "byte 0xf4 is not UTF-8"},
      {"\xf8\x88\x80\x80\x80", 1, 1, "byte 0xf8 is not UTF-8"},
      {"\x80", 1, 1, "byte 0x80 is not UTF-8"},
      {std::string{"a: 1\0\n", 6}, 1, 5, "control character 0x00 is not allowed"},
      {"a: \x1b[31m", 1, 4, "control character 0x1b is not allowed"},
      {"a: \x7f", 1, 4, "control character 0x7f is not allowed"},
  }));
  INFO(row.text);
  auto fault = find_fault(row.text);
  REQUIRE(fault);
  CHECK(fault->where.line == row.line);
  CHECK(fault->where.column == row.column);
  CHECK(fault->what == row.what);
}

TEST_CASE("text in any script is fine", "[config]") {
  auto text = GENERATE(as<std::string>{}, "", "a: 1\r\n\tb", "\xc3\xa4\xe2\x82\xac\xf0\x9f\x90\xb3",
                       "\xf4\x8f\xbf\xbf");
  CHECK_FALSE(find_fault(text));
}

TEST_CASE("columns count characters, in whatever order they are asked for", "[config]") {
  auto counter = ColumnCounter{"\xc3\xa4 b\n\xe2\x82\xac"
                               "c"};
  CHECK(counter.at(0) == TextPosition{1, 1});
  CHECK(counter.at(3) == TextPosition{1, 3});
  CHECK(counter.at(8) == TextPosition{2, 2});
  CHECK(counter.at(2) == TextPosition{1, 2});
  CHECK(counter.at(1000) == TextPosition{2, 3});
}

TEST_CASE("columns are right in long lines", "[config]") {
  auto length = GENERATE(size_t{0}, 1u, 127u, 128u, 129u, 1000u);
  auto text = std::string(length, 'x') + "\n";
  auto counter = ColumnCounter{text};
  auto last_column = static_cast<int>(length) + 1;
  CHECK(counter.at(length) == TextPosition{1, last_column});
  CHECK(counter.at(length / 2) == TextPosition{1, static_cast<int>(length / 2) + 1});
  CHECK(counter.at(length + 1) == TextPosition{2, 1});
}
