#include "apps/api/wire.hpp"
#include "apps/berth/command_line.hpp"
#include "apps/berth/log_text.hpp"

#include "tests/support/catch.hpp"

using namespace berth;
using namespace berth::cli;

namespace {

using Args = std::vector<std::string>;

auto parse(Args args) {
  args.insert(args.begin(), "log");
  return parse_command_line(args, {[](const std::string&) { return std::optional<std::string>{}; }, "/"});
}

LogOptions options_of(const Args& args) {
  auto result = parse(args);
  INFO((result ? "" : result.error().text));
  REQUIRE(result);
  return std::get<LogOptions>(result->verb);
}

} // namespace

TEST_CASE("the level of the log is shown, set and taken back", "[cli][log]") {
  CHECK(options_of({"level"}).level.empty());
  CHECK(log_request(options_of({"level", "debug"})) == R"({"level":"debug"})");
  CHECK(log_request(options_of({"level", "reset"})) == R"({"level":"reset"})");
  CHECK(log_request(options_of({"level", "container", "debug"})) == R"({"level":"debug","component":"container"})");
  CHECK(log_request(options_of({"level", "container", "reset"})) == R"({"level":"reset","component":"container"})");
  // What the command sends is what the daemon takes.
  CHECK(parse_log_request(log_request(options_of({"level", "oom", "warn"}))) == LogOrder{"oom", LogLevel::warn});
  CHECK(parse_log_request(log_request(options_of({"level", "reset"}))) == LogOrder{{}, {}});
}

TEST_CASE("a wrong word about the log is told from a right one", "[cli][log]") {
  struct Row {
    Args args;
    const char* wanted;
  };
  auto row = GENERATE(values<Row>({
    {{}, "berth log level"},
    {{"lvl"}, "only \"level\" is known"},
    {{"level", "verbose"}, "\"verbose\" is no level"},
    {{"level", "container"}, "which level for container?"},
    {{"level", "containers", "debug"}, "did you mean container?"},
    {{"level", "container", "loud"}, "\"loud\" is no level"},
    {{"level", "container", "pool", "debug"}, "unexpected argument \"pool\""},
  }));
  auto result = parse(row.args);
  REQUIRE_FALSE(result);
  INFO(result.error().text);
  CHECK(result.error().exit_code == 2);
  CHECK(result.error().text.find(row.wanted) != std::string::npos);
}

TEST_CASE("the daemon refuses levels and components that do not exist, and lists those that do", "[wire][log]") {
  for (auto* body : {"{}", R"({"level":"loud"})", R"({"level":1})", R"({"component":"x","level":"debug"})", R"({"lewel":"debug"})"}) {
    INFO(body);
    auto order = parse_log_request(body);
    REQUIRE_FALSE(order);
    CHECK(order.error().code == ec::bad_request);
  }
  CHECK(parse_log_request(R"({"component":"x","level":"debug"})").error().next.find("self_check") != std::string::npos);
}

TEST_CASE("levels are shown with what is configured", "[cli][log]") {
  auto status = LogStatus{{LogLevel::info, {{"oom", LogLevel::debug}}}, {LogLevel::warn, {}}};
  auto text = describe_log(to_wire(status), false);
  REQUIRE(text);
  INFO(*text);
  CHECK(text->starts_with("COMPONENT   LEVEL  CONFIGURED\n(all)       info   warn\nnode        info   warn\n"));
  CHECK(text->find("oom         debug  warn\n") != std::string::npos);
  CHECK_FALSE(describe_log("[]", false));
  CHECK_FALSE(describe_log("rubbish", false));
}
