#include "tests/e2e/nodes.hpp"

#include <filesystem>

using namespace berth;
using namespace berth::test;
namespace fs = std::filesystem;

namespace {

std::string printed(const TestNode& node, const std::string& script, const Argv& more = {}) {
  auto flags = Argv{"--rm"};
  flags.insert(flags.end(), more.begin(), more.end());
  auto done = node.run("plain", flags, shell(script));
  INFO(script << '\n' << describe(done));
  CHECK(done.code == 0);
  return done.out;
}

/// The value of a line of /proc/self/status.
std::string status(const TestNode& node, const std::string& key, const Argv& flags = {}) {
  return printed(node, "sed -n 's/^" + key + ":[ \t]*//p' /proc/self/status", flags);
}

} // namespace

TEST_CASE("a container of runc has the least privileges that programs can do with", "[security]") {
  BERTH_NEEDS_RUNC();
  auto node = TestNode{plain_config()};

  CHECK(status(node, "NoNewPrivs") == "1\n");
  CHECK(status(node, "Seccomp") == "2\n");
  auto effective = std::strtoull(status(node, "CapEff").c_str(), nullptr, 16);
  auto bounding = std::strtoull(status(node, "CapBnd").c_str(), nullptr, 16);
  CHECK(effective == bounding);
  // By their numbers: SYS_MODULE, SYS_RAWIO, SYS_PTRACE, SYS_ADMIN, SYS_BOOT, SYS_TIME, NET_ADMIN, MAC_ADMIN, SYSLOG, BPF.
  for (auto capability : {16, 17, 19, 21, 22, 25, 12, 33, 34, 39}) {
    INFO("capability " << capability);
    CHECK((effective >> capability & 1) == 0);
  }
  CHECK(status(node, "CapInh") == "0000000000000000\n");
  CHECK(status(node, "CapEff", {"--user", "worker"}) == "0000000000000000\n");

  CHECK(printed(node, "/bin/inside mount") == "Operation not permitted\n");
  CHECK(printed(node, "head -c 1 /proc/kcore 2>/dev/null | wc -c") == "0\n");
  CHECK(printed(node, "cat /proc/timer_list /proc/keys 2>/dev/null | wc -c") == "0\n");
  CHECK(printed(node, "ls /sys/firmware 2>/dev/null | wc -l") == "0\n");
  CHECK(printed(node, "(echo 1 >/proc/sys/kernel/panic) 2>/dev/null || echo refused") == "refused\n");
  CHECK(printed(node, "(echo b >/proc/sysrq-trigger) 2>/dev/null || echo refused") == "refused\n");
  // On cgroup v1 the directory above the hierarchies is a file system of the container's own.
  CHECK(printed(node, "cd /sys/fs/cgroup; [ ! -d memory ] || cd memory; mkdir escape 2>/dev/null || echo refused")
        == "refused\n");
  CHECK(printed(node, "(mknod /tmp/disk b 8 0 && head -c 1 /tmp/disk) 2>/dev/null || echo refused") == "refused\n");
  CHECK(printed(node, "unshare -U true 2>/dev/null || echo refused") == "refused\n");
}

TEST_CASE("a container sees neither its bundle nor the host", "[security]") {
  BERTH_NEEDS_RUNC();
  auto node = TestNode{plain_config()};
  CHECK(printed(node, "ls /config.json /../config.json /bundle 2>/dev/null | wc -l") == "0\n");
  CHECK(printed(node, "ls " + node.root() + " 2>/dev/null | wc -l") == "0\n");
  // Nothing but the standard streams is open; the fourth is the directory that ls reads.
  CHECK(printed(node, "ls /proc/self/fd | tr '\\n' ' '") == "0 1 2 3 ");
  // The shell and what it has started, and nobody of the host.
  CHECK(std::atoi(printed(node, "ls /proc | grep -c '^[0-9]' || true").c_str()) <= 3);
  CHECK(printed(node, "ls /sys/class/net") == "lo\n");
  CHECK(printed(node, "env | grep -c BERTH || true") == "0\n");

  auto id = node.start("plain", {}, {"/bin/sleep", "1000"});
  auto directory = fs::path{node.inspect(id)["directory"].get<std::string>()};
  // Nor do users of the host see it.
  auto blocked = fs::perms::group_all | fs::perms::others_all;
  auto closed = false;
  for (auto path = directory; path != fs::path{node.root()}; path = path.parent_path())
    closed = closed || (fs::status(path).permissions() & blocked) == fs::perms::none;
  CHECK(closed);
  auto socket = fs::status(node.socket()).permissions();
  CHECK((socket & fs::perms::mask) == fs::perms{0660});
}

TEST_CASE("calls that the filter does not let through are answered as by an old kernel, or as forbidden", "[security]") {
  BERTH_NEEDS_RUNC();
  auto node = TestNode{plain_config()};
  auto done = node.run("plain", {"--rm"}, {"/bin/inside", "calls"});
  INFO(describe(done));
  CHECK(done.out
        == "clone3 ENOSYS\n"
           "io_uring_setup ENOSYS\n"
           "userfaultfd ENOSYS\n"
           "bpf EPERM\n"
           "keyctl EPERM\n"
           "unshare-user EPERM\n"
           "personality ENOSYS\n"
           "socket-vsock EAFNOSUPPORT\n"
           "socket-alg EAFNOSUPPORT\n"
           "socket-inet allowed\n");
}

TEST_CASE("a container is not shown Berth's own files", "[security]") {
  BERTH_NEEDS_RUNC();
  auto node = TestNode{plain_config()};
  for (auto source : {node.root(), node.root() + "/run", node.root() + "/run/containers", std::string{"/"}}) {
    auto mounted = node.run("plain", {"--mount", source + ":/mnt"}, {"/bin/true"});
    INFO(describe(mounted));
    CHECK(mounted.code == 125);
    CHECK(contains(mounted.err, "Berth's own files"));
  }
  auto rooted = node.berth({"run", "--pool", "plain", "--rootfs", node.root() + "/state", "--", "/bin/true"});
  INFO(describe(rooted));
  CHECK(rooted.code == 125);
  CHECK(contains(rooted.err, "Berth's own files"));
}

TEST_CASE("a container of gVisor has a kernel of its own", "[security]") {
  BERTH_NEEDS_GVISOR();
  auto node = TestNode{config_of("  containerRuntime: gvisor\n  pools:\n    plain:\n      " + gvisor_config()
                                   + "\n      onRuntimeUnavailable: fail\n",
                                 patient_probe())};
  CHECK(contains(printed(node, "dmesg"), "gVisor"));
  CHECK(printed(node, "ls " + node.root() + " 2>/dev/null | wc -l") == "0\n");
  CHECK(printed(node, "ls /sys/class/net 2>/dev/null | grep -vc '^lo$' || true") == "0\n");
  CHECK(status(node, "CapEff", {"--user", "worker"}) == "0000000000000000\n");
}

TEST_CASE("a container cannot make the daemon follow its links", "[security]") {
  BERTH_NEEDS_RUNC();
  auto node = TestNode{plain_config()};
  auto dir = TempDir{};
  // A root file system with links out of it where the runtime makes mount points, and a user file that is one.
  auto evil = dir / "evil";
  fs::copy(test_rootfs(), evil, fs::copy_options::recursive | fs::copy_options::copy_symlinks);
  auto target = dir / "host-directory";
  fs::create_directory(target);
  fs::create_directory_symlink(target, evil + "/mnt");
  fs::remove(evil + "/etc/passwd");
  fs::create_symlink("/etc/shadow", evil + "/etc/passwd");
  auto run_evil = [&](const Argv& flags) {
    auto args = Argv{"run", "--rm", "--pool", "plain", "--rootfs", evil};
    args.insert(args.end(), flags.begin(), flags.end());
    args.insert(args.end(), {"--", "/bin/true"});
    return node.berth(args);
  };
  auto mounted = run_evil({"--mount", dir.path() + ":/mnt/below"});
  INFO(describe(mounted));
  CHECK(mounted.code == 0); // the link leads to a directory of that name in the container
  CHECK(fs::is_empty(target));
  auto named = run_evil({"--user", "worker"});
  INFO(describe(named));
  CHECK(named.code == 125);
  CHECK_FALSE(contains(named.err, "$")); // no line of the host's /etc/shadow
}
