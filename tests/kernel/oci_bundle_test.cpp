#include "runtimes/linux/bundle_host.hpp"
#include "runtimes/linux/cgroup.hpp"
#include "runtimes/linux/file.hpp"
#include "runtimes/linux/find_program.hpp"
#include "runtimes/linux/process.hpp"
#include "runtimes/oci_command.hpp"
#include "runtimes/oci_spec.hpp"
#include "runtimes/runtime_errors.hpp"
#include "runtimes/runtime_id.hpp"
#include "runtimes/runtime_profile.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/eventually.hpp"
#include "tests/support/temp_dir.hpp"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <map>
#include <sstream>

#include <unistd.h>

namespace fs = std::filesystem;

using namespace berth;
using namespace berth::test;
using namespace std::chrono_literals;

namespace {

constexpr auto patience = 60s;
constexpr size_t output_limit = 1 << 20;

std::string find_busybox() {
  for (auto path : {"/bin/busybox", "/usr/bin/busybox"})
    if (fs::exists(path))
      return path;
  FAIL("the tests need busybox (package busybox-static)");
  return {};
}

/// Bundles of ours on the runc of this host, without a node.
class RuncWorld {
public:
  RuncWorld() {
    auto binary = find_program("runc");
    if (!binary)
      binary = find_program("/usr/sbin/runc");
    REQUIRE(binary);
    auto version = run_command({*binary, "--version"}, patience, output_limit);
    REQUIRE(version);
    auto profile = make_runc_profile({*binary, version->out, dir_ / "state"});
    REQUIRE(profile);
    profile_ = std::move(*profile);
    auto cgroups = detect_cgroup_host();
    REQUIRE(cgroups);
    auto root = CgroupRoot::open(std::move(*cgroups), "/berth-test-" + std::to_string(::getpid()));
    REQUIRE(root);
    cgroups_ = std::make_unique<CgroupRoot>(std::move(*root));
    REQUIRE(cgroups_->prepare_pool(pool_));
    request.spec.id = {"inside"};
    request.user = {};
    auto host = detect_bundle_host(cgroups_->has_swap_limit());
    REQUIRE(host);
    request.host = *host;
    make_rootfs();
  }

  RuncWorld(const RuncWorld&) = delete;
  RuncWorld& operator=(const RuncWorld&) = delete;

  ~RuncWorld() {
    if (!id_.empty())
      CHECK(run_command(delete_argv(call(), true), patience, output_limit));
    for (auto& group : groups_.leftovers)
      CHECK(remove_group(group));
    if (!groups_.parent.empty())
      CHECK(remove_group(groups_.parent));
    cgroups_->remove_all();
  }

  /// Writes the bundle and runs `script` in it to its end.
  CommandOutput run(const std::string& script) {
    auto argv = prepare(script);
    // As the product, but in the foreground: its output can be collected.
    std::replace(argv.begin(), argv.end(), std::string{"create"}, std::string{"run"});
    auto output = run_command(argv, patience, output_limit);
    REQUIRE(output);
    return *output;
  }

  /// Writes the bundle, and gives the command line that creates it.
  Argv prepare(const std::string& script) {
    id_ = make_runtime_id();
    groups_ = cgroups_->container(pool_, id_);
    REQUIRE(cgroups_->prepare_container(groups_));
    request.cgroup = groups_.oci_path;
    request.spec.args = {"/bin/sh", "-c", script};
    auto config = render_config(request, profile_);
    REQUIRE(config);
    REQUIRE(
        replace_file(dir_ / "bundle/config.json", *config, private_file_mode, Durability::process));
    return create_argv(call(), dir_ / "bundle", dir_ / "pid");
  }

  RuntimeCall call() const {
    return {profile_, dir_ / "log", id_};
  }

  const RuntimeProfile& profile() const {
    return profile_;
  }

  std::string operator/(const std::string& name) const {
    return dir_ / name;
  }

  BundleRequest request;

private:
  void make_rootfs() {
    auto bin = dir_ / "bundle/rootfs/bin";
    fs::create_directories(bin);
    fs::copy_file(find_busybox(), bin + "/busybox");
    for (auto applet : {"sh",   "grep",  "mount", "umount",  "unshare",  "mknod", "chroot", "cat",
                        "ls",   "touch", "find",  "id",      "hostname", "ip",    "ping",   "sleep",
                        "true", "test",  "mkdir", "swapoff", "head",     "kill"})
      fs::create_symlink("busybox", bin + "/" + applet);
    for (auto directory : {"proc", "sys", "dev", "tmp", "mnt"})
      fs::create_directories(dir_ / "bundle/rootfs/" + directory);
  }

  TempDir dir_;
  PoolName pool_{"bundle"};
  RuntimeProfile profile_;
  std::unique_ptr<CgroupRoot> cgroups_;
  ContainerCgroups groups_;
  std::string id_;
};

/// A file system of its own on a directory, for as long as it lives.
class TmpfsMount {
public:
  explicit TmpfsMount(std::string directory) : directory_(std::move(directory)) {
    fs::create_directories(directory_);
    REQUIRE(run_command({"mount", "-t", "tmpfs", "berth-test", directory_}, patience, output_limit)
                ->wait_status
            == 0);
  }

  TmpfsMount(const TmpfsMount&) = delete;
  TmpfsMount& operator=(const TmpfsMount&) = delete;

  ~TmpfsMount() {
    CHECK(run_command({"umount", directory_}, patience, output_limit)->wait_status == 0);
  }

private:
  std::string directory_;
};

/// "KEY: VALUE" lines.
std::map<std::string, std::string> facts_in(const std::string& text) {
  auto result = std::map<std::string, std::string>{};
  auto in = std::istringstream{text};
  for (std::string line; std::getline(in, line);)
    if (auto colon = line.find(':'); colon != line.npos)
      result[line.substr(0, colon)] =
          line.substr(std::min(line.find_first_not_of(": \t", colon), line.size()));
  return result;
}

constexpr auto status = "grep -E '^(Cap|Seccomp|NoNewPrivs)' /proc/self/status; ";
// CHOWN, DAC_OVERRIDE, FOWNER, FSETID, KILL, SETGID, SETUID, SETPCAP, NET_BIND_SERVICE, SYS_CHROOT,
// SETFCAP
constexpr auto default_capability_bits = "00000000800405fb";

} // namespace

TEST_CASE("a container has our restrictions and no others", "[runc]") {
  auto world = RuncWorld{};
  auto done = world.run(status);
  INFO(done.err);
  REQUIRE(done.wait_status == 0);
  auto facts = facts_in(done.out);
  CHECK(facts["CapEff"] == default_capability_bits);
  CHECK(facts["CapPrm"] == default_capability_bits);
  CHECK(facts["CapBnd"] == default_capability_bits);
  CHECK(facts["CapInh"] == "0000000000000000");
  CHECK(facts["CapAmb"] == "0000000000000000");
  CHECK(facts["NoNewPrivs"] == "1");
  // 2: a filter.
  CHECK(facts["Seccomp"] == "2");
}

TEST_CASE("another user than root has no capabilities", "[runc]") {
  auto world = RuncWorld{};
  world.request.user = {1000, 1001, {29}};
  auto done = world.run(std::string{status} + "echo \"who: $(id -u) $(id -g) $(id -G)\"");
  INFO(done.err);
  REQUIRE(done.wait_status == 0);
  auto facts = facts_in(done.out);
  CHECK(facts["CapEff"] == "0000000000000000");
  CHECK(facts["CapPrm"] == "0000000000000000");
  CHECK(facts["CapBnd"] == default_capability_bits);
  CHECK(facts["who"] == "1000 1001 1001 29");
}

TEST_CASE("what reaches out of a container is refused from inside", "[runc]") {
  auto world = RuncWorld{};
  auto done = world.run(R"sh(
    try() { name=$1; shift; if "$@" >/dev/null 2>&1; then echo "$name: allowed"; else echo "$name: refused"; fi; }
    try 'mount' mount -t tmpfs none /mnt
    try 'remount' mount -o remount,rw /sys
    try 'umount' umount /proc/sys
    try 'user namespace' unshare -U true
    try 'mount namespace' unshare -m true
    try 'device node' mknod /tmp/disk b 8 0
    try 'raw socket' ping -c 1 -W 1 127.0.0.1
    try 'link' ip link add dummy0 type dummy
    try 'host name' hostname other
    try 'swap' swapoff -a
    try 'caches' sh -c 'echo 3 >/proc/sys/vm/drop_caches'
    try 'core pattern' sh -c 'echo x >/proc/sys/kernel/core_pattern'
    try 'sysrq' sh -c 'echo h >/proc/sysrq-trigger'
    try 'sysfs' sh -c 'echo 1 >/sys/kernel/mm/ksm/run'
    try 'cgroup' sh -c 'for f in /sys/fs/cgroup/cgroup.procs /sys/fs/cgroup/memory/cgroup.procs; do test -e $f && echo 0 >$f && exit 0; done; exit 1'
    try 'new group' sh -c 'cd /sys/fs/cgroup; test -e cgroup.procs || cd memory; mkdir x'
    try 'chroot' chroot / true
    try 'own file' touch /tmp/mine
  )sh");
  INFO(done.err);
  auto facts = facts_in(done.out);
  for (auto name : {"mount", "remount", "umount", "user namespace", "mount namespace",
                    "device node", "raw socket", "link", "host name", "swap", "caches",
                    "core pattern", "sysrq", "sysfs", "cgroup", "new group"})
    CHECK(name + (": " + facts[name]) == name + std::string{": refused"});
  for (auto name : {"chroot", "own file"})
    CHECK(name + (": " + facts[name]) == name + std::string{": allowed"});
}

TEST_CASE("masked paths show nothing, and the bundle cannot be seen", "[runc]") {
  auto world = RuncWorld{};
  world.request.spec.env = {"SECRET=hunter2"};
  auto done = world.run(R"sh(
    for f in /proc/kcore /proc/keys /proc/timer_list /proc/sched_debug /proc/interrupts /proc/latency_stats; do
      echo "$f: $(head -c 100 $f 2>/dev/null)"
    done
    for d in /proc/acpi /proc/scsi /proc/asound /sys/firmware /sys/devices/virtual/powercap; do
      echo "$d: $(ls $d 2>/dev/null)"
    done
    echo "bundle: $(find / -xdev -name config.json) $(ls /../config.json 2>/dev/null)"
    echo "top:" $(ls /..)
    echo "interfaces:" $(ls /sys/class/net)
    echo "processes: $(ls -d /proc/[0-9]* | grep -c .)"
    echo "disks: $(ls -l /dev | grep -c ^b)"
  )sh");
  INFO(done.err);
  REQUIRE(done.wait_status == 0);
  auto facts = facts_in(done.out);
  for (auto path : {"/proc/kcore", "/proc/keys", "/proc/timer_list", "/proc/sched_debug",
                    "/proc/interrupts", "/proc/latency_stats", "/proc/acpi", "/proc/scsi",
                    "/proc/asound", "/sys/firmware", "/sys/devices/virtual/powercap"}) {
    INFO(path);
    REQUIRE(facts.count(path) == 1);
    CHECK(facts[path] == "");
  }
  CHECK(facts["bundle"] == "");
  CHECK(facts["top"] == "bin dev mnt proc sys tmp");
  CHECK(facts["interfaces"] == "lo");
  CHECK(facts["disks"] == "0");
  // The shell, and those of its pipeline.
  CHECK(std::stoi(facts["processes"]) < 6);
  // Its own environment is in no file but /proc/PID/environ.
  CHECK(fs::status(world / "bundle/config.json").permissions()
        == (fs::perms::owner_read | fs::perms::owner_write));
}

TEST_CASE("a read-only mount is read-only down to the mounts below its source", "[runc]") {
  auto world = RuncWorld{};
  auto source = world / "source";
  auto below = TmpfsMount{source + "/below"};
  std::ofstream{source + "/file"} << "text\n";
  world.request.spec.mounts = {{source, "/mnt", true}};
  auto done =
      world.run("cat /mnt/file; touch /mnt/x || echo refused; touch /mnt/below/x || echo refused; "
                "grep ' /mnt' /proc/mounts");
  INFO(done.err);
  auto lines = std::vector<std::string>{};
  auto in = std::istringstream{done.out};
  for (std::string line; std::getline(in, line);)
    lines.push_back(line);
  REQUIRE(lines.size() == 5);
  CHECK(lines[0] == "text");
  CHECK(lines[1] == "refused");
  CHECK(lines[2] == "refused");
  for (auto line : {lines[3], lines[4]}) {
    CAPTURE(line);
    CHECK(line.find(" ro,nosuid,nodev") != std::string::npos);
  }
}

TEST_CASE("sysctls of the container's namespaces and its limits are set", "[runc]") {
  auto world = RuncWorld{};
  world.request.spec.sysctls = {{"net.ipv4.ip_forward", "1"}, {"kernel.shmmax", "1000000"}};
  world.request.spec.limits = {64 << 20, 500, 50};
  auto done = world.run(R"sh(
    first() { for f in "$@"; do test -e $f && cat $f && return; done; }
    cd /sys/fs/cgroup
    echo "forward: $(cat /proc/sys/net/ipv4/ip_forward)"
    echo "shmmax: $(cat /proc/sys/kernel/shmmax)"
    echo "memory: $(first memory.max memory/memory.limit_in_bytes)"
    echo "cpu: $(first cpu.max cpu/cpu.cfs_quota_us)"
    echo "pids: $(first pids.max pids/pids.max)"
    echo "files: $(ulimit -n)"
  )sh");
  INFO(done.err);
  REQUIRE(done.wait_status == 0);
  auto facts = facts_in(done.out);
  CHECK(facts["forward"] == "1");
  CHECK(facts["shmmax"] == "1000000");
  CHECK(facts["memory"] == "67108864");
  CHECK((facts["cpu"] == "50000" || facts["cpu"] == "50000 100000"));
  CHECK(facts["pids"] == "50");
  CHECK(facts["files"] == "1024");
}

TEST_CASE(
    "a created container starts by its FIFO, and a further process is restricted like the first",
    "[runc]") {
  auto world = RuncWorld{};
  REQUIRE(world.profile().start_by_fifo);
  auto created = run_command(world.prepare("sleep 600"), patience, output_limit);
  REQUIRE(created);
  INFO(created->err);
  REQUIRE(created->wait_status == 0);
  auto fifo = start_fifo_path(world.profile(), world.call().runtime_id);
  REQUIRE(read_file(fifo, 1));
  REQUIRE(fs::remove(fifo));
  auto state = [&] {
    return run_command(state_argv(world.call()), patience, output_limit)->out;
  };
  INFO(state());
  REQUIRE(eventually(10s, [&] { return state().find("\"running\"") != std::string::npos; }));
  auto exec = [&](Argv args) {
    auto process = render_process(world.request.spec, {std::move(args), {"MORE=1"}, "/tmp", {}},
                                  world.request.host);
    REQUIRE(process);
    REQUIRE(replace_file(world / "process.json", *process, private_file_mode, Durability::process));
    auto call = RuntimeCall{world.profile(), world / "exec.log", world.call().runtime_id};
    fs::remove(call.log);
    auto done = run_command(exec_argv(call, world / "process.json"), patience, output_limit);
    REQUIRE(done);
    auto log = read_file(call.log, output_limit).value_or("");
    return std::pair{
        *done, explain_exec_failure(world.profile(), done->wait_status, log, world.request.spec)};
  };
  auto [done, error] =
      exec({"/bin/sh", "-c", std::string{status} + "echo \"more: $MORE$(pwd)\"; exit 255"});
  CHECK(to_exit_status(done.wait_status) == ExitStatus{Exited{255}});
  CHECK_FALSE(error);
  auto facts = facts_in(done.out);
  CHECK(facts["CapEff"] == default_capability_bits);
  CHECK(facts["NoNewPrivs"] == "1");
  CHECK(facts["Seccomp"] == "2");
  CHECK(facts["more"] == "1/tmp");
  auto missing = exec({"no-such-program"});
  REQUIRE(missing.second);
  CHECK(missing.second->code == ec::command_not_found);
  auto directory = exec({"/tmp"});
  REQUIRE(directory.second);
  CHECK(directory.second->code == ec::command_not_executable);
}
