#include "tests/e2e/nodes.hpp"

#include <filesystem>
#include <fstream>
#include <regex>
#include <set>
#include <sstream>

using namespace berth;
using namespace berth::test;
using namespace std::chrono_literals;

namespace {

using Names = std::set<std::string>;

std::string scrape(const TestNode& node) {
  auto answer = http(node.socket(), "GET", "/metrics");
  CHECK(answer.status == 200);
  return answer.body;
}

/// The value of a sample, by the beginning of its line; -1 if there is none.
double value_of(const std::string& metrics, const std::string& sample) {
  for (auto& line : lines_of(metrics))
    if (line.starts_with(sample + " "))
      return std::stod(line.substr(sample.size() + 1));
  return -1;
}

/// The names that samples can have, by the types that are told.
Names names_in(const std::string& metrics) {
  auto result = Names{};
  for (auto& line : lines_of(metrics)) {
    auto words = std::istringstream{line};
    auto hash = std::string{}, keyword = std::string{}, name = std::string{}, type = std::string{};
    words >> hash >> keyword >> name >> type;
    if (hash != "#" || keyword != "TYPE")
      continue;
    if (type == "histogram")
      for (auto* suffix : {"_bucket", "_sum", "_count"})
        result.insert(name + suffix);
    else
      result.insert(name);
  }
  return result;
}

/// Every query that the dashboard makes.
void collect_queries(const Json& json, std::vector<std::string>& queries) {
  if (json.is_object())
    for (const auto& key : {"expr", "definition"})
      if (json.contains(key))
        queries.push_back(json[key]);
  for (const auto& child : json)
    if (child.is_structured())
      collect_queries(child, queries);
}

void write(const std::string& path, const std::string& text) {
  std::ofstream{path} << text;
}

/// What promtool objects to; it has no other way to get them than its standard input.
Output check_with_promtool(const TestNode& node, const std::string& metrics) {
  auto path = node.root() + "/metrics.txt";
  write(path, metrics);
  auto checked = run_program({"/bin/sh", "-c", "exec promtool check metrics <\"$0\"", path});
  std::filesystem::remove(path);
  return checked;
}

/// runc alone, and gVisor that is not there: it falls back.
std::string config_with(int most, const std::string& node = {}) {
  return config_of("  pools:\n    plain:\n      maxContainers: " + std::to_string(most)
                     + "\n    fallen:\n      runtime: gvisor\n      onRuntimeUnavailable: fallback\n",
                   patient_probe() + "  runtimes: {runsc: /no/such/runsc}\n" + node);
}

} // namespace

TEST_CASE("metrics tell what a node has done, and promtool has no objection", "[metrics]") {
  BERTH_NEEDS_RUNC();
  auto node = TestNode{config_with(3)};
  CHECK(node.run("plain", {"--rm"}, {"/bin/true"}).code == 0);
  CHECK(node.run("plain", {"--rm"}, {"/bin/no-such-program"}).code == 127);
  CHECK(node.run("fallen", {"--rm"}, {"/bin/true"}).code == 0);
  auto greedy = node.run("plain", {"--rm", "--id", "greedy", "--memory", "32M"},
                         shell("x=$(head -c 200m /dev/zero | tr '\\0' x)"));
  INFO(describe(greedy));
  CHECK(greedy.code != 0);
  node.start("plain", {"--id", "keeper"}, shell("while :; do sleep 0.2; done"));
  auto changed = node.root() + "/changed.yaml";
  write(changed, config_with(1));
  CHECK(node.berth({"apply", "-f", changed, "--allow-fallback"}).code == 0);
  CHECK(node.run("plain", {}, {"/bin/true"}).code == 125);

  auto metrics = scrape(node);
  INFO(metrics);
  auto plain = [&](const std::string& name, const std::string& labels = {}) {
    return value_of(metrics, name + "{pool=\"plain\"" + (labels.empty() ? "" : "," + labels) + "}");
  };
  CHECK(plain("berth_launches_total", R"(runtime="runc",outcome="ran",code="")") == 3);
  CHECK(plain("berth_launches_total", R"(runtime="runc",outcome="failed",code="command_not_found")") == 1);
  CHECK(plain("berth_launches_total", R"(runtime="none",outcome="refused",code="limit_reached")") == 1);
  CHECK(value_of(metrics, R"(berth_launches_total{pool="fallen",runtime="runc",outcome="ran",code=""})") == 1);
  CHECK(std::regex_search(metrics, std::regex{R"(berth_runtime_fallbacks_total\{pool="fallen",reason="[a-z_]+"\} 1\n)"}));
  CHECK(plain("berth_launch_duration_seconds_count", R"(runtime="runc")") == 3);
  for (auto* phase : {"queue", "select", "slot", "record", "prepare", "create", "watch", "start"}) {
    INFO(phase);
    auto labels = R"(runtime="runc",phase=")" + std::string{phase} + "\"";
    CHECK(plain("berth_launch_phase_duration_seconds_count", labels) >= 3);
    CHECK(plain("berth_launch_phase_duration_seconds_sum", labels) < 60);
  }
  CHECK(plain("berth_oom_kills_total", R"(runtime="runc",scope="container")")
          + plain("berth_oom_kills_total", R"(runtime="runc",scope="process")")
        >= 1);
  CHECK(plain("berth_pool_running_containers") == 1);
  CHECK(plain("berth_pool_max_containers") == 1);
  CHECK(plain("berth_pool_generation") == 2);
  CHECK(plain("berth_pool_state", R"(state="ready")") == 1);
  CHECK(value_of(metrics, R"(berth_pool_state{pool="fallen",state="degraded"})") == 1);
  CHECK(value_of(metrics, R"(berth_config_changes_total{outcome="committed"})") == 1);
  CHECK(plain("berth_pool_changes_total", R"(kind="changed")") == 1);
  CHECK(value_of(metrics, "berth_journal_commits_total") > 10);
  CHECK(value_of(metrics, "berth_journal_events_total") > 10);
  CHECK(value_of(metrics, "berth_journal_size_bytes") > 4096);
  CHECK(value_of(metrics, "process_resident_memory_bytes") > 1e6);
  CHECK(value_of(metrics, "process_cpu_seconds_total") > 0);
  CHECK(value_of(metrics, "process_open_fds") > 10);
  CHECK(value_of(metrics, "process_max_fds") >= value_of(metrics, "process_open_fds"));
  CHECK(metrics.find("keeper") == std::string::npos);
  CHECK(metrics.find("greedy") == std::string::npos);

  if (run_program({"/bin/sh", "-c", "command -v promtool"}).code != 0)
    BERTH_SKIP("there is no promtool (package prometheus)");
  auto checked = check_with_promtool(node, metrics);
  INFO(describe(checked));
  CHECK(checked.code == 0);
  CHECK(checked.err.empty());
}

TEST_CASE("the dashboard asks for metrics that exist", "[metrics]") {
  BERTH_NEEDS_RUNC();
  auto dashboard = Json::parse(text_of(std::string{BERTH_SOURCE_DIR} + "/apps/packaging/grafana-dashboard.json"));
  auto queries = std::vector<std::string>{};
  collect_queries(dashboard, queries);
  CHECK(queries.size() > 30);
  auto node = TestNode{plain_config()};
  auto known = names_in(scrape(node));
  auto asked = Names{};
  auto pattern = std::regex{"\\b(berth|process)_[a-z0-9_]+"};
  for (const auto& query : queries) {
    auto count = 0;
    for (auto i = std::sregex_iterator{query.begin(), query.end(), pattern}; i != std::sregex_iterator{}; ++i, ++count) {
      INFO(query);
      CHECK(known.count(i->str()) == 1);
      asked.insert(i->str());
    }
    INFO(query);
    CHECK(count > 0);
  }
  // And shows what there is: each name, or one of the parts of a histogram.
  for (const auto& name : known) {
    auto stem = std::regex_replace(name, std::regex{"_(bucket|sum|count)$"}, "");
    INFO(name);
    CHECK(std::any_of(asked.begin(), asked.end(), [&](const auto& x) { return x.starts_with(stem); }));
  }
}

TEST_CASE("metrics are served over TCP where the configuration says so", "[metrics]") {
  BERTH_NEEDS_RUNC();
  auto node = TestNode{plain_config("  metrics: {listen: '127.0.0.1:0'}\n")};
  REQUIRE(node.logs({"metrics are served", "address=127.0.0.1"}));
  auto log = node.log();
  auto port = std::smatch{};
  REQUIRE(std::regex_search(log, port, std::regex{"metrics are served address=127.0.0.1 port=([0-9]+)"}));
  auto url = "http://127.0.0.1:" + port[1].str();
  auto answer = run_program({"curl", "-sS", "-i", url + "/metrics"});
  INFO(describe(answer));
  CHECK(answer.code == 0);
  CHECK(contains(answer.out, "200 OK"));
  CHECK(contains(answer.out, "berth_build_info{version="));
  CHECK(contains(run_program({"curl", "-sS", "-i", url + "/v1/pools"}).out, "404 Not Found"));
}

TEST_CASE("a node that cannot listen for scrapes does not start, and says why", "[metrics]") {
  BERTH_NEEDS_RUNC();
  auto node = TestNode{plain_config("  metrics: {listen: '192.0.2.1:9477'}\n"), TestNode::Start::only};
  CHECK(node.wait_for_exit() == 1);
  CHECK(node.logs({"cannot start", "192.0.2.1 port 9477"}));
}

TEST_CASE("levels of the log are changed while the node runs, and by its configuration", "[log]") {
  BERTH_NEEDS_RUNC();
  auto node = TestNode{plain_config("  log: {level: warn}\n")};
  auto level_of = [&](const std::string& component) {
    auto levels = node.query({"log", "level"});
    for (const auto& row : levels["components"])
      if (row["component"] == component)
        return row["level"].get<std::string>();
    return std::string{};
  };
  CHECK(level_of("container") == "warn");
  CHECK(node.run("plain", {"--rm", "--id", "unseen"}, {"/bin/true"}).code == 0);
  CHECK_FALSE(node.logs({"container_id=unseen"}, 0ms));
  CHECK(node.berth({"log", "level", "debug"}).code == 0);
  CHECK(node.run("plain", {"--rm", "--id", "seen"}, {"/bin/true"}).code == 0);
  CHECK(node.logs({"DEBUG selected runtime for container", "container_id=seen"}));
  CHECK(node.logs({"container exited", "container_id=seen"}));
  CHECK(node.berth({"log", "level", "container", "error"}).code == 0);
  CHECK(level_of("container") == "error");
  CHECK(level_of("pool") == "debug");
  CHECK(node.berth({"log", "level", "container", "loud"}).code == 2);
  auto shown = node.berth({"log", "level"});
  CHECK(contains(shown.out, "container   error  warn"));
  CHECK(node.berth({"log", "level", "reset"}).code == 0);
  CHECK(level_of("container") == "warn");
  // A reload counts more than what was set by hand, and needs no restart.
  write(node.config_path(), plain_config("  log: {format: json, level: info, levels: {api: debug}}\n"));
  auto reloaded = node.berth({"reload"});
  INFO(describe(reloaded));
  CHECK(reloaded.code == 0);
  CHECK_FALSE(contains(reloaded.out, "next start"));
  CHECK(level_of("container") == "info");
  CHECK(level_of("api") == "debug");
  CHECK(node.run("plain", {"--rm", "--id", "json"}, {"/bin/true"}).code == 0);
  CHECK(node.logs({"\"message\":\"container exited\"", "\"container_id\":\"json\""}));
  auto last = Json::parse(lines_of(node.log()).back(), nullptr, false);
  REQUIRE(last.is_object());
  CHECK(last["level"].is_string());
  CHECK(last["component"].is_string());
}

TEST_CASE("the level of the command line counts more than that of the configuration", "[log]") {
  BERTH_NEEDS_RUNC();
  auto node = TestNode{plain_config("  log: {level: error, levels: {container: error}}\n")};
  CHECK_FALSE(node.logs({"berthd serves"}, 0ms));
  node.terminate();
  node.become("berthd", {}, {"--log-level", "info"});
  node.start_again();
  CHECK(node.logs({"INFO  berthd serves"}));
  CHECK(node.run("plain", {"--rm", "--id", "a"}, {"/bin/true"}).code == 0);
  CHECK(node.logs({"container exited", "container_id=a"}));
}

TEST_CASE("every line about a container has its id", "[log]") {
  BERTH_NEEDS_RUNC();
  auto node = TestNode{plain_config()};
  CHECK(node.run("plain", {"--id", "needle"}, {"/bin/true"}).code == 0);
  CHECK(node.run("plain", {"--id", "needle-2", "--rm"}, {"/bin/no-such-program"}).code == 127);
  CHECK(node.berth({"rm", "needle"}).code == 0);
  CHECK(node.logs({"container removed", "container_id=needle"}));
  for (const auto& line : lines_of(node.log()))
    if (contains(line, "needle")) {
      INFO(line);
      CHECK(contains(line, "container_id=needle"));
    }
}
