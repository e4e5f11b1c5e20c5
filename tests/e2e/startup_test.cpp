#include "tests/e2e/nodes.hpp"
#include "tests/support/census.hpp"
#include "tests/support/temp_dir.hpp"

#include <filesystem>
#include <fstream>
#include <sstream>

#include <sys/resource.h>

using namespace berth;
using namespace berth::test;
using namespace std::chrono_literals;
namespace fs = std::filesystem;

namespace {

/// Gives what is started in its lifetime a low limit of descriptors.
class LowDescriptorLimit {
public:
  LowDescriptorLimit() {
    REQUIRE(::getrlimit(RLIMIT_NOFILE, &before_) == 0);
    auto low = before_;
    low.rlim_cur = 256;
    REQUIRE(::setrlimit(RLIMIT_NOFILE, &low) == 0);
  }

  ~LowDescriptorLimit() {
    ::setrlimit(RLIMIT_NOFILE, &before_);
  }

  std::string hard() const {
    return std::to_string(before_.rlim_max);
  }

private:
  rlimit before_ = {};
};

bool has_probe(const TestNode& node) {
  auto failed = std::error_code{};
  for (auto& entry : fs::directory_iterator{node.root() + "/run/containers", failed})
    if (entry.path().filename().string().starts_with(".probe-"))
      return true;
  return false;
}

} // namespace

TEST_CASE("a daemon that cannot serve its API says why and ends, whatever its pools do", "[startup]") {
  BERTH_NEEDS_RUNC();
  auto dir = TempDir{};
  auto config = dir / "berth.yaml";
  std::ofstream{config} << plain_config();
  auto root = dir / "root";
  auto wanted = std::string{"not a socket"};
  SECTION("something is in the way") { fs::create_directories(root + "/berth.sock"); }
  SECTION("the path of the socket is too long") {
    root = dir / std::string(90, 'x');
    wanted = "the kernel allows 107";
  }
  auto done = run_program({built_program("berthd"), "--config", config, "--root", root}, 20s);
  INFO(describe(done));
  CHECK(done.code == 1);
  CHECK(contains(done.err, "cannot start"));
  CHECK(contains(done.err, wanted));
  // The probes that had begun end by themselves.
  CHECK(eventually(20s, [&] { return processes_of(root, 0).empty(); }));
  CHECK(sweep(root).empty());
}

TEST_CASE("a daemon that is killed while it probes leaves no probe behind", "[startup]") {
  BERTH_NEEDS_GVISOR();
  auto config = config_of("  containerRuntime: gvisor\n  pools:\n    plain:\n      " + gvisor_config() + "\n", patient_probe());
  auto node = TestNode{config, TestNode::Start::only};
  REQUIRE(eventually(20s, [&] { return has_probe(node) && processes_of(node.root(), node.pid()).size() > 1; }));
  node.kill_daemon();
  CHECK(eventually(20s, [&] { return processes_of(node.root(), 0).empty(); }));
  node.start_again();
  CHECK_FALSE(has_probe(node));
  CHECK_FALSE(contains(node.log(), "earlier run"));
}

TEST_CASE("a daemon takes as many descriptors as it may, and its containers get their own limit", "[startup]") {
  BERTH_NEEDS_RUNC();
  auto low = LowDescriptorLimit{};
  auto node = TestNode{plain_config()};
  auto limits = text_of("/proc/" + std::to_string(node.pid()) + "/limits");
  auto line = limits.substr(limits.find("Max open files"));
  auto words = std::istringstream{line.substr(std::string_view{"Max open files"}.size())};
  auto soft = std::string{};
  words >> soft;
  CHECK(soft == low.hard());
}

TEST_CASE("keys without effect are named when the daemon starts", "[startup]") {
  BERTH_NEEDS_RUNC();
  auto node = TestNode{config_of("  imageTag: latest\n  pools:\n    plain: {criuEnabled: true, poolSizing: {minFreeCPU: 1}}\n",
                                 patient_probe())};
  CHECK(node.logs({"INFO", "configuration key ignored", "key=worker.imageTag", "berth.yaml:2:3"}));
  CHECK(node.logs({"INFO", "configuration key ignored", "key=worker.pools.plain.poolSizing"}));
}

TEST_CASE("a reader whose cursor is of an earlier run of the daemon is told so and misses nothing", "[startup]") {
  BERTH_NEEDS_RUNC();
  auto node = TestNode{plain_config()};
  auto late = node.berth({"events", "--since", "100000", "--no-follow"});
  INFO(describe(late));
  CHECK(late.code == 0);
  CHECK(contains(late.err, "has not come to an event of that number"));
  CHECK(contains(late.out, "node.started"));
  auto json = lines_of(node.berth({"events", "--since", "100000", "--no-follow", "-o", "json"}).out);
  REQUIRE(json.size() >= 2);
  CHECK(Json::parse(json[0])["restarted"] == true);
  CHECK(Json::parse(json[1])["seq"] == 1);
}
