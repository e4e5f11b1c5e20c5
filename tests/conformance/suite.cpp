#include "tests/conformance/suite.hpp"

#include "tests/support/after_run.hpp"
#include "tests/support/installed.hpp"

#include <filesystem>
#include <memory>

using namespace std::chrono_literals;

namespace berth::test {

namespace {

std::string from_env(const char* name, const std::string& fallback = {}) {
  auto text = std::getenv(name);
  return text == nullptr || *text == '\0' ? fallback : text;
}

RuntimeUnderTest find_runtime() {
  auto result = RuntimeUnderTest{};
  result.kind = from_env("BERTH_TEST_RUNTIME", "runc");
  auto usual = result.is_fake() ? built_program("fake_runtime") : result.is_gvisor() ? installed_runsc() : installed_runc();
  result.binary = from_env("BERTH_TEST_BINARY", usual);
  if (result.is_gvisor())
    result.platform = from_env("BERTH_TEST_PLATFORM", usual_platform(result.binary));
  return result;
}

constexpr auto shared_pools = R"(
    main: {}
    limited:
      memory: {default: 64Mi, max: 128Mi}
      cpu: {default: 0.5, max: 1}
      pids: {default: 64, max: 128}
      terminationGracePeriod: 2
    small:
      maxContainers: 2
      queue: {length: 1, timeout: 10m}
    impatient:
      maxContainers: 1
      queue: {length: 1, timeout: 1s}
)";

struct Shared {
  std::unique_ptr<TestNode> node;
  Census empty;
};

Shared& shared() {
  static auto instance = Shared{};
  return instance;
}

bool end_shared_node() {
  auto& node = shared().node;
  if (!node)
    return true;
  auto problems = node->stop();
  if (!problems.empty())
    std::cout << "the node of the suite did not end well: " << problems << "--- log of berthd\n" << node->log();
  node.reset();
  return problems.empty();
}

/// One container through its whole life, so that what is made once and kept is there when things are first counted.
void warm_up(TestNode& node) {
  for (auto pool : {"main", "limited", "small", "impatient"}) {
    auto done = node.run(pool, {"--rm"}, {"/bin/true"});
    INFO(describe(done));
    REQUIRE(done.code == 0);
  }
}

void start_shared_node() {
  auto& instance = shared();
  if (instance.node)
    return;
  instance.node = std::make_unique<TestNode>(suite_config(shared_pools));
  after_run().push_back(end_shared_node);
  warm_up(*instance.node);
  auto previous = Census{};
  // The daemon settles: connections close, threads end.
  eventually(5s, [&] {
    auto now = instance.node->census();
    auto settled = difference(previous, now).empty();
    previous = std::move(now);
    return settled;
  });
  instance.empty = previous;
}

} // namespace

const RuntimeUnderTest& runtime() {
  static const auto found = find_runtime();
  return found;
}

std::string why_not() {
  if (!std::filesystem::exists(runtime().binary))
    return "there is no " + runtime().kind + " at \"" + runtime().binary + "\" (set BERTH_TEST_BINARY)";
  return {};
}

std::string suite_config(const std::string& pools, const std::string& node) {
  auto text = "worker:\n  containerRuntime: " + runtime().name() + "\n  pools:";
  auto platform = runtime().platform;
  for (auto& line : lines_of(pools)) {
    auto is_pool = line.starts_with("    ") && line[4] != ' ';
    auto entry = line;
    if (is_pool && entry.ends_with(": {}"))
      entry.resize(entry.size() - std::string_view{" {}"}.size());
    text += entry + "\n";
    if (is_pool) {
      text += "      onRuntimeUnavailable: fail\n";
      if (!platform.empty())
        text += "      runtimeConfig: {gvisorPlatform: " + platform + "}\n";
    }
  }
  text += "berth:\n  probeTimeout: " + stretched_seconds(20) + "\n  startTimeout: " + stretched_seconds(30) + "\n  runtimes: {"
          + (runtime().is_gvisor() ? "runsc: " : "runc: ") + runtime().binary + "}\n" + node;
  return text;
}

SharedNode::SharedNode() {
  start_shared_node();
  node_ = shared().node.get();
}

SharedNode::~SharedNode() {
  auto removed = node_->remove_all();
  UNSCOPED_INFO(describe(removed));
  CHECK(removed.code == 0);
  auto leaks = node_->leaks_since(shared().empty);
  CHECK(leaks == "");
}

bool is_ready(const TestNode& node, const std::string& id) {
  return eventually(20s, [&] {
    auto lines = lines_of(node.berth({"logs", id}).out);
    return std::find(lines.begin(), lines.end(), "ready") != lines.end();
  });
}

} // namespace berth::test
