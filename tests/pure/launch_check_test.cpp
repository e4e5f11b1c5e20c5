#include "runtimes/launch_check.hpp"

#include "tests/support/catch.hpp"

#include <functional>

using namespace berth;

namespace {

LaunchSpec good_spec() {
  auto spec = LaunchSpec{};
  spec.pool = {"web"};
  spec.id = {"web-1"};
  spec.rootfs = "/srv/rootfs";
  spec.args = {"/bin/true"};
  return spec;
}

struct BadLaunch {
  const char* what;
  std::function<void(LaunchSpec&)> spoil;
  ec code;
  const char* subject;
  const char* reason;
};

bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

const auto zero = std::string("a\0b", 3);
const auto latin1 = std::string{"caf\xe9"};

} // namespace

TEST_CASE("a launch that makes sense passes") {
  auto spec = good_spec();
  CHECK(check_launch(spec));
  spec.id = {"A.b_c-9"};
  spec.args = {"sh", "", "-c", "echo \xe2\x82\xac"};
  spec.env = {"A=1", "EMPTY=", "PATH=/bin", "A=2", "MULTI=a\nb", "=ignored"};
  spec.env.pop_back();
  spec.workdir = "/srv/data/";
  spec.user = "app:staff";
  spec.hostname = "Web-1.example.org";
  spec.labels = {{"team", ""}, {"example.org/build", "42 \xc3\xa9\n"}};
  spec.mounts = {{"/srv", "/data", true}, {"/srv", "/data2", false},
                 {"/tmp", "/dev/shm", false}, {"/a", "/device", false}};
  spec.limits = {64 << 20, 500, 10};
  spec.sysctls = {{"net.ipv4.ip_forward", "1"}, {"kernel.shmmax", "1"},
                  {"kernel.sem", "1 2 3 4"}, {"fs.mqueue.msg_max", "9"}};
  spec.devices = {"/dev/fuse", "/dev/net/tun"};
  spec.gpus = 2;
  spec.checkpoint = true;
  CHECK(check_launch(spec));
}

TEST_CASE("every mistake in a launch is refused with its name") {
  auto row = GENERATE(values<BadLaunch>({
    {"no id", [](auto& x) { x.id = {}; },
     ec::bad_id, "container id \"\"", "ids begin with a letter"},
    {"a path as id", [](auto& x) { x.id = {"../x"}; },
     ec::bad_id, "container id \"../x\"", "ids begin"},
    {"a long id", [](auto& x) { x.id = {std::string(65, 'a')}; },
     ec::bad_id, "container id", "up to 64"},
    {"no rootfs", [](auto& x) { x.rootfs = ""; }, ec::bad_request, "rootfs", "none is given"},
    {"a relative rootfs", [](auto& x) { x.rootfs = "srv"; },
     ec::bad_request, "rootfs \"srv\"", "not absolute"},
    {"a rootfs with dots", [](auto& x) { x.rootfs = "/srv/../etc"; },
     ec::bad_request, "rootfs", "contains \"..\""},
    {"a zero in rootfs", [](auto& x) { x.rootfs = "/" + zero; },
     ec::bad_request, "rootfs", "zero byte"},
    {"a rootfs in Latin-1", [](auto& x) { x.rootfs = "/" + latin1; },
     ec::bad_request, "rootfs", "UTF-8"},
    {"a long rootfs", [](auto& x) { x.rootfs = "/" + std::string(4095, 'a'); },
     ec::bad_request, "rootfs", "longer"},
    {"no command", [](auto& x) { x.args = {}; }, ec::bad_request, "command", "there is none"},
    {"an empty command", [](auto& x) { x.args = {"", "a"}; },
     ec::bad_request, "command", "there is none"},
    {"a zero in an argument", [](auto& x) { x.args.push_back(zero); },
     ec::bad_request, "argument 1", "zero byte"},
    {"Latin-1 in an argument", [](auto& x) { x.args.push_back(latin1); },
     ec::bad_request, "argument 1", "UTF-8"},
    {"env without =", [](auto& x) { x.env = {"KEY"}; },
     ec::bad_request, "variable \"KEY\"", "KEY=VALUE"},
    {"env without key", [](auto& x) { x.env = {"=v"}; },
     ec::bad_request, "variable \"\"", "KEY=VALUE"},
    {"empty env", [](auto& x) { x.env = {""}; }, ec::bad_request, "variable \"\"", "KEY=VALUE"},
    {"a zero in env", [](auto& x) { x.env = {"K=" + zero}; },
     ec::bad_request, "variable \"K\"", "zero byte"},
    {"Latin-1 in env", [](auto& x) { x.env = {"K=" + latin1}; },
     ec::bad_request, "variable \"K\"", "UTF-8"},
    {"too much env", [](auto& x) { x.env = {"K=" + std::string(131072, 'x')}; },
     ec::bad_request, "arguments and env", "more than"},
    {"too many arguments", [](auto& x) { x.args.resize(70000, "a"); },
     ec::bad_request, "arguments and env", "more than"},
    {"a relative workdir", [](auto& x) { x.workdir = "tmp"; },
     ec::bad_request, "workdir \"tmp\"", "not absolute"},
    {"a workdir with dots", [](auto& x) { x.workdir = "/a/./b"; },
     ec::bad_request, "workdir", "contains \".\""},
    {"a zero in user", [](auto& x) { x.user = zero; }, ec::bad_request, "user", "zero byte"},
    {"a hostname with an underscore", [](auto& x) { x.hostname = "a_b"; },
     ec::bad_request, "hostname \"a_b\"", "RFC 1123"},
    {"a hostname with a hyphen in front", [](auto& x) { x.hostname = "-a"; },
     ec::bad_request, "hostname", "RFC 1123"},
    {"a hostname with a hyphen behind", [](auto& x) { x.hostname = "a-.b"; },
     ec::bad_request, "hostname", "RFC 1123"},
    {"a hostname with an empty part", [](auto& x) { x.hostname = "a..b"; },
     ec::bad_request, "hostname", "RFC 1123"},
    {"a hostname with a dot behind", [](auto& x) { x.hostname = "a."; },
     ec::bad_request, "hostname", "RFC 1123"},
    {"a hostname with a long part", [](auto& x) { x.hostname = std::string(64, 'a'); },
     ec::bad_request, "hostname", "RFC 1123"},
    {"a long hostname",
     [](auto& x) { x.hostname = std::string(40, 'a') + "." + std::string(40, 'b'); },
     ec::bad_request, "hostname", "kernel's limit of 64"},
    {"a label without key", [](auto& x) { x.labels = {{"", "v"}}; },
     ec::bad_request, "label \"\"", "a key begins"},
    {"a label with a space", [](auto& x) { x.labels = {{"a b", "v"}}; },
     ec::bad_request, "label \"a b\"", "a key begins"},
    {"a label with a long key", [](auto& x) { x.labels = {{std::string(129, 'a'), "v"}}; },
     ec::bad_request, "label", "up to 128"},
    {"a label with a long value", [](auto& x) { x.labels = {{"a", std::string(4097, 'v')}}; },
     ec::bad_request, "label \"a\"", "longer than 4096"},
    {"a label in Latin-1", [](auto& x) { x.labels = {{"a", latin1}}; },
     ec::bad_request, "label \"a\"", "UTF-8"},
    {"too many labels",
     [](auto& x) { for (int i = 0; i < 65; ++i) x.labels["l" + std::to_string(i)] = ""; },
     ec::bad_request, "labels", "more than 64"},
    {"a mount without source", [](auto& x) { x.mounts = {{"", "/a", false}}; },
     ec::bad_request, "mount \":/a\": source", "not absolute"},
    {"a relative source", [](auto& x) { x.mounts = {{"a", "/a", false}}; },
     ec::bad_request, "source", "not absolute"},
    {"a source with dots", [](auto& x) { x.mounts = {{"/a/..", "/a", false}}; },
     ec::bad_request, "source", "contains \"..\""},
    {"a relative destination", [](auto& x) { x.mounts = {{"/a", "a", false}}; },
     ec::bad_request, "destination", "not absolute"},
    {"a destination with dots", [](auto& x) { x.mounts = {{"/a", "/a/../proc", false}}; },
     ec::bad_request, "destination", "contains \"..\""},
    {"a mount on the root", [](auto& x) { x.mounts = {{"/a", "//", false}}; },
     ec::bad_request, "mount", "hide the root"},
    {"a mount on /proc", [](auto& x) { x.mounts = {{"/a", "/proc", false}}; },
     ec::bad_request, "mount", "below /proc"},
    {"a mount in /proc", [](auto& x) { x.mounts = {{"/a", "//proc//sys", false}}; },
     ec::bad_request, "mount", "below /proc"},
    {"a mount in /sys", [](auto& x) { x.mounts = {{"/a", "/sys/fs/cgroup/", false}}; },
     ec::bad_request, "mount", "below /sys"},
    {"a mount in /dev", [](auto& x) { x.mounts = {{"/a", "/dev/null", false}}; },
     ec::bad_request, "mount", "below /dev"},
    {"two mounts on one place",
     [](auto& x) { x.mounts = {{"/a", "/d", false}, {"/b", "/d/", true}}; },
     ec::bad_request, "mount \"/b:/d/\"", "same destination"},
    {"too many mounts",
     [](auto& x) { for (int i = 0; i < 65; ++i) x.mounts.push_back({"/a", "/m" + std::to_string(i), false}); },
     ec::bad_request, "mounts", "more than 64"},
    {"little memory", [](auto& x) { x.limits.memory_bytes = 1 << 20; },
     ec::bad_request, "memory limit 1048576", "the least that works is 6291456"},
    {"absurdly much memory", [](auto& x) { x.limits.memory_bytes = UINT64_MAX; },
     ec::bad_request, "memory limit", "more than"},
    {"little CPU", [](auto& x) { x.limits.cpu_millis = 9; },
     ec::bad_request, "cpu limit 9", "the least that works is 10"},
    {"absurdly much CPU", [](auto& x) { x.limits.cpu_millis = UINT64_MAX; },
     ec::bad_request, "cpu limit", "more than"},
    {"absurdly many pids", [](auto& x) { x.limits.pids = 5'000'000; },
     ec::bad_request, "pids limit", "more than 4194304"},
    {"the host's sysctl", [](auto& x) { x.sysctls = {{"vm.swappiness", "1"}}; },
     ec::bad_request, "sysctl \"vm.swappiness\"", "whole host"},
    {"the host's sysctl of the kernel",
     [](auto& x) { x.sysctls = {{"kernel.core_pattern", "|/x"}}; },
     ec::bad_request, "sysctl", "whole host"},
    {"a sysctl that begins like one", [](auto& x) { x.sysctls = {{"kernel.shmmaxx", "1"}}; },
     ec::bad_request, "sysctl", "whole host"},
    {"a sysctl with a path", [](auto& x) { x.sysctls = {{"net.ipv4/../../kernel/x", "1"}}; },
     ec::bad_request, "sysctl", "not a sysctl's name"},
    {"a sysctl with two dots", [](auto& x) { x.sysctls = {{"net..ipv4", "1"}}; },
     ec::bad_request, "sysctl", "not a sysctl's name"},
    {"a sysctl without name", [](auto& x) { x.sysctls = {{"", "1"}}; },
     ec::bad_request, "sysctl \"\"", "not a sysctl's name"},
    {"a zero in a sysctl", [](auto& x) { x.sysctls = {{"net.a", zero}}; },
     ec::bad_request, "sysctl \"net.a\"", "zero byte"},
    {"a device elsewhere", [](auto& x) { x.devices = {"/tmp/null"}; },
     ec::bad_request, "device \"/tmp/null\"", "below /dev"},
    {"/dev as device", [](auto& x) { x.devices = {"/dev"}; },
     ec::bad_request, "device \"/dev\"", "below /dev"},
    {"a device by a strange path", [](auto& x) { x.devices = {"/dev//null"}; },
     ec::bad_request, "device", "below /dev"},
    {"a device with dots", [](auto& x) { x.devices = {"/dev/../etc/passwd"}; },
     ec::bad_request, "device", "contains \"..\""},
    {"a device twice", [](auto& x) { x.devices = {"/dev/fuse", "/dev/fuse"}; },
     ec::bad_request, "device", "twice"},
  }));
  INFO(row.what);
  auto spec = good_spec();
  row.spoil(spec);
  auto checked = check_launch(spec);
  REQUIRE_FALSE(checked);
  auto& error = checked.error();
  CAPTURE(error);
  CHECK(error.code == row.code);
  CHECK(contains(error.subject, row.subject));
  CHECK(contains(error.reason, row.reason));
  CHECK_FALSE(error.next.empty());
}

TEST_CASE("an error about the environment shows no value, which may be a secret") {
  auto spec = good_spec();
  spec.env = {"TOKEN=hunter2" + zero};
  auto checked = check_launch(spec);
  REQUIRE_FALSE(checked);
  CHECK_FALSE(contains(render(checked.error()), "hunter2"));
}

TEST_CASE("gVisor refuses by name what it would ignore") {
  auto gvisor = RuntimeProfile{};
  gvisor.kind = RuntimeKind::gvisor;
  auto spec = good_spec();
  CHECK(check_support(spec, gvisor));
  spec.devices = {"/dev/fuse"};
  auto device = check_support(spec, gvisor);
  REQUIRE_FALSE(device);
  CHECK(render(device.error())
        == "unsupported: device \"/dev/fuse\": gVisor passes no devices of the host to its containers and would ignore it "
           "(launch it in a pool with `runtime: runc`, or leave this out)");
  CHECK(check_support(spec, RuntimeProfile{}));
  spec.devices.clear();
  spec.sysctls = {{"net.ipv4.ip_forward", "1"}};
  auto sysctl = check_support(spec, gvisor);
  REQUIRE_FALSE(sysctl);
  CHECK(sysctl.error().code == ec::unsupported);
  CHECK(contains(sysctl.error().subject, "net.ipv4.ip_forward"));
  CHECK(check_support(spec, RuntimeProfile{}));
}

TEST_CASE("paths are normalized without being followed") {
  struct Row {
    const char* path;
    const char* normal;
  };
  auto row = GENERATE(values<Row>(
    {{"/", "/"}, {"//", "/"}, {"/a", "/a"}, {"/a/", "/a"}, {"//a///b//", "/a/b"}}));
  CHECK(normalize_path(row.path) == row.normal);
}
