#include "apps/berth/client.hpp"
#include "apps/berth/http_answer.hpp"
#include "apps/berth/line_splitter.hpp"

#include "tests/support/catch.hpp"

using namespace berth::cli;

namespace {

struct Read {
  HttpAnswer answer;
  std::string body;
};

/// Feeds an answer in pieces of `step` bytes.
Read read(std::string_view bytes, size_t step) {
  auto result = Read{};
  for (; !bytes.empty(); bytes.remove_prefix(std::min(step, bytes.size())))
    result.answer.feed(bytes.substr(0, step), [&](std::string_view piece) {
      result.body += piece;
      return true;
    });
  return result;
}

} // namespace

TEST_CASE("an answer is read alike in whatever pieces it comes") {
  struct Row {
    const char* what;
    std::string bytes;
    int status;
    std::string body;
  };
  auto row = GENERATE(
    Row{"known length", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", 200, "hello"},
    Row{"bytes behind the end", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhelloHTTP", 200, "hello"},
    Row{"no length needed", "HTTP/1.1 204 No Content\r\n\r\n", 204, ""},
    Row{"length zero", "HTTP/1.1 404\r\ncontent-length:0\r\n\r\n", 404, ""},
    Row{"chunks", "HTTP/1.1 200 OK\r\ntransfer-encoding: Chunked\r\n\r\n5\r\nhello\r\n1;x=y\r\n!\r\n0\r\n\r\n", 200,
        "hello!"},
    Row{"chunks with a trailer",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nA\r\n0123456789\r\n0\r\nX: y\r\n\r\n", 200, "0123456789"},
    Row{"interim answer", "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 201 Created\r\nContent-Length: 2\r\n\r\n{}", 201,
        "{}"},
    Row{"bare line feeds", "HTTP/1.0 200 OK\nContent-Length: 1\n\nx", 200, "x"});
  auto step = GENERATE(size_t{1}, size_t{2}, size_t{7}, size_t{4096});
  INFO(row.what << ", step " << step);
  auto result = read(row.bytes, step);
  CHECK(result.answer.is_complete());
  CHECK(result.answer.status() == row.status);
  CHECK(result.body == row.body);
}

TEST_CASE("a body without a length lasts until the connection ends") {
  auto result = read("HTTP/1.0 200 OK\r\n\r\nall of it", 3);
  CHECK_FALSE(result.answer.is_complete());
  result.answer.end();
  CHECK(result.answer.is_complete());
  CHECK(result.body == "all of it");
}

TEST_CASE("an answer that is cut off is never complete") {
  auto bytes = GENERATE(
    as<std::string>{}, "", "HTTP/1.1 200 OK\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhell",
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n",
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n", "HTTP/1.1 100 Continue\r\n\r\n");
  INFO(bytes);
  auto result = read(bytes, 5);
  result.answer.end();
  CHECK_FALSE(result.answer.is_complete());
  CHECK_FALSE(result.answer.is_broken());
}

TEST_CASE("what is not HTTP is noticed") {
  auto bytes = GENERATE(
    as<std::string>{}, "SSH-2.0-OpenSSH\r\n", "HTTP/2 200\r\n", "HTTP/1.1 2OO OK\r\n", "HTTP/1.1 099 X\r\n",
    "HTTP/1.1 200 OK\r\nno field\r\n", "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n",
    "HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999\r\n", "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n",
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n",
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nabc\r\n",
    "HTTP/1.1 200 OK\r\nX: " + std::string(70'000, 'x'));
  INFO(bytes.substr(0, 80));
  CHECK(read(bytes, 4096).answer.is_broken());
}

TEST_CASE("whoever reads the body may end it") {
  auto answer = HttpAnswer{};
  auto pieces = 0;
  CHECK_FALSE(
    answer.feed("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n1\r\nb\r\n", [&](std::string_view) {
      ++pieces;
      return false;
    }));
  CHECK(pieces == 1);
}

TEST_CASE("lines are cut alike in whatever pieces they come") {
  auto step = GENERATE(size_t{1}, size_t{3}, size_t{100});
  auto lines = LineSplitter{};
  auto seen = std::vector<std::string>{};
  auto bytes = std::string_view{"one\n\ntwo\r\n\r\n\nthree\nrest"};
  for (; !bytes.empty(); bytes.remove_prefix(std::min(step, bytes.size())))
    REQUIRE(lines.feed(bytes.substr(0, step), [&](std::string_view line) {
      seen.emplace_back(line);
      return true;
    }));
  CHECK(seen == std::vector<std::string>{"one", "two", "three"});
  CHECK(lines.has_rest());
}

TEST_CASE("a line without an end does not fill the memory") {
  auto lines = LineSplitter{};
  auto piece = std::string(1 << 20, 'x');
  auto fed = 0;
  while (lines.feed(piece, [](std::string_view) { return true; }) && fed < 100)
    ++fed;
  CHECK(lines.overflowed());
  CHECK(fed == 16);
}

TEST_CASE("ids and values become safe parts of a target") {
  CHECK(Target::container("web-1", "stop").with("timeout", "2.5").text() == "/v1/containers/web-1/stop?timeout=2.5");
  CHECK(Target{"/v1/events"}.with("type", "a,b").with_any("pool", "").with_any("container", "x&y=ä z").text()
        == "/v1/events?type=a%2Cb&container=x%26y%3D%C3%A4%20z");
  CHECK(Target::container("a/../b").text() == "/v1/containers/a%2F..%2Fb");
}
