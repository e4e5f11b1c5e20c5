#include "apps/berthd/routes.hpp"
#include "config/yaml_reader.hpp"
#include "tests/actors/api_world.hpp"

#include <filesystem>
#include <fstream>
#include <thread>

using namespace berth;
using namespace berth::test;
using namespace std::chrono_literals;

namespace {

/// Sends bytes, ends sending, and reads what comes back.
HttpAnswer talk(const std::string& socket, const std::string& bytes) {
  auto connection = RawConnection{socket};
  REQUIRE(connection.is_open());
  // The server may have refused, and closed, before all was sent.
  (void)connection.send(bytes);
  connection.end_sending();
  CHECK(connection.read_to_end());
  return parse_answer(connection.received());
}

bool still_serves(const ApiWorld& world) {
  return world.get("/v1/version").status == 200;
}

void quick(HttpServerOptions& options) {
  options.patience = {stretched(300ms), stretched(300ms), stretched(300ms), stretched(300ms)};
}

} // namespace

// -- the socket ---------------------------------------------------------------------------------

TEST_CASE("the socket is for root and its group", "[api]") {
  auto world = ApiWorld{};
  CHECK(std::filesystem::is_socket(world.socket));
  CHECK(std::filesystem::status(world.socket).permissions() == std::filesystem::perms{0660});
  world.server->stop();
  CHECK_FALSE(std::filesystem::exists(world.socket));
  // Once more is no mistake.
  world.server->stop();
}

TEST_CASE("two servers never share a socket", "[api]") {
  auto world = ApiWorld{};
  auto second = HttpServer::start({world.socket, world.api()});
  REQUIRE_FALSE(second);
  CHECK(second.error().code == ec::wrong_state);
  CHECK(render(second.error()).find("another berthd serves it") != std::string::npos);
  CHECK(still_serves(world));
}

TEST_CASE("a socket that nobody serves is replaced, and nothing else is", "[api]") {
  auto world = ApiWorld{};
  auto path = world.dir / "other.sock";
  SECTION("the remains of a server that was killed") {
    auto listener = UnixListener::bind(path, 0600);
    REQUIRE(listener);
    // A second name keeps the file when the listener goes.
    std::filesystem::create_hard_link(path, path + ".kept");
    { auto gone = std::move(*listener); }
    std::filesystem::rename(path + ".kept", path);
    REQUIRE(std::filesystem::is_socket(path));
    auto server = HttpServer::start({path, world.api()});
    REQUIRE(server);
    CHECK(http(path, "GET", "/v1/version").status == 200);
  }
  SECTION("a file") {
    std::ofstream{path} << "precious";
    auto server = HttpServer::start({path, world.api()});
    REQUIRE_FALSE(server);
    CHECK(server.error().code == ec::wrong_state);
    CHECK(std::filesystem::is_regular_file(path));
  }
  SECTION("a directory") {
    std::filesystem::create_directory(path);
    CHECK_FALSE(HttpServer::start({path, world.api()}));
    CHECK(std::filesystem::is_directory(path));
  }
}

TEST_CASE("a path that no socket can have is refused by its length", "[api]") {
  auto world = ApiWorld{};
  auto longest = world.dir / std::string(socket_path_limit - world.dir.path().size() - 1, 's');
  CHECK(HttpServer::start({longest, world.api()}));
  auto too_long = HttpServer::start({longest + "s", world.api()});
  REQUIRE_FALSE(too_long);
  CHECK(too_long.error().code == ec::bad_request);
  CHECK(too_long.error().reason.find("107") != std::string::npos);
  auto missing = HttpServer::start({world.dir / "no/where.sock", world.api()});
  REQUIRE_FALSE(missing);
  CHECK(missing.error().code == ec::system_error);
}

// -- hostile clients ----------------------------------------------------------------------------

TEST_CASE("what is not HTTP is refused, and the server goes on", "[api]") {
  static auto world = ApiWorld{quick};
  struct Row {
    std::string what;
    std::string bytes;
    int status;
  };
  auto row = GENERATE(values<Row>({
      {"nothing", "", 0},
      {"one byte", "G", 0},
      {"half a head", "GET /v1/version HTTP/1.1\r\nHost:", 0},
      {"garbage", std::string("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", 15), 400},
      {"zeros", std::string(1000, '\0') + "\r\n\r\n", 400},
      {"no version", "GET /v1/version\r\n\r\n", 400},
      {"another version", "GET /v1/version HTTP/3.0\r\n\r\n", 505},
      {"a path without end", "GET /" + std::string(100'000, 'a'), 431},
      {"a field without end", "GET /v1/version HTTP/1.1\r\nX: " + std::string(100'000, 'a'), 431},
      {"fields without end",
       "GET /v1/version HTTP/1.1\r\n" +
           [] {
             auto fields = std::string{};
             for (auto i = 0; i < 5000; ++i)
               fields += "X: y\r\n";
             return fields;
           }(),
       431},
      {"a thousand small fields",
       "GET /v1/version HTTP/1.1\r\n" +
           [] {
             auto fields = std::string{};
             for (auto i = 0; i < 1000; ++i)
               fields += "X: y\r\n";
             return fields + "\r\n";
           }(),
       431},
      {"a negative length", "POST /v1/containers HTTP/1.1\r\nContent-Length: -5\r\n\r\n{}", 400},
      {"two lengths",
       "POST /v1/containers HTTP/1.1\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n{}x", 400},
      {"a huge length",
       "POST /v1/containers HTTP/1.1\r\nContent-Length: 18446744073709551615\r\n\r\n{}", 413},
      {"chunks",
       "POST /v1/containers HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
       411},
      {"less than was announced", "POST /v1/containers HTTP/1.1\r\nContent-Length: 20\r\n\r\n{}",
       0},
      {"a body that is too long",
       "POST /v1/containers HTTP/1.1\r\nContent-Length: 2000000\r\n\r\n"
           + std::string(2'000'000, ' '),
       413},
      {"a body of a GET",
       "GET /v1/version HTTP/1.1\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}", 400},
  }));
  INFO(row.what);
  auto answer = talk(world.socket, row.bytes);
  CHECK(answer.status == row.status);
  if (row.status != 0) {
    CHECK(error_in(answer)["code"] == "bad_request");
    CHECK(answer.head.find("Connection: close\r\n") != std::string::npos);
  }
  CHECK(still_serves(world));
}

TEST_CASE("a configuration may be as large as berthd could start with, in any form of JSON", "[api]") {
  static auto world = ApiWorld{};
  auto target = GENERATE(as<std::string>{}, "/v1/plan", "/v1/apply");
  INFO(target);
  auto body_of = [](size_t bytes, const std::string& escaped) {
    auto files = std::string{};
    for (size_t file = 0; file * max_config_file_size < bytes; ++file) {
      files += (file == 0 ? "" : ",") + std::string{R"({"name":")"} + std::string(4000, 'n') + R"(","text":")";
      for (size_t i = 0; i < std::min(bytes - file * max_config_file_size, max_config_file_size); ++i)
        files += escaped;
      files += R"("})";
    }
    return R"({"files":[)" + files + "]}";
  };
  CHECK(world.post(target, body_of(max_config_size, "\\u0023")).status == 200);
  auto too_large = world.post(target, body_of(max_config_size + 1, "#"));
  CHECK(too_large.status == 413);
  CHECK(error_in(too_large)["code"] == "invalid_config");
  CHECK(error_in(too_large)["message"].get<std::string>().find("larger than 4194304 bytes") != std::string::npos);
  auto too_long = world.post(target, std::string(config_body_limit + 1, ' '));
  CHECK(too_long.status == 413);
  CHECK(error_in(too_long)["code"] == "bad_request");
  CHECK(error_in(too_long)["message"].get<std::string>().find(std::to_string(config_body_limit)) != std::string::npos);
  CHECK(still_serves(world));
}

TEST_CASE("a body that is no configuration is a megabyte at most", "[api]") {
  static auto world = ApiWorld{};
  auto request = GENERATE(as<std::string>{}, "POST /v1/containers", "POST /v1/containers/a/exec", "POST /v1/rollback",
                          "POST /v1/reload", "POST /v1/plan/more", "GET /v1/plan", "GET /v1/version");
  INFO(request);
  auto answer = talk(world.socket, request + " HTTP/1.1\r\nContent-Length: 1048577\r\n\r\n" + std::string(1048577, ' '));
  CHECK(answer.status == 413);
  CHECK(error_in(answer)["message"].get<std::string>().find("1048576 bytes") != std::string::npos);
  CHECK(still_serves(world));
}

TEST_CASE("who sends nothing for too long is told, and let go", "[api]") {
  auto world = ApiWorld{quick};
  struct Row {
    std::string bytes;
    int status;
  };
  auto row = GENERATE(
      values<Row>({{"", 0},
                   {"GET /v1/ver", 408},
                   {"GET /v1/version HTTP/1.1\r\n", 408},
                   {"POST /v1/containers HTTP/1.1\r\nContent-Length: 10\r\n\r\n{}", 408}}));
  INFO(row.bytes);
  auto connection = RawConnection{world.socket};
  REQUIRE(connection.send(row.bytes));
  // Our end stays open: it is the server that ends this.
  CHECK(connection.read_to_end(10s));
  CHECK(parse_answer(connection.received()).status == row.status);
}

TEST_CASE("who sends byte by byte has no more time than others", "[api]") {
  auto world = ApiWorld{quick};
  auto connection = RawConnection{world.socket};
  auto began = std::chrono::steady_clock::now();
  auto ended = false;
  while (!ended && std::chrono::steady_clock::now() - began < 10s) {
    ended = !connection.send("x", 100ms);
    connection.read_until([](std::string_view) { return false; }, 20ms);
  }
  CHECK(ended);
  CHECK(parse_answer(connection.received()).status == 408);
}

TEST_CASE("unknown paths, methods and parameters are told what there is", "[api]") {
  auto world = ApiWorld{};
  CHECK(world.get("/").status == 404);
  CHECK(world.get("/v1").status == 404);
  CHECK(world.get("/v2/version").status == 404);
  CHECK(world.get("/v1/version/more").status == 404);
  CHECK(world.get("/v1/containers/x/y").status == 404);
  CHECK(error_in(world.get("/v1/../etc/passwd"))["code"] == "bad_request");
  auto answer = http(world.socket, "PUT", "/v1/containers");
  CHECK(answer.status == 405);
  CHECK(answer.head.find("Allow: GET, POST\r\n") != std::string::npos);
  CHECK(http(world.socket, "BREW", "/v1/version").status == 405);
  answer = world.get("/v1/containers?al=1");
  CHECK(answer.status == 400);
  CHECK(error_in(answer)["next"] == "did you mean \"all\"?");
  CHECK(world.get("/v1/version?all=1").status == 400);
  CHECK(world.post("/v1/containers/x/stop", "{}").status == 400);
}

TEST_CASE("a text in a request cannot break the form of an answer", "[api]") {
  auto world = ApiWorld{};
  auto answer = world.get("/v1/containers/%22%0d%0aX-Evil:%201%00%ff");
  CHECK(answer.status == 400);
  CHECK(answer.head.find("Evil") == std::string::npos);
  CHECK(error_in(answer)["code"] == "bad_id");
}

// -- connections --------------------------------------------------------------------------------

TEST_CASE("a connection serves one request after the other", "[api]") {
  auto world = ApiWorld{};
  auto connection = RawConnection{world.socket};
  auto request = std::string{"GET /v1/version HTTP/1.1\r\nHost: x\r\n\r\n"};
  // Three at once, the last of which ends the connection.
  REQUIRE(connection.send(request + request + http_request("GET", "/v1/pools")));
  CHECK(connection.read_to_end());
  auto& text = connection.received();
  auto answers = 0;
  for (auto at = text.find("HTTP/1.1 200"); at != std::string::npos;
       at = text.find("HTTP/1.1 200", at + 1))
    ++answers;
  CHECK(answers == 3);
}

TEST_CASE("an old client gets an answer that ends with its connection", "[api]") {
  auto world = ApiWorld{};
  world.publish("pool.ready");
  auto answer = talk(world.socket, "GET /v1/version HTTP/1.0\r\n\r\n");
  CHECK(answer.status == 200);
  CHECK(answer.head.find("Connection: close") != std::string::npos);
  answer = talk(world.socket, "GET /v1/events HTTP/1.0\r\n\r\n");
  CHECK(answer.head.find("chunked") == std::string::npos);
  CHECK(lines_in(answer.body).size() == 1);
}

TEST_CASE("a client that waits for permission to send its body gets it", "[api]") {
  auto world = ApiWorld{};
  auto connection = RawConnection{world.socket};
  auto body = std::string{R"({"pool":"web","rootfs":"/r","args":["x"],"id":"c-1"})"};
  REQUIRE(connection.send("POST /v1/containers HTTP/1.1\r\nExpect: 100-continue\r\nConnection: "
                          "close\r\nContent-Length: "
                          + std::to_string(body.size()) + "\r\n\r\n"));
  auto allowed = std::string{"HTTP/1.1 100 Continue\r\n\r\n"};
  CHECK(connection.read_until([&](std::string_view text) { return text.size() >= allowed.size(); },
                              10s)
        == allowed);
  REQUIRE(connection.send(body));
  CHECK(connection.read_to_end());
  CHECK(parse_answer(connection.received().substr(allowed.size())).status == 201);
}

TEST_CASE("two hundred clients are served at once", "[api]") {
  auto world = ApiWorld{};
  auto clients = std::vector<std::unique_ptr<RawConnection>>{};
  for (auto i = 0; i < 200; ++i) {
    clients.push_back(std::make_unique<RawConnection>(world.socket));
    REQUIRE(clients.back()->is_open());
    REQUIRE(clients.back()->send("GET /v1/version HTTP/1.1\r\n"));
  }
  // All are in the middle of a request now; the last one is not kept waiting by the others.
  REQUIRE(clients.back()->send("Connection: close\r\n\r\n"));
  CHECK(clients.back()->read_to_end());
  CHECK(parse_answer(clients.back()->received()).status == 200);
  clients.pop_back();
  for (auto& client : clients)
    REQUIRE(client->send("Connection: close\r\n\r\n"));
  auto served = 0;
  for (auto& client : clients)
    served += client->read_to_end() && parse_answer(client->received()).status == 200;
  CHECK(served == 199);
}

TEST_CASE("one client too many is told so at once, and served when there is room", "[api]") {
  auto world = ApiWorld{[](HttpServerOptions& options) {
    options.max_connections = 3;
  }};
  auto clients = std::vector<std::unique_ptr<RawConnection>>{};
  for (auto i = 0; i < 3; ++i) {
    clients.push_back(std::make_unique<RawConnection>(world.socket));
    REQUIRE(clients.back()->send("GET /v1/version HTTP/1.1\r\n\r\n"));
    clients.back()->read_until(
        [](std::string_view text) { return text.find("host-1") != text.npos; }, 10s);
  }
  auto answer = world.get("/v1/version");
  CHECK(answer.status == 503);
  CHECK(error_in(answer)["code"] == "limit_reached");
  clients.pop_back();
  CHECK(eventually(10s, [&] { return world.get("/v1/version").status == 200; }));
}

TEST_CASE("a server without clients stops at once", "[api]") {
  auto world = ApiWorld{};
  auto began = std::chrono::steady_clock::now();
  world.server->stop();
  CHECK(std::chrono::steady_clock::now() - began < stretched(1s));
}

TEST_CASE("stopping ends every connection, whatever it is doing", "[api]") {
  auto world = ApiWorld{};
  world.add(running_container("c-1"));
  world.script->launch = [](const LaunchSpec&) {
    return std::nullopt;
  };
  world.script->stop = [](const StopContainer&) {
    return std::nullopt;
  };
  auto idle = RawConnection{world.socket};
  auto half = RawConnection{world.socket};
  REQUIRE(half.send("POST /v1/containers HTTP/1.1\r\nContent-Length: 100\r\n\r\n{"));
  auto launching = StreamClient{world.socket, "POST", "/v1/containers",
                                R"({"pool":"web","rootfs":"/r","args":["x"]})"};
  auto stopping = StreamClient{world.socket, "POST", "/v1/containers/c-1/stop"};
  auto waiting = StreamClient{world.socket, "GET", "/v1/containers/c-1/wait"};
  auto following = StreamClient{world.socket, "GET", "/v1/events?follow=true"};
  REQUIRE(following.begun());
  REQUIRE(eventually(10s, [&] {
    auto guard = std::lock_guard{world.script->mutex};
    return world.script->launched.size() == 1;
  }));
  REQUIRE(eventually(10s, [&] { return world.script->was_asked("stop c-1 -1"); }));
  // Once before it stops, once before it waits.
  REQUIRE(eventually(10s, [&] { return world.script->times_asked("describe c-1") == 2; }));
  auto began = std::chrono::steady_clock::now();
  world.server->stop();
  CHECK(std::chrono::steady_clock::now() - began < stretched(1s));
  for (auto* client : {&idle, &half})
    CHECK(client->read_to_end());
  for (auto* client : {&launching, &stopping, &waiting}) {
    CHECK(client->connection().read_to_end());
    CHECK(client->answer().status == 503);
    CHECK(error_in(client->answer())["code"] == "shutting_down");
  }
  CHECK(following.connection().read_to_end());
  auto lines = lines_in(following.answer().body);
  REQUIRE_FALSE(lines.empty());
  CHECK(lines.back()["error"]["code"] == "shutting_down");
}
