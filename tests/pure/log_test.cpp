#include "actors/log.hpp"
#include "tests/support/catch.hpp"

#include <nlohmann/json.hpp>

using namespace berth;
using Json = nlohmann::json;

namespace {

constexpr auto at = "2026-01-02T03:04:05.678Z";

/// Puts the log back as it was for the cases that follow.
struct KeepLevels {
  ~KeepLevels() {
    log::set_context_source(nullptr);
    log::configure(LogFormat::text, {});
  }
};

std::string text_of(const std::string& value) {
  return log::format_text(LogLevel::info, "m", {{"k", value}});
}

} // namespace

TEST_CASE("a value of a line of text never looks like something else", "[log]") {
  struct Row {
    const char* what;
    std::string value;
    std::string wanted;
  };
  auto row = GENERATE(values<Row>({
    {"plain", "web-1", "web-1"},
    {"empty", "", "\"\""},
    {"spaces", "a b", "\"a b\""},
    {"the sign between key and value", "a=b", "\"a=b\""},
    {"quotes and backslashes", "a\"b\\c", "\"a\\\"b\\\\c\""},
    {"the end of a line", "a\nINFO  forged", "\"a\\nINFO  forged\""},
    {"other control characters", std::string("\x1b[31m\t\x7f\0", 8), "\"\\x1b[31m\\t\\x7f\\x00\""},
    {"UTF-8", "größe", "größe"},
    {"bytes that are none", "a\xff\xc3", "\"a\\xff\\xc3\""},
    {"an overlong form", "\xc0\xaf", "\"\\xc0\\xaf\""},
  }));
  INFO(row.what);
  CHECK(text_of(row.value) == "INFO  m k=" + row.wanted);
}

TEST_CASE("a line of JSON is one object, whatever is in it", "[log]") {
  for (const auto* value : {"web-1", "", "a \"b\" \\ c", "a\nb\tc\r", "\x1b\x7f", "größe", "a\xff\xc3(", "\xed\xa0\x80"}) {
    auto line = log::format_json(at, LogLevel::warn, "it \"failed\"", {{"k", value}, {"time", "later"}},
                                 {"pool", "c-1", "web", "t-1"});
    INFO(line);
    CHECK(line.find('\n') == std::string::npos);
    auto json = Json::parse(line, nullptr, false);
    REQUIRE(json.is_object());
    CHECK(json["time"] == at);
    CHECK(json["level"] == "warn");
    CHECK(json["component"] == "pool");
    CHECK(json["message"] == "it \"failed\"");
    CHECK(json["field_time"] == "later");
    CHECK(json["container_id"] == "c-1");
    CHECK(json["pool"] == "web");
    CHECK(json["trace_id"] == "t-1");
    CHECK(json.size() == 9);
  }
  CHECK(Json::parse(log::format_json(at, LogLevel::info, "m", {{"k", "a\xff" "b"}}))["k"] == "a\xef\xbf\xbd" "b");
}

TEST_CASE("what the context knows is added, unless the line says it itself", "[log]") {
  auto context = log::Context{"container", "c-1", "web", "t-1"};
  CHECK(log::format_text(LogLevel::error, "m", {}, context) == "ERROR m container_id=c-1 pool=web trace_id=t-1");
  CHECK(log::format_text(LogLevel::info, "m", {{"pool", "other"}}, context) == "INFO  m pool=other container_id=c-1 trace_id=t-1");
  CHECK(log::format_text(LogLevel::info, "m", {}, {"berthd", {}, {}, {}}) == "INFO  m");
  // A field without a key is left out.
  CHECK(log::format_text(LogLevel::info, "m", {{"", "x"}, {"k", "v"}}) == "INFO  m k=v");
  CHECK(Json::parse(log::format_json(at, LogLevel::info, "m", {{"", "x"}})).size() == 4);
}

TEST_CASE("a component's own level counts, else that of all", "[log]") {
  auto keep = KeepLevels{};
  log::configure(LogFormat::text, {LogLevel::warn, {{"container", LogLevel::debug}, {"oom", LogLevel::error}}});
  struct Row {
    const char* component;
    LogLevel lowest;
  };
  for (auto& [component, lowest] : {Row{"container", LogLevel::debug}, Row{"oom", LogLevel::error}, Row{"node", LogLevel::warn},
                                    Row{"no such component", LogLevel::warn}})
    for (auto level : {LogLevel::debug, LogLevel::info, LogLevel::warn, LogLevel::error}) {
      INFO(component << " " << to_string(level));
      CHECK(log::is_written(level, component) == (level >= lowest));
    }
}

TEST_CASE("levels are set and go back to what is configured", "[log]") {
  auto keep = KeepLevels{};
  auto configured = LogLevels{LogLevel::info, {{"container", LogLevel::warn}}};
  log::configure(LogFormat::text, configured);
  log::set_level(LogLevel::error);
  log::set_level("container", LogLevel::debug);
  log::set_level("node", LogLevel::debug);
  CHECK(log::current_levels() == LogLevels{LogLevel::error, {{"container", LogLevel::debug}, {"node", LogLevel::debug}}});
  CHECK(log::configured_levels() == configured);
  log::reset_level("container");
  log::reset_level("node");
  CHECK(log::current_levels() == LogLevels{LogLevel::error, {{"container", LogLevel::warn}}});
  log::set_level("node", LogLevel::debug);
  log::reset_levels();
  CHECK(log::current_levels() == configured);
  // Another configuration takes back what was set.
  log::set_level("node", LogLevel::debug);
  log::configure(LogFormat::text, {});
  CHECK(log::current_levels() == LogLevels{});
}

TEST_CASE("levels have names", "[log]") {
  for (auto level : {LogLevel::debug, LogLevel::info, LogLevel::warn, LogLevel::error})
    CHECK(parse_log_level(to_string(level)) == level);
  CHECK(parse_log_level("warning") == LogLevel::warn);
  CHECK_FALSE(parse_log_level("DEBUG"));
  CHECK_FALSE(parse_log_level(""));
  CHECK(is_log_component("self_check"));
  CHECK_FALSE(is_log_component(""));
}
