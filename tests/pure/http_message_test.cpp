#include "apps/berthd/http_message.hpp"

#include "tests/support/catch.hpp"

using namespace berth;

namespace {

HttpRequest parsed(const std::string& head) {
  auto request = parse_request_head(head);
  INFO(head);
  REQUIRE(request);
  return *request;
}

std::string with_fields(const std::string& fields) {
  return "POST /v1/x HTTP/1.1\r\n" + fields + "\r\n";
}

} // namespace

TEST_CASE("a request is read as it was sent", "[http]") {
  auto request = parsed("GET /v1/containers/a%2Fb/logs?tail=5&since=1%2b2+3&follow HTTP/1.1\r\n"
                        "Host: localhost\r\nX-Thing:  a b \r\nx-thing:\tc\r\n\r\n");
  CHECK(request.method == "GET");
  CHECK(request.path == std::vector<std::string>{"v1", "containers", "a/b", "logs"});
  CHECK(request.query == QueryPairs{{"tail", "5"}, {"since", "1+2 3"}, {"follow", ""}});
  CHECK(request.headers.at("host") == "localhost");
  CHECK(request.headers.at("x-thing") == "a b, c");
  CHECK(request.content_length == 0);
  CHECK(request.keep_alive);
  CHECK_FALSE(request.old_version);
}

TEST_CASE("the head ends at the first empty line", "[http]") {
  CHECK(find_head_end("GET / HTTP/1.1\r\n") == std::nullopt);
  CHECK(find_head_end("GET / HTTP/1.1\r\n\r") == std::nullopt);
  CHECK(find_head_end("GET / HTTP/1.1\r\n\r\nrest") == size_t{18});
  CHECK(find_head_end("GET / HTTP/1.1\n\n") == std::nullopt);
}

TEST_CASE("a connection is kept as the client wishes", "[http]") {
  struct Row {
    std::string version;
    std::string fields;
    bool keep;
  };
  auto row = GENERATE(values<Row>({
      {"1.1", "", true},
      {"1.1", "Connection: close\r\n", false},
      {"1.1", "Connection: Upgrade, CLOSE\r\n", false},
      {"1.1", "Connection: keep-alive\r\n", true},
      {"1.0", "", false},
      {"1.0", "Connection: Keep-Alive\r\n", true},
  }));
  INFO(row.version << " " << row.fields);
  auto request = parsed("GET / HTTP/" + row.version + "\r\n" + row.fields + "\r\n");
  CHECK(request.keep_alive == row.keep);
  CHECK(request.old_version == (row.version == "1.0"));
}

TEST_CASE("a body has one known length", "[http]") {
  CHECK(parsed(with_fields("Content-Length: 5\r\n")).content_length == 5);
  CHECK(parsed(with_fields("Content-Length: 5\r\nExpect: 100-continue\r\n")).expects_continue);
  CHECK_FALSE(parsed(with_fields("Expect: 100-continue\r\n")).expects_continue);
}

TEST_CASE("a body is as long as its limit at most", "[http]") {
  auto request = parsed(with_fields("Content-Length: 70000000\r\n"));
  CHECK(objection_to_length(request, 70'000'000) == std::nullopt);
  auto objection = objection_to_length(request, 69'999'999);
  REQUIRE(objection);
  CHECK(objection->status == 413);
  CHECK(objection->reason.find("69999999 bytes") != std::string::npos);
}

TEST_CASE("a request that could be understood in two ways is refused", "[http]") {
  struct Row {
    std::string head;
    int status;
  };
  auto row = GENERATE(values<Row>({
      {"\r\n\r\n", 400},
      {"GET\r\n\r\n", 400},
      {"GET /\r\n\r\n", 400},
      {"GET / HTTP/1.1 x\r\n\r\n", 505},
      {"GET  / HTTP/1.1\r\n\r\n", 400},
      {"GET / http/1.1\r\n\r\n", 400},
      {"GET / HTTP/2.0\r\n\r\n", 505},
      {"GET / HTTP/1.10\r\n\r\n", 505},
      {"G\xc3\xa9T / HTTP/1.1\r\n\r\n", 400},
      {"G(T / HTTP/1.1\r\n\r\n", 400},
      {"GET http://h/ HTTP/1.1\r\n\r\n", 400},
      {"OPTIONS * HTTP/1.1\r\n\r\n", 400},
      {"GET /#x HTTP/1.1\r\n\r\n", 400},
      {"GET /%zz HTTP/1.1\r\n\r\n", 400},
      {"GET /%4 HTTP/1.1\r\n\r\n", 400},
      {"GET /?a=% HTTP/1.1\r\n\r\n", 400},
      {std::string("GET /a\0b HTTP/1.1\r\n\r\n", 21), 400},
      {"GET /a\tb HTTP/1.1\r\n\r\n", 400},
      {"GET / HTTP/1.1\r\nNoColon\r\n\r\n", 400},
      {"GET / HTTP/1.1\r\nSpace : x\r\n\r\n", 400},
      {"GET / HTTP/1.1\r\n: x\r\n\r\n", 400},
      {"GET / HTTP/1.1\r\nA: b\r\n folded\r\n\r\n", 400},
      {"GET / HTTP/1.1\r\nA: b\nC: d\r\n\r\n", 400},
      {std::string("GET / HTTP/1.1\r\nA: \0\r\n\r\n", 23), 400},
      {with_fields("Content-Length: -1\r\n"), 400},
      {with_fields("Content-Length: +1\r\n"), 400},
      {with_fields("Content-Length: 1x\r\n"), 400},
      {with_fields("Content-Length: 0x10\r\n"), 400},
      {with_fields("Content-Length:\r\n"), 400},
      {with_fields("Content-Length: 5\r\nContent-Length: 5\r\n"), 400},
      {with_fields("Content-Length: 5\r\nContent-Length: 6\r\n"), 400},
      {with_fields("Content-Length: 99999999999999999999999\r\n"), 413},
      {with_fields("Transfer-Encoding: chunked\r\n"), 411},
      {with_fields("Transfer-Encoding: chunked\r\nContent-Length: 5\r\n"), 411},
      {with_fields("Content-Length: 5\r\nContent-Encoding: gzip\r\n"), 415},
      {with_fields("Expect: the impossible\r\n"), 417},
  }));
  INFO(row.head);
  auto request = parse_request_head(row.head);
  REQUIRE_FALSE(request);
  CHECK(request.error().status == row.status);
  CHECK_FALSE(request.error().reason.empty());
}

TEST_CASE("there may be a hundred header fields and no more", "[http]") {
  auto fields = std::string{};
  for (size_t i = 0; i < http_field_limit; ++i)
    fields += "X" + std::to_string(i) + ": y\r\n";
  CHECK(parsed(with_fields(fields)).headers.size() == http_field_limit);
  auto refused = parse_request_head(with_fields(fields + "One: more\r\n"));
  REQUIRE_FALSE(refused);
  CHECK(refused.error().status == 431);
}

TEST_CASE("percent escapes are decoded once", "[http]") {
  CHECK(percent_decode("a%2525b", false) == "a%25b");
  CHECK(percent_decode("a+b", false) == "a+b");
  CHECK(percent_decode("a+b%2B", true) == "a b+");
  CHECK(percent_decode("%00", false) == std::string(1, '\0'));
  CHECK(percent_decode("%", false) == std::nullopt);
  CHECK(percent_decode("%-1", false) == std::nullopt);
  CHECK(percent_decode("%1 ", false) == std::nullopt);
}

TEST_CASE("an answer has a status line and its fields", "[http]") {
  CHECK(render_answer_head(404, {{"Content-Length", "2"}})
        == "HTTP/1.1 404 Not Found\r\nContent-Length: 2\r\n\r\n");
  CHECK(render_chunk("0123456789abcdef") == "10\r\n0123456789abcdef\r\n");
}
