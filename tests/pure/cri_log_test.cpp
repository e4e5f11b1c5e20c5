#include "runtimes/cri_log.hpp"

#include "tests/support/catch.hpp"

#include <random>

using namespace berth;

namespace {

const auto noon = Timestamp{1475713029'669794202};
const auto head = std::string{"2016-10-06T00:17:09.669794202Z stdout "};

std::vector<std::string> lines_of(const std::string& text) {
  auto result = std::vector<std::string>{};
  for (size_t begin = 0; begin < text.size();) {
    auto end = text.find('\n', begin);
    REQUIRE(end != std::string::npos); // a log never ends in the middle of a line
    result.push_back(text.substr(begin, end - begin));
    begin = end + 1;
  }
  return result;
}

/// What a reader makes of a log: the bytes of one stream.
std::string reproduce(const std::string& log) {
  auto result = std::string{};
  for (auto& line : lines_of(log)) {
    auto entry = parse_cri_log_line(line);
    REQUIRE(entry);
    CHECK(entry->text.size() <= cri_text_limit);
    CHECK(line.size() < cri_entry_limit);
    result += entry->text;
    if (!entry->partial)
      result += '\n';
  }
  return result;
}

} // namespace

TEST_CASE("whole lines become entries at once, the rest is kept") {
  auto splitter = CriLogSplitter{LogStream::out};
  auto out = std::string{};
  splitter.split("one\n\ntwo", noon, out);
  CHECK(out == head + "F one\n" + head + "F \n");
  CHECK(splitter.pending());
  out.clear();
  splitter.split(" and a half\nthree", noon, out);
  CHECK(out == head + "F two and a half\n");
  out.clear();
  splitter.flush(noon, out);
  CHECK(out == head + "P three\n");
  CHECK_FALSE(splitter.pending());
  out.clear();
  splitter.flush(noon, out);
  CHECK(out.empty());
}

TEST_CASE("a line that fits exactly is one entry, one byte more makes two") {
  auto fits = std::string(cri_text_limit, 'x');
  struct Row {
    std::string text;
    std::vector<std::string> wanted;
  };
  auto row = GENERATE_COPY(Row{fits + "\n", {head + "F " + fits}},
                           Row{fits + "y\n", {head + "P " + fits, head + "F y"}},
                           Row{fits + fits + "\n", {head + "P " + fits, head + "F " + fits}});
  auto step = GENERATE(size_t{1}, size_t{1000}, cri_text_limit, 3 * cri_text_limit);
  auto splitter = CriLogSplitter{LogStream::out};
  auto out = std::string{};
  for (size_t i = 0; i < row.text.size(); i += step)
    splitter.split(std::string_view{row.text}.substr(i, step), noon, out);
  CHECK(lines_of(out) == row.wanted);
  CHECK_FALSE(splitter.pending());
}

TEST_CASE("readers reproduce the exact bytes, however they arrived") {
  auto random = std::mt19937{7};
  for (auto round = 0; round < 200; ++round) {
    auto bytes = std::string{};
    for (auto parts = random() % 6; parts > 0; --parts) {
      bytes += std::string(random() % 4 == 0 ? random() % 50'000 : random() % 50,
                           static_cast<char>(random()));
      bytes += random() % 2 ? "\n" : "";
    }
    auto splitter = CriLogSplitter{LogStream::err};
    auto log = std::string{};
    for (size_t i = 0; i < bytes.size();) {
      auto n = random() % 20'000 + 1;
      splitter.split(std::string_view{bytes}.substr(i, n), noon, log);
      i += n;
      if (random() % 8 == 0)
        splitter.flush(noon, log);
    }
    splitter.flush(noon, log);
    REQUIRE(reproduce(log) == bytes);
  }
}

TEST_CASE("a log line is read into its parts") {
  auto entry = parse_cri_log_line("2016-10-06T00:17:09.669794202Z stderr P  two  spaces ");
  REQUIRE(entry);
  CHECK((*entry == CriLogEntry{noon, LogStream::err, true, " two  spaces "}));
  entry = parse_cri_log_line("2016-10-06T02:17:09.669794202+02:00 stdout F ");
  REQUIRE(entry);
  CHECK((*entry == CriLogEntry{noon, LogStream::out, false, ""}));
  entry = parse_cri_log_line("2016-10-06T00:17:09.669794202Z stdout F:more x");
  REQUIRE(entry);
  CHECK((*entry == CriLogEntry{noon, LogStream::out, false, "x"}));
}

TEST_CASE("lines of another form are refused") {
  auto line = GENERATE(as<std::string>{}, "", "text", "2016-10-06T00:17:09Z",
                       "2016-10-06T00:17:09Z stdout", "2016-10-06T00:17:09Z stdout F",
                       "2016-10-06T00:17:09Z stdin F x", "2016-10-06T00:17:09Z stdout X x",
                       "yesterday stdout F x", " stdout F x", "2016-10-06T00:17:09Z  stdout F x");
  INFO(line);
  auto entry = parse_cri_log_line(line);
  REQUIRE_FALSE(entry);
  CHECK(entry.error().code == ec::bad_request);
}
