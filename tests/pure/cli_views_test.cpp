#include "apps/berth/oom_text.hpp"
#include "apps/berth/views.hpp"

#include "tests/support/catch.hpp"

using namespace berth;
using namespace berth::cli;

TEST_CASE("a container is read with what the tables show") {
  auto container =
    read_container(R"({"id":"web","pool":"p","state":"exited","runtime":"runc","configuredRuntime":"gvisor",
    "selection":{"reason":"gpu","override":true},"startedAt":"2026-01-02T03:04:05.000000006Z","args":["a","b"],
    "exit":{"code":137,"signal":9,"oomKilled":true,"reason":"killed"},"limits":{"memory":67108864},"warnings":["w"]})");
  REQUIRE(container);
  CHECK(container->id == "web");
  CHECK(container->started_at.ns == 1767323045'000000006);
  CHECK(container->args == std::vector<std::string>{"a", "b"});
  CHECK(container->memory_limit == 64 << 20);
  CHECK(container->warnings == std::vector<std::string>{"w"});
  CHECK(describe_runtime(*container) == "runc (gpu)");
  CHECK(describe_state(*container) == "exited (137, out of memory)");
}

TEST_CASE("nothing that is missing or of another type does harm") {
  auto json =
    GENERATE(as<std::string>{}, "{}", R"({"id":null,"args":"x","exit":7,"limits":[],"warnings":{},"startedAt":3})",
             R"({"id":{},"args":[1,null,{}],"exit":{"code":"1","signal":{}},"selection":"x","state":[]})",
             R"({"exit":{"code":1e300,"signal":-9223372036854775808}})");
  INFO(json);
  auto container = read_container(json);
  REQUIRE(container);
  CHECK(container->id.empty());
  CHECK(container->memory_limit == 0);
  CHECK_FALSE(describe_state(*container) == "running");
  CHECK(read_pool(json).has_value());
  CHECK(read_stats(json).has_value());
  CHECK(read_version(json).has_value());
  CHECK(read_event(json).has_value());
  CHECK(read_log_line(json).has_value());
  CHECK(read_stream_line(json).has_value());
}

TEST_CASE("what is no JSON object is told apart from an answer") {
  auto json = GENERATE(as<std::string>{}, "", "null", "[]", "7", "{", "<html>", "{\"a\":\"\xff\"}");
  INFO(json);
  CHECK_FALSE(read_container(json));
  CHECK_FALSE(read_stream_line(json));
  CHECK(read_container(json).error().code == "bad_answer");
}

TEST_CASE("the exit code of a container is what a shell would make of it") {
  struct Row {
    ExitView exit;
    int code;
  };
  auto row = GENERATE(Row{{0, 0, false, ""}, 0}, Row{{3, 0, false, ""}, 3}, Row{{255, 0, false, ""}, 255},
                      Row{{137, 9, true, ""}, 137}, Row{{0, 15, false, ""}, 143}, Row{{143, 15, false, ""}, 143},
                      Row{{-1, 0, false, ""}, 255}, Row{{256 + 3, 0, false, ""}, 3});
  CHECK(exit_code(row.exit) == row.code);
}

TEST_CASE("failures keep their message and an exit code that scripts know") {
  struct Row {
    std::string body;
    const char* code;
    const char* message;
    int exit_code;
  };
  auto row =
    GENERATE(Row{R"({"error":{"code":"command_not_found","message":"no such command","exitCode":127}})",
                 "command_not_found", "no such command", 127},
             Row{R"({"error":{"code":"x","message":"m","exitCode":0}})", "x", "m", 125},
             Row{R"({"error":{"code":"x","exitCode":"127"}})", "x", "x", 125},
             Row{"<html>", "bad_answer",
                 "the daemon answered with status 502 and no explanation (is this the socket of berthd?)", 125},
             Row{"[]", "bad_answer",
                 "the daemon answered with status 502 and no explanation (is this the socket of berthd?)", 125});
  INFO(row.body);
  CHECK(read_failure(502, row.body) == Failure{row.code, row.message, row.exit_code});
}

TEST_CASE("the lines of a stream are told apart") {
  using Kind = StreamLine::Kind;
  struct Row {
    const char* json;
    Kind kind;
  };
  auto row = GENERATE(Row{R"({"type":"running","container":{"id":"a"}})", Kind::running},
                      Row{R"({"type":"output","stream":"stdout","data":"x"})", Kind::output},
                      Row{R"({"type":"gap","missed":3})", Kind::gap}, Row{R"({"type":"oom","kills":1})", Kind::oom},
                      Row{R"({"type":"exited","exitCode":7})", Kind::exited},
                      Row{R"({"type":"of the future"})", Kind::unknown});
  INFO(row.json);
  auto line = read_stream_line(row.json);
  REQUIRE(line);
  CHECK(line->kind == row.kind);
}

TEST_CASE("a line of any stream can tell that the daemon cannot go on") {
  const auto line = R"({"error":{"code":"shutting_down","message":"berthd stops"}})";
  const auto told = Failure{"shutting_down", "berthd stops", 125};
  CHECK(read_event(line).error() == told);
  CHECK(read_log_line(line).error() == told);
  CHECK(read_stream_line(line).error() == told);
}

TEST_CASE("output arrives as the bytes that were written") {
  auto text = read_stream_line(R"({"type":"output","stream":"stderr","data":"a\nä"})");
  REQUIRE(text);
  CHECK(text->data == "a\nä");
  CHECK(text->from_stderr);
  auto bytes = read_stream_line(R"({"type":"output","stream":"stdout","base64":"/wAK"})");
  REQUIRE(bytes);
  CHECK(bytes->data == std::string("\xff\x00\n", 3));
  CHECK_FALSE(bytes->from_stderr);
}

TEST_CASE("JSON is laid out with its keys in their order") {
  CHECK(pretty(R"({"b":1,"a":[2]})") == "{\n  \"b\": 1,\n  \"a\": [\n    2\n  ]\n}\n");
  CHECK(pretty_list({}) == "[]\n");
  CHECK(pretty_list({R"({"b":1})"}) == "[\n  {\n    \"b\": 1\n  }\n]\n");
}

TEST_CASE("a kill at a memory limit is told with what is known of it") {
  struct Row {
    const char* json;
    const char* text;
  };
  auto row = GENERATE(
    Row{R"({"container":"x","pool":"web","data":{"scope":"container","kills":1,"limit":67108864,"peak":67108864,
        "victim":"python3","victimPid":4711}})",
        "container x (pool web) was killed at its memory limit of 64.0 MiB: victim python3 (pid 4711), peak 64.0 MiB, "
        "1 kill so far"},
    Row{R"({"container":"x","pool":"web","data":{"scope":"process","kills":2,"limit":67108864}})",
        "a process of container x (pool web) was killed at its memory limit of 64.0 MiB, the container lives on: 2 "
        "kills so far"},
    Row{R"({"container":"x","data":{"kills":1,"limit":0}})",
        "container x was killed because the host ran out of memory: 1 kill so far"});
  auto event = read_event(row.json);
  REQUIRE(event);
  CHECK(describe_oom(*event) == row.text);
}
