#include "apps/api/query.hpp"
#include "apps/api/wire.hpp"

#include "tests/support/catch.hpp"

#include <array>

using namespace berth;

namespace {

/// A body with the keys that every launch needs, and these.
std::string launch_with(const std::string& more) {
  return R"({"pool":"web","rootfs":"/srv/r","args":["/bin/true"],)" + more + "}";
}

Error error_of(const std::string& body) {
  auto parsed = parse_launch_request(body);
  REQUIRE_FALSE(parsed);
  return parsed.error();
}

} // namespace

TEST_CASE("a launch with all its keys becomes a spec", "[wire]") {
  auto body = R"({
    "pool": "web", "id": "web-1", "rootfs": "/srv/r", "args": ["/bin/echo", "ä\n"], "env": ["A=1", "B="],
    "workdir": "/tmp", "user": "1:2", "hostname": "h", "labels": {"team": "infra"},
    "mounts": [{"source": "/a", "destination": "/b", "readOnly": true}, {"source": "/c", "destination": "/d"}],
    "memory": "64M", "cpu": "500m", "pids": 100, "gpus": 2, "checkpoint": true, "remove": true,
    "sysctls": {"net.x": "1"}, "devices": ["/dev/fuse"]
  })";
  auto spec = parse_launch_request(body);
  REQUIRE(spec);
  auto wanted = LaunchSpec{};
  wanted.pool.value = "web";
  wanted.id.value = "web-1";
  wanted.rootfs = "/srv/r";
  wanted.args = {"/bin/echo", "ä\n"};
  wanted.env = {"A=1", "B="};
  wanted.workdir = "/tmp";
  wanted.user = "1:2";
  wanted.hostname = "h";
  wanted.labels = {{"team", "infra"}};
  wanted.mounts = {{"/a", "/b", true}, {"/c", "/d", false}};
  wanted.limits = {64 * 1024 * 1024, 500, 100};
  wanted.gpus = 2;
  wanted.checkpoint = true;
  wanted.auto_remove = true;
  wanted.sysctls = {{"net.x", "1"}};
  wanted.devices = {"/dev/fuse"};
  CHECK((*spec == wanted));
}

TEST_CASE("amounts may be numbers or texts", "[wire]") {
  struct Row {
    std::string text;
    Limits wanted;
  };
  auto row = GENERATE(values<Row>({
      {R"("memory":67108864)", {67108864, 0, 0}},
      {R"("memory":"64Mi")", {67108864, 0, 0}},
      {R"("cpu":2)", {0, 2000, 0}},
      {R"("cpu":0.5)", {0, 500, 0}},
      {R"("cpu":1.0)", {0, 1000, 0}},
      {R"("cpu":"0.25")", {0, 250, 0}},
      {R"("pids":7)", {0, 0, 7}},
      {R"("memory":0,"cpu":0,"pids":0)", {0, 0, 0}},
  }));
  INFO(row.text);
  auto spec = parse_launch_request(launch_with(row.text));
  REQUIRE(spec);
  CHECK((spec->limits == row.wanted));
}

TEST_CASE("a hostile launch is refused by the name of what is wrong", "[wire]") {
  struct Row {
    std::string body;
    std::string subject;
    std::string reason;
  };
  auto row = GENERATE(values<Row>({
      {"", "request body", "empty"},
      {"{", "request body", "not JSON"},
      {"null", "request body", "null"},
      {"[]", "request body", "an array"},
      {"\"pool\"", "request body", "a string"},
      {"{} {}", "request body", "not JSON"},
      {"\xff\xfe", "request body", "not JSON"},
      {"{\"pool\":\"\xc3\x28\"}", "request body", "not JSON"},
      {std::string("{\"pool\":\"a\0b\"}", 14), "request body", "not JSON"},
      {R"({"pool":"\ud800"})", "request body", "not JSON"},
      {R"({"pool":1e999})", "request body", "not JSON"},
      {"{}", "\"pool\"", "missing"},
      {R"({"pool":"p"})", "\"rootfs\"", "missing"},
      {R"({"pool":"p","rootfs":"/r"})", "\"args\"", "missing"},
      {R"({"pool":7,"rootfs":"/r","args":[]})", "\"pool\"", "is a number"},
      {R"({"pool":null,"rootfs":"/r","args":[]})", "\"pool\"", "is null"},
      {R"({"pool":"p","pool":"q"})", "\"pool\"", "more than once"},
      {launch_with(R"("labels":{"a":"1","a":"2"})"), "\"a\"", "more than once"},
      {launch_with(R"("args":"true")"), "\"args\"", "more than once"},
      {R"({"pool":"p","rootfs":"/r","args":"true"})", "\"args\"", "is a string"},
      {R"({"pool":"p","rootfs":"/r","args":[["true"]]})", "\"args[0]\"", "is an array"},
      {R"({"pool":"p","rootfs":"/r","args":["a",2]})", "\"args[1]\"", "is a number"},
      {launch_with(R"("env":{"A":"1"})"), "\"env\"", "is an object"},
      {launch_with(R"("labels":["a"])"), "\"labels\"", "is an array"},
      {launch_with(R"("labels":{"a":1})"), "\"labels.a\"", "is a number"},
      {launch_with(R"("mounts":{})"), "\"mounts\"", "is an object"},
      {launch_with(R"("mounts":["/a:/b"])"), "\"mounts[0]\"", "is a string"},
      {launch_with(R"("mounts":[{"source":"/a"}])"), "\"mounts[0].destination\"", "missing"},
      {launch_with(R"("mounts":[{"source":"/a","destination":"/b","ro":true}])"),
       "\"mounts[0].ro\"", "unknown"},
      {launch_with(R"("mounts":[{"source":"/a","destination":"/b","readOnly":"yes"}])"),
       "\"mounts[0].readOnly\"", "is a string"},
      {launch_with(R"("memory":-1)"), "\"memory\"", "not an amount"},
      {launch_with(R"("memory":1.5)"), "\"memory\"", "not an amount"},
      {launch_with(R"("memory":"lots")"), "\"memory\"", "not an amount"},
      {launch_with(R"("memory":99999999999999999999)"), "\"memory\"", ""},
      {launch_with(R"("memory":true)"), "\"memory\"", "true or false"},
      {launch_with(R"("cpu":-0.5)"), "\"cpu\"", "not an amount"},
      {launch_with(R"("cpu":1e300)"), "\"cpu\"", ""},
      {launch_with(R"("pids":-1)"), "\"pids\"", "not a whole number"},
      {launch_with(R"("pids":1.5)"), "\"pids\"", "not a whole number"},
      {launch_with(R"("gpus":-1)"), "\"gpus\"", "is a number"},
      {launch_with(R"("gpus":4294967296)"), "\"gpus\"", "larger"},
      {launch_with(R"("checkpoint":1)"), "\"checkpoint\"", "is a number"},
      {launch_with(R"("remove":"true")"), "\"remove\"", "is a string"},
      {launch_with(R"("rm":true)"), "\"rm\"", "unknown"},
      {launch_with(R"("a\u0000b":true)"), "\"a\\x00b\"", "unknown"},
      {std::string(1'000'000, '['), "request body", "nested"},
      {"{\"a\":" + std::string(500'000, '[') + std::string(500'000, ']') + "}", "request body",
       "nested"},
      {"{\"" + std::string(900'000, 'x') + "\":1}", "...\"", "unknown"},
  }));
  INFO(row.body.substr(0, 200));
  auto error = error_of(row.body);
  CHECK(error.code == ec::bad_request);
  CHECK(error.subject.find(row.subject) != std::string::npos);
  CHECK(error.reason.find(row.reason) != std::string::npos);
  // Whatever it quotes stays readable and on one line.
  auto text = render(error);
  CHECK(text.size() < 1000);
  CHECK(text.find('\n') == std::string::npos);
}

TEST_CASE("a mistyped key is told what was probably meant", "[wire]") {
  CHECK(error_of(launch_with(R"("hostnme":"h")")).next == "did you mean \"hostname\"?");
  CHECK(error_of(launch_with(R"("nothingLikeIt":1)")).next.find("pool, rootfs, args")
        != std::string::npos);
}

TEST_CASE("an empty id is not the same as none", "[wire]") {
  CHECK(error_of(launch_with(R"("id":"")")).code == ec::bad_id);
  CHECK(parse_launch_request(launch_with(R"("remove":false)"))->id.value.empty());
}

TEST_CASE("a question why has a launch's keys, and is as strict", "[wire]") {
  auto launch = parse_why_request(R"({"pool":"p","memory":"64M","cpu":0.5,"pids":9,"gpus":2,"checkpoint":true})");
  REQUIRE(launch);
  CHECK(launch->pool.value == "p");
  CHECK((launch->limits == Limits{64 << 20, 500, 9}));
  CHECK(launch->gpus == 2);
  CHECK(launch->checkpoint);
  CHECK(parse_why_request(R"({"pool":"p"})"));
  auto body = GENERATE(values<std::string>({"", "{}", R"({"pool":"p","rootfs":"/r"})", R"({"pool":"p","gpus":-1})",
                                            R"({"pool":"p","memory":"lots"})", R"({"pool":7})", "[]"}));
  INFO(body);
  auto refused = parse_why_request(body);
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code == ec::bad_request);
}

TEST_CASE("an order to exec is as strict", "[wire]") {
  auto order =
      parse_exec_order(R"({"args":["ps","aux"],"env":["A=1"],"workdir":"/tmp","user":"root"})");
  REQUIRE(order);
  CHECK((*order == ExecOrder{{"ps", "aux"}, {"A=1"}, "/tmp", "root"}));
  auto body =
      GENERATE(values<std::string>({"{}", R"({"args":[],"tty":true})", R"({"args":"ps"})", "[]"}));
  INFO(body);
  auto refused = parse_exec_order(body);
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code == ec::bad_request);
}

// -- query --------------------------------------------------------------------------------------

namespace {

constexpr auto known = std::to_array<std::string_view>({"all", "since", "type", "timeout"});

Query query_of(const std::string& name, const std::string& value) {
  auto query = Query::check({{name, value}}, known);
  REQUIRE(query);
  return *query;
}

} // namespace

TEST_CASE("a query with unknown or repeated parameters is refused", "[wire]") {
  auto unknown = Query::check({{"al", "1"}}, known);
  REQUIRE_FALSE(unknown);
  CHECK(render(unknown.error())
        == "bad_request: query parameter \"al\": unknown (did you mean \"all\"?)");
  auto twice = Query::check({{"all", "1"}, {"all", "0"}}, known);
  REQUIRE_FALSE(twice);
  CHECK(twice.error().reason == "given more than once");
  auto none = Query::check({{"x", ""}}, {});
  REQUIRE_FALSE(none);
  CHECK(none.error().next == "there are none for this request");
}

TEST_CASE("a flag is true, false or refused", "[wire]") {
  CHECK(*query_of("all", "").flag("all"));
  CHECK(*query_of("all", "true").flag("all"));
  CHECK(*query_of("all", "1").flag("all"));
  CHECK_FALSE(*query_of("all", "false").flag("all"));
  CHECK_FALSE(*query_of("all", "0").flag("all"));
  CHECK_FALSE(*query_of("since", "1").flag("all"));
  CHECK(*query_of("since", "1").flag("all", true));
  auto bad = GENERATE(values<std::string>({"yes", "TRUE", "2", " true", "true,false"}));
  INFO(bad);
  CHECK_FALSE(query_of("all", bad).flag("all"));
}

TEST_CASE("a count is a whole number or refused", "[wire]") {
  CHECK(*query_of("since", "0").count("since") == 0u);
  CHECK(*query_of("since", "18446744073709551615").count("since") == UINT64_MAX);
  CHECK(*query_of("all", "1").count("since") == std::nullopt);
  auto bad = GENERATE(values<std::string>(
      {"", "-1", "+1", "1.5", "0x1", " 1", "1 ", "18446744073709551616", "ten"}));
  INFO(bad);
  CHECK_FALSE(query_of("since", bad).count("since"));
}

TEST_CASE("a list has no empty parts", "[wire]") {
  CHECK(*query_of("type", "a,b").list("type") == std::vector<std::string>{"a", "b"});
  CHECK(*query_of("all", "").list("type") == std::vector<std::string>{});
  auto bad = GENERATE(values<std::string>({"", ",", "a,", ",a", "a,,b"}));
  INFO(bad);
  CHECK_FALSE(query_of("type", bad).list("type"));
}

TEST_CASE("a time limit is in seconds", "[wire]") {
  using std::chrono::milliseconds;
  CHECK(*query_of("timeout", "0").seconds("timeout") == milliseconds{0});
  CHECK(*query_of("timeout", "2.5").seconds("timeout") == milliseconds{2500});
  CHECK(*query_of("timeout", "86400").seconds("timeout") == milliseconds{86'400'000});
  CHECK(*query_of("all", "").seconds("timeout") == std::nullopt);
  auto bad = GENERATE(values<std::string>(
      {"", "-1", "1s", "1e3", "86401", "99999999999999999999", "nan", "1.2.3", "."}));
  INFO(bad);
  CHECK_FALSE(query_of("timeout", bad).seconds("timeout"));
}

TEST_CASE("since is a time or how long ago", "[wire]") {
  auto now = Timestamp{1'767'323'045'000'000'000}; // 2026-01-02T03:04:05Z
  CHECK(*query_of("since", "2026-01-02T03:04:00Z").since("since", now)
        == Timestamp{now.ns - 5'000'000'000});
  CHECK(*query_of("since", "2026-01-02T05:04:00+02:00").since("since", now)
        == Timestamp{now.ns - 5'000'000'000});
  // The same, after a client has not escaped the plus.
  CHECK(*query_of("since", "2026-01-02T05:04:00 02:00").since("since", now)
        == Timestamp{now.ns - 5'000'000'000});
  CHECK(*query_of("since", "10m").since("since", now) == Timestamp{now.ns - 600'000'000'000});
  CHECK(*query_of("since", "5").since("since", now) == Timestamp{now.ns - 5'000'000'000});
  auto bad =
      GENERATE(values<std::string>({"", "yesterday", "-10m", "2026-13-01T00:00:00Z", "10 m"}));
  INFO(bad);
  CHECK_FALSE(query_of("since", bad).since("since", now));
}

TEST_CASE("a signal has a name or a number", "[wire]") {
  struct Row {
    std::string text;
    int wanted;
  };
  auto row = GENERATE(values<Row>({{"TERM", 15},
                                   {"SIGTERM", 15},
                                   {"sigkill", 9},
                                   {"kill", 9},
                                   {"HUP", 1},
                                   {"USR1", 10},
                                   {"SIGWINCH", 28},
                                   {"1", 1},
                                   {"64", 64},
                                   {"15", 15}}));
  INFO(row.text);
  CHECK(*parse_signal(row.text) == row.wanted);
}

TEST_CASE("anything else is no signal", "[wire]") {
  auto text = GENERATE(
      values<std::string>({"", "SIG", "0", "65", "-9", "TERMINATE", "9 ", "SIGSIGTERM", "RTMIN"}));
  INFO(text);
  auto signal = parse_signal(text);
  REQUIRE_FALSE(signal);
  CHECK(signal.error().code == ec::bad_request);
}
