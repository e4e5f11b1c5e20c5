#include "tests/e2e/nodes.hpp"

using namespace berth;
using namespace berth::test;
using namespace std::chrono_literals;

namespace {

bool answers(const TestNode& node) {
  return http(node.socket(), "GET", "/v1/version").status == 200;
}

std::string error_code(const HttpAnswer& answer) {
  auto json = Json::parse(answer.body, nullptr, false);
  if (!json.is_object() || !json.contains("error"))
    return "(no error in: " + answer.body.substr(0, 200) + ")";
  return json["error"].value("code", "(none)");
}

std::string with_headers(const std::string& headers) {
  return "GET /v1/version HTTP/1.1\r\nHost: berth\r\n" + headers + "Connection: close\r\n\r\n";
}

Json good_launch() {
  return {{"pool", "plain"}, {"rootfs", test_rootfs()}, {"args", {"/bin/true"}}};
}

Json changed(Json json, const char* key, Json value) {
  json[key] = std::move(value);
  return json;
}

} // namespace

TEST_CASE("bytes that are no request are refused, and the daemon goes on", "[hostile]") {
  BERTH_NEEDS_RUNC();
  auto node = TestNode{plain_config()};
  auto many_headers = std::string{};
  for (auto i = 0; i < 5000; ++i)
    many_headers += "X-" + std::to_string(i) + ": y\r\n";
  auto post = [](const std::string& headers, const std::string& body) {
    return "POST /v1/containers HTTP/1.1\r\nHost: berth\r\nConnection: close\r\n" + headers + "\r\n" + body;
  };
  auto rows = std::vector<std::string>{
    "\r\n\r\n",
    "GET\r\n\r\n",
    "GET / HTTP/9.9\r\n\r\n",
    "GET /v1/version\r\n\r\n",
    "GET  HTTP/1.1\r\nHost: b\r\n\r\n",
    std::string(100, '\0'),
    "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03 hello TLS\r\n\r\n",
    "GET /" + std::string(1 << 20, 'a') + " HTTP/1.1\r\nHost: b\r\n\r\n",
    with_headers("X: " + std::string(1 << 20, 'a') + "\r\n"),
    with_headers(many_headers),
    with_headers("no colon here\r\n"),
    with_headers("Bad Name: x\r\n"),
    with_headers(" folded: x\r\n"),
    post("Content-Length: -1\r\n", "{}"),
    post("Content-Length: 99999999999999999999\r\n", "{}"),
    post("Content-Length: 2\r\nContent-Length: 3\r\n", "{}x"),
    post("Content-Length: 1000000000\r\n", "{}"),
    post("Transfer-Encoding: chunked\r\n", "zz\r\n{}\r\n0\r\n\r\n"),
    post("Transfer-Encoding: chunked\r\nContent-Length: 2\r\n", "2\r\n{}\r\n0\r\n\r\n"),
    post("Transfer-Encoding: chunked\r\n", "ffffffffffffffff\r\n{}"),
    post("Transfer-Encoding: gzip\r\n", "{}"),
  };
  for (auto& row : rows) {
    INFO(row.substr(0, 120));
    auto connection = RawConnection{node.socket()};
    REQUIRE(connection.is_open());
    connection.send(row);
    connection.end_sending();
    CHECK(connection.read_to_end(15s));
    auto answer = parse_answer(connection.received());
    // Either an error that HTTP has, or the connection is closed without a word.
    CHECK((answer.status == 0 || (answer.status >= 400 && answer.status < 600)));
    CHECK(answers(node));
  }
}

TEST_CASE("requests that cannot be understood have errors with a code", "[hostile]") {
  BERTH_NEEDS_RUNC();
  auto node = TestNode{plain_config()};
  struct Row {
    const char* method;
    std::string target;
    std::string body;
    int status;
    const char* code;
  };
  auto launch = std::string{"/v1/containers"};
  auto deep = std::string(100'000, '[');
  auto rows = std::vector<Row>{
    {"GET", "/", "", 404, "bad_request"},
    {"GET", "/v2/containers", "", 404, "bad_request"},
    {"GET", "/v1/containers/../../etc/passwd", "", 404, "bad_request"},
    {"PUT", launch, "{}", 405, "bad_request"},
    {"DELETE", "/v1/pools", "", 405, "bad_request"},
    {"GET", "/v1/containers?al=true", "", 400, "bad_request"},
    {"GET", "/v1/containers?all=perhaps", "", 400, "bad_request"},
    {"GET", "/v1/containers?pool=none", "", 404, "unknown_pool"},
    {"GET", "/v1/pools/none", "", 404, "unknown_pool"},
    {"GET", "/v1/containers/none", "", 404, "unknown_container"},
    {"GET", "/v1/containers/%2e%2e%2fetc", "", 400, "bad_id"},
    {"GET", "/v1/containers/%zz", "", 400, "bad_request"},
    {"GET", "/v1/containers/none/logs?tail=-1", "", 400, "bad_request"},
    {"GET", "/v1/events?since=minus", "", 400, "bad_request"},
    {"GET", "/v1/events?type=nonsense", "", 400, "bad_request"},
    {"POST", "/v1/containers/none/kill?signal=NOSUCH", "", 400, "bad_request"},
    {"POST", "/v1/containers/none/stop?timeout=-5", "", 400, "bad_request"},
    {"POST", "/v1/containers/none/stop", "", 404, "unknown_container"},
    {"DELETE", "/v1/containers/none", "", 404, "unknown_container"},
    {"POST", launch, "", 400, "bad_request"},
    {"POST", launch, "not json", 400, "bad_request"},
    {"POST", launch, "[]", 400, "bad_request"},
    {"POST", launch, "{}", 400, "bad_request"},
    {"POST", launch, deep, 400, "bad_request"},
    {"POST", launch, "{\"pool\": \"\xff\"}", 400, "bad_request"},
    {"POST", launch, good_launch().dump() + "trailing", 400, "bad_request"},
    {"POST", launch, changed(good_launch(), "unknownKey", 1).dump(), 400, "bad_request"},
    {"POST", launch, changed(good_launch(), "args", "a string").dump(), 400, "bad_request"},
    {"POST", launch, changed(good_launch(), "args", Json::array()).dump(), 400, "bad_request"},
    {"POST", launch, changed(good_launch(), "args", {1, 2}).dump(), 400, "bad_request"},
    {"POST", launch, changed(good_launch(), "env", {"no equals sign"}).dump(), 400, "bad_request"},
    {"POST", launch, changed(good_launch(), "env", {std::string{"A=\0b", 4}}).dump(), 400, "bad_request"},
    {"POST", launch, changed(good_launch(), "memory", -5).dump(), 400, "bad_request"},
    {"POST", launch, changed(good_launch(), "memory", 1e300).dump(), 400, "bad_request"},
    {"POST", launch, changed(good_launch(), "memory", "lots").dump(), 400, "bad_request"},
    {"POST", launch, changed(good_launch(), "cpu", -0.5).dump(), 400, "bad_request"},
    {"POST", launch, changed(good_launch(), "gpus", -1).dump(), 400, "bad_request"},
    {"POST", launch, changed(good_launch(), "rootfs", "relative").dump(), 400, "bad_request"},
    {"POST", launch, changed(good_launch(), "rootfs", std::string{"/a\0b", 4}).dump(), 400, "bad_request"},
    {"POST", launch, changed(good_launch(), "rootfs", "/" + std::string(5000, 'a')).dump(), 400, "bad_request"},
    {"POST", launch, changed(good_launch(), "args", {"/bin/true", std::string(200'000, 'x')}).dump(), 400, "bad_request"},
    {"POST", launch, changed(good_launch(), "labels", {{"k", 1}}).dump(), 400, "bad_request"},
    {"POST", launch, changed(good_launch(), "mounts", {{{"source", "/"}}}).dump(), 400, "bad_request"},
    {"POST", launch, changed(good_launch(), "id", "no/slash").dump(), 400, "bad_id"},
    {"POST", launch, changed(good_launch(), "pool", "none").dump(), 404, "unknown_pool"},
    {"POST", launch, changed(good_launch(), "rootfs", "/no/such/place").dump(), 404, "rootfs_missing"},
    {"POST", launch, changed(good_launch(), "args", {"/no/such"}).dump(), 422, "command_not_found"},
    {"POST", launch + "?attach=true", changed(good_launch(), "args", {"/no/such"}).dump(), 422, "command_not_found"},
    {"POST", launch, std::string(2 << 20, ' '), 413, "bad_request"},
  };
  for (auto& row : rows) {
    INFO(row.method << ' ' << row.target.substr(0, 100) << ' ' << row.body.substr(0, 200));
    auto answer = http(node.socket(), row.method, row.target, row.body);
    INFO(answer.head << answer.body.substr(0, 500));
    CHECK(answer.status == row.status);
    CHECK(error_code(answer) == row.code);
  }
  CHECK(node.query({"ps", "-a"}).empty());
  CHECK(answers(node));
}

TEST_CASE("connections that do nothing hold up nobody, and end", "[hostile]") {
  BERTH_NEEDS_RUNC();
  auto node = TestNode{plain_config()};
  CHECK(answers(node));
  auto before = node.census();
  {
    auto idle = std::vector<RawConnection>{};
    for (auto i = 0; i < 200; ++i) {
      idle.emplace_back(node.socket());
      REQUIRE(idle.back().is_open());
      // Some have sent half of a request.
      if (i % 2 == 0)
        idle.back().send("GET /v1/version HTTP/1.1\r\nHo");
      if (i % 4 == 1)
        idle.back().send("POST /v1/containers HTTP/1.1\r\nHost: b\r\nContent-Length: 1000\r\n\r\n{");
    }
    CHECK(answers(node));
    CHECK(node.run("plain", {"--rm"}, {"/bin/true"}).code == 0);
  }
  CHECK(node.leaks_since(before) == "");
}

TEST_CASE("requests may come in pieces, and several on one connection", "[hostile]") {
  BERTH_NEEDS_RUNC();
  auto node = TestNode{plain_config()};
  auto text = std::string{"GET /v1/version HTTP/1.1\r\nHost: b\r\n\r\n"};
  auto slow = RawConnection{node.socket()};
  for (auto c : text)
    REQUIRE(slow.send(std::string(1, c)));
  REQUIRE(slow.send(text + http_request("GET", "/v1/pools")));
  CHECK(slow.read_to_end());
  auto answers_in_it = 0;
  for (auto at = slow.received().find("HTTP/1.1 200"); at != std::string::npos;
       at = slow.received().find("HTTP/1.1 200", at + 1))
    ++answers_in_it;
  CHECK(answers_in_it == 3);
}

TEST_CASE("a good request over the plain socket launches a container", "[hostile]") {
  BERTH_NEEDS_RUNC();
  auto node = TestNode{plain_config()};
  auto body = changed(changed(good_launch(), "id", "by-hand"), "args", {"/bin/echo", "hello"});
  auto created = http(node.socket(), "POST", "/v1/containers", body.dump());
  INFO(created.body);
  CHECK(created.status == 201);
  CHECK(Json::parse(created.body)["id"] == "by-hand");
  auto ended = http(node.socket(), "GET", "/v1/containers/by-hand/wait");
  CHECK(ended.status == 200);
  CHECK(Json::parse(ended.body)["exit"]["code"] == 0);
  auto logged = http(node.socket(), "GET", "/v1/containers/by-hand/logs");
  auto line = Json::parse(lines_of(logged.body).at(0));
  CHECK(line["data"] == "hello");
  CHECK(line["stream"] == "stdout");
  CHECK(http(node.socket(), "DELETE", "/v1/containers/by-hand").status == 204);
  CHECK(http(node.socket(), "GET", "/v1/openapi.yaml").status == 200);
}

TEST_CASE("the command survives odd arguments", "[hostile]") {
  BERTH_NEEDS_RUNC();
  auto node = TestNode{plain_config()};
  struct Row {
    Argv args;
    int code;
  };
  for (auto& row : {Row{{}, 2},
                    Row{{"no-such-verb"}, 2},
                    Row{{"run"}, 2},
                    Row{{"run", "--pool", "plain", "--rootfs", "/"}, 2},
                    Row{{"run", "--pool", "plain", "--rootfs", "/", "--memory", "many", "--", "true"}, 2},
                    Row{{"run", "--pool", "plain", "--rootfs", "/", "--env", "=x", "--", "true"}, 2},
                    Row{{"run", "--pool", "plain", "--rootfs", "/", "--mount", "x", "--", "true"}, 2},
                    Row{{"inspect", "../etc"}, 2},
                    Row{{"kill", "-s", "NOSUCH", "none"}, 1},
                    Row{{"stop", "-t", "-1", "none"}, 2},
                    Row{{"logs"}, 2},
                    Row{{"events", "--since", "x"}, 2},
                    Row{{"ps", "-o", "xml"}, 2},
                    Row{{"pools", "a\nb"}, 1},
                    Row{{"inspect", std::string(65, 'a')}, 2},
                    Row{{"wait", "a", "b"}, 1}}) {
    auto done = node.berth(row.args, 20s);
    INFO(describe(done));
    CHECK(done.code == row.code);
    CHECK_FALSE(done.err.empty());
  }
  CHECK(answers(node));
}
