#include "config/compare_settings.hpp"
#include "config/listen_address.hpp"

#include "tests/config/load.hpp"
#include "tests/support/catch.hpp"

using namespace berth;
using namespace berth::test;

namespace {

std::string with_node(const std::string& lines) {
  return "worker: {pools: {a: {}}}\nberth:\n" + lines;
}

} // namespace

TEST_CASE("the daemon's log is configured, with levels of components", "[config]") {
  auto node = valid(with_node("  log: {format: json, level: warn, levels: {container: debug, self_check: error}}\n"
                              "  metrics: {listen: '[::1]:9477'}\n"))
                .node;
  CHECK(node.log_format.value == LogFormat::json);
  CHECK(node.levels_of_log() == LogLevels{LogLevel::warn, {{"container", LogLevel::debug}, {"self_check", LogLevel::error}}});
  CHECK(to_string(node.log_levels.at("container").origin) == "f.yaml:3:56");
  CHECK(node.metrics_listen.value == "[::1]:9477");
  auto standard = valid(with_node("  log:\n")).node;
  CHECK(standard.log_format.value == LogFormat::text);
  CHECK(standard.levels_of_log() == LogLevels{});
  CHECK(standard.metrics_listen.value.empty());
}

TEST_CASE("what is wrong with log and metrics is told with its place", "[config]") {
  struct Row {
    const char* lines;
    const char* wanted;
  };
  auto row = GENERATE(values<Row>({
    {"  log: {format: xml}\n", "unknown format \"xml\""},
    {"  log: {level: verbose}\n", "unknown level \"verbose\" (known: debug, info, warn, error)"},
    {"  log: {levels: {containers: debug}}\n", "did you mean \"container\"?"},
    {"  log: {levels: {container: loud}}\n", "unknown level \"loud\""},
    {"  log: {colour: true}\n", "(known: format, level, levels)"},
    {"  log: {maxSize: 1M}\n", "it belongs in berth.logs"},
    {"  metrics: {port: 9477}\n", "(known: listen)"},
    {"  metrics: {listen: 9477}\n", "write an IP address and a port, such as 127.0.0.1:9477"},
  }));
  INFO(row.lines);
  auto errors = errors_in(with_node(row.lines));
  INFO(errors);
  CHECK(errors.find(row.wanted) != std::string::npos);
  CHECK(errors.find("f.yaml:3:") != std::string::npos);
}

TEST_CASE("an address to listen on is an IP address and a port", "[config]") {
  CHECK(parse_listen_address("127.0.0.1:9477") == ListenAddress{"127.0.0.1", 9477});
  CHECK(parse_listen_address("0.0.0.0:0") == ListenAddress{"0.0.0.0", 0});
  CHECK(parse_listen_address("[::]:65535") == ListenAddress{"::", 65535});
  CHECK(parse_listen_address("[fe80::1]:1") == ListenAddress{"fe80::1", 1});
  for (const auto* wrong : {"", ":", ":9477", "127.0.0.1", "127.0.0.1:", "127.0.0.1:65536", "127.0.0.1:-1", "127.0.0.1:1x", "127.0.0:1",
                            "127.0.0.0.1:1", "256.0.0.1:1", "127.0.0.01:1", "localhost:9477", "::1:9477", "[]:1", "[localhost]:1",
                            "[::1]9477", " 127.0.0.1:1"}) {
    INFO(wrong);
    auto parsed = parse_listen_address(wrong);
    REQUIRE_FALSE(parsed);
    CHECK(parsed.error().code == ec::bad_request);
  }
}

TEST_CASE("a change of the log needs no restart, and one of the metrics' address does", "[compare]") {
  auto before = valid(with_node("  log: {level: info, levels: {oom: debug}}\n"));
  auto after = valid(with_node("  log: {level: debug, levels: {node: warn}}\n  metrics: {listen: '127.0.0.1:1'}\n"));
  auto difference = compare(before, after);
  CHECK(difference.pools.empty());
  CHECK(difference.node.size() == 4);
  CHECK(difference.needs_restart == std::vector<std::string>{"berth.metrics.listen"});
}
