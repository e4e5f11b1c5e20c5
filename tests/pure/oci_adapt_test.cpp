#include "runtimes/oci_adapt.hpp"

#include "runtimes/launch_check.hpp"
#include "tests/support/catch.hpp"

#include <nlohmann/json.hpp>

using namespace berth;

namespace {

constexpr uint64_t mib = 1024 * 1024;

RuntimeProfile profile_of(RuntimeKind kind, std::string version = "1.1.5", Argv flags = {}) {
  auto profile = RuntimeProfile{};
  profile.kind = kind;
  profile.version = std::move(version);
  profile.flags = std::move(flags);
  return profile;
}

BundleRequest request_with(Limits limits) {
  auto request = BundleRequest{};
  request.spec.id = {"web"};
  request.spec.args = {"true"};
  request.spec.limits = limits;
  request.cgroup = "/berth/web/x";
  return request;
}

} // namespace

TEST_CASE("the sandbox's own needs are added to the limits of a gVisor container") {
  struct Row {
    const char* what;
    Limits asked;
    Limits runc;
    Limits gvisor;
  };
  auto row = GENERATE(values<Row>({
    {"none", {0, 0, 0}, {0, 0, 0}, {0, 0, 0}},
    {"memory", {64 * mib, 0, 0}, {64 * mib, 0, 0}, {96 * mib, 0, 0}},
    {"little memory", {8 * mib, 0, 0}, {8 * mib, 0, 0}, {48 * mib, 0, 0}},
    {"just the floor", {16 * mib, 0, 0}, {16 * mib, 0, 0}, {48 * mib, 0, 0}},
    {"CPU", {0, 500, 0}, {0, 500, 0}, {0, 500, 0}},
    {"pids", {0, 0, 8}, {0, 0, 8}, {0, 0, 72}},
    {"all", {256 * mib, 2000, 100}, {256 * mib, 2000, 100}, {288 * mib, 2000, 164}},
  }));
  INFO(row.what);
  auto on_runc = adapt_bundle(request_with(row.asked), profile_of(RuntimeKind::runc));
  REQUIRE(on_runc);
  CHECK((on_runc->limits == row.runc));
  auto on_gvisor = adapt_bundle(request_with(row.asked), profile_of(RuntimeKind::gvisor));
  REQUIRE(on_gvisor);
  CHECK((on_gvisor->limits == row.gvisor));
}

TEST_CASE("limits that cannot work are refused for both runtimes") {
  auto kind = GENERATE(RuntimeKind::runc, RuntimeKind::gvisor);
  for (auto limits :
       {Limits{1, 0, 0}, Limits{0, 1, 0}, Limits{UINT64_MAX, 0, 0}, Limits{0, 0, UINT64_MAX}}) {
    auto traits = adapt_bundle(request_with(limits), profile_of(kind));
    REQUIRE_FALSE(traits);
    CHECK(traits.error().code == ec::bad_request);
  }
}

TEST_CASE("runc filters system calls, gVisor's kernel answers them itself") {
  auto kind = GENERATE(RuntimeKind::runc, RuntimeKind::gvisor);
  auto request = request_with({});
  auto profile = profile_of(kind);
  CHECK(adapt_bundle(request, profile)->seccomp == (kind == RuntimeKind::runc));
  auto config = nlohmann::json::parse(*render_config(request, profile));
  CHECK(config.at("linux").contains("seccomp") == (kind == RuntimeKind::runc));
}

TEST_CASE("options of bind mounts reach the mounts below them where the runtime can do that") {
  struct Row {
    RuntimeKind kind;
    const char* version;
    bool recursive;
  };
  auto row = GENERATE(values<Row>({
    {RuntimeKind::runc, "1.0.3", false},
    {RuntimeKind::runc, "0.9", false},
    {RuntimeKind::runc, "1.1.5+ds1", true},
    {RuntimeKind::runc, "1.3.6", true},
    {RuntimeKind::gvisor, "0.0~20221219.0", false},
    {RuntimeKind::gvisor, "release-20240729.0", false},
  }));
  auto request = request_with({});
  request.spec.mounts = {{"/srv", "/data", true}};
  auto profile = profile_of(row.kind, row.version);
  CHECK(adapt_bundle(request, profile)->recursive_mount_options == row.recursive);
  auto config = nlohmann::json::parse(*render_config(request, profile));
  auto options = nlohmann::json({"rbind", "rprivate", "nosuid", "nodev", "ro"});
  if (row.recursive)
    options = {"rbind", "rprivate", "rnosuid", "rnodev", "rro"};
  CHECK(config.at("mounts").back().at("options") == options);
}

TEST_CASE("only runc is told to kill whole groups: a sandbox dies as one anyway") {
  auto request = request_with({});
  request.oom_group = true;
  CHECK(adapt_bundle(request, profile_of(RuntimeKind::runc))->oom_group);
  CHECK_FALSE(adapt_bundle(request, profile_of(RuntimeKind::gvisor))->oom_group);
}

TEST_CASE("a bundle for gVisor is refused if it asks by name for what gVisor ignores") {
  auto request = request_with({});
  request.spec.sysctls = {{"net.core.somaxconn", "1"}};
  auto config = render_config(request, profile_of(RuntimeKind::gvisor));
  REQUIRE_FALSE(config);
  CHECK(config.error().code == ec::unsupported);
  CHECK(render_config(request, profile_of(RuntimeKind::runc)));
}
