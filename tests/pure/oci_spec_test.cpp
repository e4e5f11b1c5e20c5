#include "runtimes/oci_spec.hpp"

#include "runtimes/oci_seccomp.hpp"
#include "tests/support/catch.hpp"

#include <algorithm>
#include <set>

#include <nlohmann/json.hpp>

using namespace berth;
using Json = nlohmann::json;
using nlohmann::literals::operator""_json;

namespace {

BundleRequest plain_request() {
  auto request = BundleRequest{};
  request.spec.id = {"web_1"};
  request.spec.rootfs = "/srv/rootfs";
  request.spec.args = {"/bin/sh", "-c", "true"};
  request.cgroup = "/berth/web/abc/run";
  request.host.cgroup_namespaces = true;
  request.host.swap_limit = true;
  request.host.max_open_files = 20000;
  return request;
}

RuntimeProfile runc() {
  auto profile = RuntimeProfile{};
  profile.version = "1.1.5";
  return profile;
}

Json config_of(const BundleRequest& request, const RuntimeProfile& profile = runc()) {
  auto text = render_config(request, profile);
  REQUIRE(text);
  return Json::parse(*text);
}

Json mount_at(const Json& config, const std::string& destination) {
  for (auto& mount : config.at("mounts"))
    if (mount.at("destination") == destination)
      return mount;
  return {};
}

bool has(const Json& list, const std::string& text) {
  return std::find(list.begin(), list.end(), text) != list.end();
}

} // namespace

TEST_CASE("a bundle says what runs, where, and on which cgroup") {
  auto request = plain_request();
  request.spec.workdir = "/srv";
  request.spec.env = {"A=1"};
  auto config = config_of(request);
  CHECK(config.at("ociVersion") == "1.0.2");
  CHECK(config.at("root") == R"({"path": "rootfs", "readonly": false})"_json);
  CHECK(config.at("process").at("args") == R"(["/bin/sh", "-c", "true"])"_json);
  CHECK(config.at("process").at("cwd") == "/srv");
  CHECK(config.at("process").at("env").size() == 2);
  CHECK(config.at("process").at("env").at(1) == "A=1");
  CHECK_FALSE(config.at("process").contains("terminal"));
  CHECK(config.at("hostname") == "web-1");
  CHECK(config.at("linux").at("cgroupsPath") == "/berth/web/abc/run");
}

TEST_CASE("a bundle without a cgroup of its own is never made") {
  auto request = plain_request();
  request.cgroup.clear();
  CHECK_FALSE(render_config(request, runc()));
}

TEST_CASE("a container has namespaces of its own for everything but users") {
  auto request = plain_request();
  auto types = std::set<std::string>{};
  auto config = config_of(request);
  for (auto& x : config.at("linux").at("namespaces")) {
    types.insert(x.at("type"));
    CHECK_FALSE(x.contains("path"));
  }
  CHECK(types == std::set<std::string>{"pid", "network", "ipc", "uts", "mount", "cgroup"});
  CHECK(mount_at(config, "/sys/fs/cgroup").is_object());
  request.host.cgroup_namespaces = false;
  config = config_of(request);
  CHECK(config.at("linux").at("namespaces").size() == 5);
  CHECK(mount_at(config, "/sys/fs/cgroup").is_null());
}

TEST_CASE("a process gains nothing and has few capabilities") {
  auto process = config_of(plain_request()).at("process");
  CHECK(process.at("noNewPrivileges") == true);
  auto capabilities = process.at("capabilities");
  CHECK(capabilities.size() == 3);
  auto expected =
    R"(["CAP_CHOWN", "CAP_DAC_OVERRIDE", "CAP_FOWNER", "CAP_FSETID", "CAP_KILL", "CAP_SETFCAP",
        "CAP_SETGID", "CAP_SETPCAP", "CAP_SETUID", "CAP_NET_BIND_SERVICE", "CAP_SYS_CHROOT"])"_json;
  for (auto set : {"bounding", "effective", "permitted"})
    CHECK(capabilities.at(set) == expected);
}

TEST_CASE("a process of another user than root begins without capabilities") {
  auto request = plain_request();
  request.user = {1000, 1001, {10, 29}};
  auto process = config_of(request).at("process");
  CHECK(process.at("user") == R"({"uid": 1000, "gid": 1001, "additionalGids": [10, 29]})"_json);
  CHECK(process.at("capabilities").size() == 1);
  CHECK(process.at("capabilities").contains("bounding"));
}

TEST_CASE("file limits never exceed the host's") {
  struct Row {
    uint64_t host, soft, hard;
  };
  auto row =
    GENERATE(values<Row>({{20000, 1024, 20000}, {512, 512, 512}, {UINT64_MAX, 1024, 1048576}}));
  auto request = plain_request();
  request.host.max_open_files = row.host;
  auto limits = config_of(request).at("process").at("rlimits");
  REQUIRE(limits.size() == 1);
  CHECK(limits.at(0).at("type") == "RLIMIT_NOFILE");
  CHECK(limits.at(0).at("soft") == row.soft);
  CHECK(limits.at(0).at("hard") == row.hard);
}

TEST_CASE("what tells about the host is hidden, and its switches are read-only") {
  auto linux_part = config_of(plain_request()).at("linux");
  for (auto path :
       {"/proc/kcore", "/proc/keys", "/proc/acpi", "/proc/interrupts", "/proc/timer_list",
        "/proc/sched_debug", "/proc/scsi", "/sys/firmware", "/sys/devices/virtual/powercap"})
    CHECK(has(linux_part.at("maskedPaths"), path));
  // /proc/sys has vm/drop_caches below it.
  for (auto path : {"/proc/sys", "/proc/sysrq-trigger", "/proc/bus", "/proc/fs", "/proc/irq"})
    CHECK(has(linux_part.at("readonlyPaths"), path));
  auto config = config_of(plain_request());
  CHECK(has(mount_at(config, "/sys").at("options"), "ro"));
  CHECK(has(mount_at(config, "/sys/fs/cgroup").at("options"), "ro"));
}

TEST_CASE("devices are denied but for those that were passed") {
  auto request = plain_request();
  auto denied = R"([{"allow": false, "access": "rwm"}])"_json;
  CHECK(config_of(request).at("linux").at("resources").size() == 1);
  CHECK(config_of(request).at("linux").at("resources").at("devices") == denied);
  CHECK_FALSE(config_of(request).at("linux").contains("devices"));
  request.spec.devices = {"/dev/fuse"};
  request.devices = {{"/dev/fuse", 'c', 10, 229, 0660, 0, 44}};
  auto linux_part = config_of(request).at("linux");
  CHECK(linux_part.at("devices")
        == R"([{"path": "/dev/fuse", "type": "c", "major": 10, "minor": 229,
                "fileMode": 432, "uid": 0, "gid": 44}])"_json);
  denied.push_back(
    R"({"allow": true, "type": "c", "major": 10, "minor": 229, "access": "rw"})"_json);
  CHECK(linux_part.at("resources").at("devices") == denied);
}

TEST_CASE("limits become cgroup settings") {
  auto request = plain_request();
  request.spec.limits = {64 << 20, 500, 10};
  auto resources = config_of(request).at("linux").at("resources");
  CHECK(resources.at("memory") == R"({"limit": 67108864, "swap": 67108864})"_json);
  CHECK(resources.at("cpu") == R"({"period": 100000, "quota": 50000, "shares": 512})"_json);
  CHECK(resources.at("pids") == R"({"limit": 10})"_json);
  CHECK_FALSE(resources.contains("unified"));
  request.host.swap_limit = false;
  CHECK(config_of(request).at("linux").at("resources").at("memory") == R"({"limit": 67108864})"_json);
}

TEST_CASE("CPU limits follow the kernel's period and weights") {
  struct Row {
    uint64_t millis, quota, shares;
  };
  auto row = GENERATE(values<Row>({{10, 1000, 10},
                                   {100, 10000, 102},
                                   {250, 25000, 256},
                                   {1000, 100000, 1024},
                                   {2000, 200000, 2048},
                                   {32000, 3200000, 32768},
                                   {10000000, 1000000000, 262144}}));
  auto request = plain_request();
  request.spec.limits.cpu_millis = row.millis;
  auto cpu = config_of(request).at("linux").at("resources").at("cpu");
  CHECK(cpu.at("period") == 100000);
  CHECK(cpu.at("quota") == row.quota);
  CHECK(cpu.at("shares") == row.shares);
}

TEST_CASE("an OOM kill takes the whole group where that is asked for") {
  auto request = plain_request();
  request.oom_group = true;
  CHECK(config_of(request).at("linux").at("resources").at("unified")
        == R"({"memory.oom.group": "1"})"_json);
}

TEST_CASE("mounts of the user bring no devices and no set-user-id programs, whatever is mounted "
          "below them") {
  auto request = plain_request();
  request.spec.mounts = {{"/srv/data", "//data/", false}, {"/etc/hosts", "/etc/hosts", true}};
  auto config = config_of(request);
  CHECK(mount_at(config, "/data")
        == R"({"destination": "/data", "type": "bind", "source": "/srv/data",
                "options": ["rbind", "rprivate", "rnosuid", "rnodev"]})"_json);
  CHECK(mount_at(config, "/etc/hosts").at("options")
        == R"(["rbind", "rprivate", "rnosuid", "rnodev", "rro"])"_json);
  // They come last, or the standard mounts could hide them.
  CHECK(config.at("mounts").back().at("destination") == "/etc/hosts");
}

TEST_CASE("labels become annotations that no runtime takes for orders") {
  auto request = plain_request();
  request.spec.labels = {{"dev.gvisor.flag.network", "host"}, {"team", "a\"b"}};
  CHECK(config_of(request).at("annotations")
        == R"({"berth.label.dev.gvisor.flag.network": "host", "berth.label.team": "a\"b"})"_json);
}

TEST_CASE("sysctls are passed on") {
  auto request = plain_request();
  CHECK_FALSE(config_of(request).at("linux").contains("sysctl"));
  request.spec.sysctls = {{"net.ipv4.ip_forward", "1"}};
  CHECK(config_of(request).at("linux").at("sysctl") == R"({"net.ipv4.ip_forward": "1"})"_json);
}

TEST_CASE("of variables with the same name the last one counts, and PATH has a default") {
  using Env = std::vector<std::string>;
  auto path = std::string{"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"};
  CHECK(merge_env({}) == Env{path});
  CHECK(merge_env({"A=1", "B=2", "A=3"}) == Env{path, "A=3", "B=2"});
  CHECK(merge_env({"PATH=/bin"}) == Env{"PATH=/bin"});
  CHECK(merge_env({"A=1", "AB=2"}, {"A=", "C=x=y"}) == Env{path, "A=", "AB=2", "C=x=y"});
}

TEST_CASE("a container that asks for no host name gets its id as one") {
  struct Row {
    std::string id;
    std::string hostname;
  };
  auto row = GENERATE(values<Row>({{"web", "web"},
                                   {"web_1.b", "web-1-b"},
                                   {"a--", "a"},
                                   {std::string(64, 'a'), std::string(63, 'a')},
                                   {std::string(62, 'a') + "_b", std::string(62, 'a')}}));
  CHECK(hostname_of({row.id}) == row.hostname);
  auto request = plain_request();
  request.spec.hostname = "given.example";
  CHECK(config_of(request).at("hostname") == "given.example");
}

TEST_CASE("the seccomp profile allows by name, and to the container nothing else exists") {
  auto seccomp = config_of(plain_request()).at("linux").at("seccomp");
  CHECK(seccomp.at("defaultAction") == "SCMP_ACT_ERRNO");
  CHECK(seccomp.at("defaultErrnoRet") == 38);
  // Without a list, runc takes the native architecture only.
  CHECK_FALSE(seccomp.contains("architectures"));
  auto allowed = std::set<std::string>{};
  auto refused = std::set<std::string>{};
  for (auto& rule : seccomp.at("syscalls")) {
    if (rule.contains("args"))
      continue;
    auto& names = rule.at("action") == "SCMP_ACT_ALLOW" ? allowed : refused;
    CHECK(rule.contains("errnoRet") == (rule.at("action") != "SCMP_ACT_ALLOW"));
    for (auto& name : rule.at("names"))
      CHECK(names.insert(name).second);
  }
  for (auto name : {"read", "execve", "futex", "openat", "rt_sigreturn", "exit_group", "mmap",
                    "rseq", "epoll_wait"})
    CHECK(allowed.count(name) == 1);
  for (auto name : {"mount",
                    "umount2",
                    "pivot_root",
                    "unshare",
                    "setns",
                    "bpf",
                    "perf_event_open",
                    "keyctl",
                    "add_key",
                    "request_key",
                    "init_module",
                    "finit_module",
                    "delete_module",
                    "reboot",
                    "swapon",
                    "open_by_handle_at",
                    "syslog",
                    "settimeofday",
                    "iopl",
                    "ioperm",
                    "quotactl",
                    "acct",
                    "sethostname"}) {
    CAPTURE(name);
    CHECK(allowed.count(name) == 0);
    CHECK(refused.count(name) == 1);
  }
  for (auto name :
       {"io_uring_setup", "userfaultfd", "kexec_load", "kexec_file_load", "clone3", "fsopen",
        "move_mount", "open_tree", "mount_setattr", "clone", "socket", "personality"}) {
    CAPTURE(name);
    CHECK(allowed.count(name) == 0);
    CHECK(refused.count(name) == 0);
  }
}

TEST_CASE("clone makes no namespaces, and sockets are of known families") {
  auto seccomp = config_of(plain_request()).at("linux").at("seccomp");
  auto rules_for = [&](const std::string& name) {
    auto result = Json::array();
    for (auto& rule : seccomp.at("syscalls"))
      if (has(rule.at("names"), name))
        result.push_back(rule);
    return result;
  };
  auto first_argument = [](const char* op, uint64_t value) {
    return Json{{"index", 0}, {"op", op}, {"value", value}};
  };
  auto clone = rules_for("clone");
  REQUIRE(clone.size() == 2);
  auto no_namespaces = first_argument("SCMP_CMP_MASKED_EQ", 0x7e020000);
  no_namespaces["valueTwo"] = 0;
  CHECK(clone.at(0).at("action") == "SCMP_ACT_ALLOW");
  CHECK(clone.at(0).at("args") == Json::array({no_namespaces}));
  auto user_namespace = first_argument("SCMP_CMP_MASKED_EQ", 0x10000000);
  user_namespace["valueTwo"] = 0x10000000;
  CHECK(clone.at(1).at("errnoRet") == 1);
  CHECK(clone.at(1).at("args") == Json::array({user_namespace}));
  auto allowed = Json::array();
  auto refused = Json::array();
  for (auto& rule : rules_for("socket"))
    (rule.at("action") == "SCMP_ACT_ALLOW" ? allowed : refused).push_back(rule.at("args").at(0));
  CHECK(allowed
        == Json::array({first_argument("SCMP_CMP_EQ", 1), first_argument("SCMP_CMP_EQ", 2),
                        first_argument("SCMP_CMP_EQ", 10), first_argument("SCMP_CMP_EQ", 16)}));
  CHECK(refused == Json::array({first_argument("SCMP_CMP_GT", 16)}));
}

TEST_CASE("a further process is as restricted as the first") {
  auto request = plain_request();
  request.spec.env = {"A=1", "B=1"};
  request.spec.workdir = "/srv";
  auto exec = ExecRequest{};
  exec.args = {"id"};
  exec.env = {"B=2"};
  auto text = render_process(request.spec, exec, request.host);
  REQUIRE(text);
  auto process = Json::parse(*text);
  auto first = config_of(request).at("process");
  for (auto key : {"capabilities", "noNewPrivileges", "rlimits", "cwd", "user"})
    CHECK(process.at(key) == first.at(key));
  CHECK(process.at("args") == R"(["id"])"_json);
  CHECK(process.at("env").back() == "B=2");
  CHECK(process.at("env").size() == 3);
  exec.workdir = "/tmp";
  exec.user = {1000, 1000, {}};
  process = Json::parse(*render_process(request.spec, exec, request.host));
  CHECK(process.at("cwd") == "/tmp");
  CHECK(process.at("user").at("uid") == 1000);
  CHECK_FALSE(process.at("capabilities").contains("effective"));
}

TEST_CASE("a further process that makes no sense is refused") {
  auto request = plain_request();
  auto exec = ExecRequest{};
  CHECK(render_process(request.spec, exec, request.host).error().code == ec::bad_request);
  exec.args = {"id"};
  exec.env = {"NOVALUE"};
  CHECK(render_process(request.spec, exec, request.host).error().code == ec::bad_request);
  exec.env = {};
  exec.workdir = "relative";
  CHECK(render_process(request.spec, exec, request.host).error().code == ec::bad_request);
}

TEST_CASE("texts that are not UTF-8 are an error and not a crash") {
  auto request = plain_request();
  request.spec.args = {"/bin/true", "\xff"};
  auto text = render_config(request, runc());
  REQUIRE_FALSE(text);
  CHECK(text.error().code == ec::bad_request);
}

TEST_CASE("a hundred thousand variables take no noticeable time") {
  auto request = plain_request();
  for (int i = 0; i < 100'000; ++i)
    request.spec.env.push_back("V" + std::to_string(i % 50'000) + "=");
  auto config = config_of(request);
  CHECK(config.at("process").at("env").size() == 50'001);
}
