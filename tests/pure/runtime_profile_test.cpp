#include "runtimes/runtime_profile.hpp"

#include "tests/support/catch.hpp"

using namespace berth;

namespace {

// Parts of what `runsc flags` of Debian's 0.0~20221219.0 prints.
const auto flags_2022 = std::string{R"(  -alsologtostderr
    	send log messages to stderr.
  -debug
    	enable debug logging.
  -dcache int
    	Set the global dentry cache size. (default -1)
  -file-access value
    	specifies which filesystem validation to use for the root mount: exclusive (default), shared.
  -gvisor-gro duration
    	(e.g. "20000ns" or "1ms") sets gVisor's generic receive offload timeout. Zero bypasses GRO.
  -ignore-cgroups
    	don't configure cgroups.
  -log string
    	file path where internal debug information is written, default is stdout.
  -net-raw runsc exec
    	enable raw sockets. (runsc exec will still be able to utilize raw sockets).
  -network value
    	specifies which network to use: sandbox (default), host, none.
  -overlay
    	DEPRECATED: use --overlay2=all:memory to achieve the same effect
  -overlay2 value
    	wrap mounts with overlayfs. 'none' will turn overlay mode off.
  -platform string
    	specifies which platform to use: ptrace (default), kvm. (default "ptrace")
  -root string
    	root directory for storage of container state.
  -strace-log-size uint
    	default size (in bytes) to log data argument blobs. (default 1024)
  -systemd-cgroup
    	EXPERIMENTAL. Use systemd for cgroups.
  -version
    	show version and exit.
)"};

// The same for 0.0~20240729.0, only what differs.
const auto flags_2024 = flags_2022 + R"(  -directfs
    	directly access the container filesystems from the sentry. (default true)
  -nvproxy
    	EXPERIMENTAL: enable support for Nvidia GPUs
)";

const auto version_2022 = std::string{"runsc version 0.0~20221219.0\nspec: 1.0.2-dev\n"};
const auto version_2024 = std::string{"runsc version 0.0~20240729.0\nspec: 1.0.2-dev\n"};
const auto platforms_2022 = std::string{"kvm\nptrace\n"};
const auto platforms_2024 = std::string{"ptrace\nkvm\nsystrap\n"};

RunscFacts runsc_2022() {
  return {"/usr/bin/runsc", version_2022, flags_2022, platforms_2022, "/run/gvisor/sandbox"};
}

RunscFacts runsc_2024() {
  return {"/opt/runsc", version_2024, flags_2024, platforms_2024, "/run/gvisor/sandbox"};
}

PoolSettings pool_with(std::string platform, Argv extra_args = {}) {
  auto pool = PoolSettings{};
  pool.name = {"sandbox"};
  pool.gvisor_platform.value = std::move(platform);
  pool.gvisor_extra_args.value = std::move(extra_args);
  return pool;
}

} // namespace

TEST_CASE("the version is found in what a runtime prints") {
  CHECK(parse_runc_version("runc version 1.1.5+ds1\ncommit: 1.1.5+ds1-1+deb12u1\nspec: 1.0.2-dev\n")
        == "1.1.5+ds1");
  CHECK(
    parse_runc_version("runc version 1.3.6\ncommit: v1.3.6-0-g1e6b1f0a\nspec: 1.2.1\ngo: go1.24\n")
    == "1.3.6");
  CHECK(parse_runsc_version(version_2022) == "0.0~20221219.0");
  CHECK(parse_runsc_version("runsc version release-20240729.0\nspec: 1.1.0-rc.1\n")
        == "release-20240729.0");
}

TEST_CASE("another program is not taken for a runtime") {
  auto text = GENERATE(as<std::string>{}, "", "\n", "crun version 1.8.1\ncommit: f8a096be\n",
                       "runc", "runc version", "runsc version 1\n", "version runc 1.1.5\n");
  CAPTURE(text);
  auto version = parse_runc_version(text);
  REQUIRE_FALSE(version);
  CHECK(version.error().code == ec::runtime_failed);
  CHECK_FALSE(make_runc_profile({"/usr/bin/runc", text, "/run/r"}));
}

TEST_CASE("the flags of runsc are read with what they take") {
  auto flags = parse_runsc_flags(flags_2022);
  CHECK(flags.size() == 16);
  CHECK(flags.at("debug") == FlagValue::none);
  CHECK(flags.at("dcache") == FlagValue::required);
  CHECK(flags.at("platform") == FlagValue::required);
  CHECK(flags.at("network") == FlagValue::required);
  CHECK(flags.at("gvisor-gro") == FlagValue::required);
  CHECK(flags.at("strace-log-size") == FlagValue::required);
  // A switch, but its description quotes two words.
  CHECK(flags.at("net-raw") == FlagValue::unknown);
  CHECK(parse_runsc_flags("").empty());
  CHECK(parse_runsc_flags("no such verb\n").empty());
}

TEST_CASE("platforms come from their own topic, else from the flag's description") {
  using Names = std::vector<std::string>;
  CHECK(parse_runsc_platforms(platforms_2024, flags_2022) == Names{"ptrace", "kvm", "systrap"});
  CHECK(parse_runsc_platforms("", flags_2022) == Names{"ptrace", "kvm"});
  CHECK(parse_runsc_platforms("Subcommand platforms not understood.\n", flags_2022)
        == Names{"ptrace", "kvm"});
  CHECK(parse_runsc_platforms("", "").empty());
}

TEST_CASE("runc is started by its FIFO where that was measured") {
  struct Row {
    const char* version;
    bool by_fifo;
  };
  auto row = GENERATE(values<Row>({{"1.0.3", false},
                                   {"1.1.0", true},
                                   {"1.1.5+ds1", true},
                                   {"1.2.0-rc.1", true},
                                   {"1.3.6", true},
                                   {"1.4.0", false},
                                   {"1.10.0", false},
                                   {"11.1.0", false},
                                   {"2.1.0", false},
                                   {"unknown", false},
                                   {"1", false}}));
  CAPTURE(row.version);
  auto profile = make_runc_profile(
    {"/usr/sbin/runc", std::string{"runc version "} + row.version, "/run/runc/p"});
  REQUIRE(profile);
  CHECK(profile->start_by_fifo == row.by_fifo);
  CHECK(profile->kind == RuntimeKind::runc);
  CHECK(profile->binary == "/usr/sbin/runc");
  CHECK(profile->version == row.version);
  CHECK(profile->root == "/run/runc/p");
  CHECK(profile->platform.empty());
  CHECK(profile->flags.empty());
  CHECK(profile->init_takes_signals);
  CHECK(profile->has_host_processes);
}

TEST_CASE("gVisor gets its platform, no network, no overlay, and the operator's arguments last") {
  struct Row {
    const char* what;
    PoolSettings pool;
    Argv flags;
    std::string platform;
  };
  auto row = GENERATE(values<Row>({
    {"nothing configured", pool_with(""), {"--network=none", "--overlay2=none"}, ""},
    {"a platform",
     pool_with("kvm"),
     {"--platform=kvm", "--network=none", "--overlay2=none"},
     "kvm"},
    {"a network", pool_with("", {"--network=host"}), {"--overlay2=none", "--network=host"}, ""},
    {"a network, value apart",
     pool_with("", {"-network", "host"}),
     {"--overlay2=none", "-network", "host"},
     ""},
    {"an overlay",
     pool_with("", {"--overlay2=root:memory"}),
     {"--network=none", "--overlay2=root:memory"},
     ""},
    {"an overlay, old style", pool_with("", {"--overlay"}), {"--network=none", "--overlay"}, ""},
    {"others",
     pool_with("ptrace", {"--dcache=32768", "--file-access=exclusive", "--debug"}),
     {"--platform=ptrace", "--network=none", "--overlay2=none", "--dcache=32768",
      "--file-access=exclusive", "--debug"},
     "ptrace"},
    {"a platform among the arguments",
     pool_with("", {"--platform=kvm"}),
     {"--network=none", "--overlay2=none", "--platform=kvm"},
     "kvm"},
    {"a platform in both places",
     pool_with("kvm", {"--platform", "kvm"}),
     {"--network=none", "--overlay2=none", "--platform", "kvm"},
     "kvm"},
    {"a switch with a value",
     pool_with("", {"--net-raw=true", "--debug=false"}),
     {"--network=none", "--overlay2=none", "--net-raw=true", "--debug=false"},
     ""},
    {"an empty value",
     pool_with("", {"--file-access="}),
     {"--network=none", "--overlay2=none", "--file-access="},
     ""},
  }));
  INFO(row.what);
  auto profile = make_gvisor_profile(row.pool, runsc_2022());
  REQUIRE(profile);
  CHECK(profile->flags == row.flags);
  CHECK(profile->platform == row.platform);
  CHECK(profile->kind == RuntimeKind::gvisor);
  CHECK(profile->version == "0.0~20221219.0");
  CHECK(profile->root == "/run/gvisor/sandbox");
  CHECK_FALSE(profile->start_by_fifo);
  CHECK_FALSE(profile->init_takes_signals);
  CHECK_FALSE(profile->has_host_processes);
}

TEST_CASE("a flag that a release does not know is not passed to it") {
  auto facts = runsc_2022();
  auto cut = facts.flags_text.find("  -overlay2");
  facts.flags_text.erase(cut, facts.flags_text.find("  -platform") - cut);
  auto profile = make_gvisor_profile(pool_with(""), facts);
  REQUIRE(profile);
  CHECK(profile->flags == Argv{"--network=none"});
}

TEST_CASE("the newer release has systrap, the older says what it has instead") {
  auto newer = make_gvisor_profile(pool_with("systrap"), runsc_2024());
  REQUIRE(newer);
  CHECK(newer->flags.front() == "--platform=systrap");
  auto older = make_gvisor_profile(pool_with("systrap"), runsc_2022());
  REQUIRE_FALSE(older);
  CHECK(render(older.error())
        == "platform_failed: pool \"sandbox\": gvisorPlatform \"systrap\": runsc 0.0~20221219.0 "
           "has no such platform, "
           "only kvm, ptrace (set `runtimeConfig.gvisorPlatform` to one of these, or leave it out "
           "for runsc's default)");
}

TEST_CASE("the operator's arguments are refused with name and reason") {
  struct Row {
    PoolSettings pool;
    const char* argument;
    const char* reason;
  };
  auto row = GENERATE(values<Row>({
    {pool_with("", {"--nvproxy"}), "\"--nvproxy\"", "runsc 0.0~20221219.0 knows no flag --nvproxy"},
    {pool_with("", {"--netwrk=host"}), "\"--netwrk=host\"", "knows no flag --netwrk"},
    {pool_with("", {"--root=/elsewhere"}), "\"--root=/elsewhere\"", "gvisorRoot"},
    {pool_with("", {"-root", "/elsewhere"}), "\"-root\"", "gvisorRoot"},
    {pool_with("", {"--log=/dev/null"}), "\"--log=/dev/null\"", "Berth reads the runtime's log"},
    {pool_with("", {"--ignore-cgroups"}), "\"--ignore-cgroups\"", "OOM detection"},
    {pool_with("", {"--ignore-cgroups=true"}), "\"--ignore-cgroups=true\"", "OOM detection"},
    {pool_with("", {"--systemd-cgroup"}), "\"--systemd-cgroup\"", "systemd slice"},
    {pool_with("", {"--version"}), "\"--version\"", "ends every call"},
    {pool_with("", {"-h"}), "\"-h\"", "ends every call"},
    {pool_with("", {"--help"}), "\"--help\"", "ends every call"},
    {pool_with("", {"debug"}), "\"debug\"", "not a flag"},
    {pool_with("", {""}), "\"\"", "not a flag"},
    {pool_with("", {"-"}), "\"-\"", "not a flag"},
    {pool_with("", {"--"}), "\"--\"", "not a flag"},
    {pool_with("", {"---debug"}), "\"---debug\"", "not a flag"},
    {pool_with("", {"--debug", "yes"}), "\"yes\"", "not a flag"},
    {pool_with("", {"--dcache"}), "\"--dcache\"", "needs a value"},
    {pool_with("", {"--dcache", "--debug"}), "\"--dcache\"", "needs a value"},
    {pool_with("ptrace", {"--platform=kvm"}), "\"--platform=kvm\"", "gvisorPlatform"},
  }));
  auto profile = make_gvisor_profile(row.pool, runsc_2022());
  REQUIRE_FALSE(profile);
  auto& error = profile.error();
  CAPTURE(error);
  CHECK(error.code == ec::runtime_failed);
  CHECK(error.subject == "pool \"sandbox\": gvisorExtraArgs: " + std::string{row.argument});
  CHECK(error.reason.find(row.reason) != std::string::npos);
  CHECK_FALSE(error.next.empty());
}

TEST_CASE("a misspelt flag is told the right one") {
  auto profile = make_gvisor_profile(pool_with("", {"--netwrk=host"}), runsc_2022());
  REQUIRE_FALSE(profile);
  CHECK(profile.error().next == "did you mean --network?");
}

TEST_CASE("a platform among the arguments is checked like a configured one") {
  auto profile = make_gvisor_profile(pool_with("", {"--platform=systrap"}), runsc_2022());
  REQUIRE_FALSE(profile);
  CHECK(profile.error().code == ec::platform_failed);
}

TEST_CASE("a runsc that does not tell its flags is not used") {
  auto facts = runsc_2022();
  facts.flags_text = "segmentation fault\n";
  auto profile = make_gvisor_profile(pool_with(""), facts);
  REQUIRE_FALSE(profile);
  CHECK(profile.error().code == ec::runtime_failed);
}
