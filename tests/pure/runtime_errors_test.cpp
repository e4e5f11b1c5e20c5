#include "runtimes/runtime_errors.hpp"

#include "runtimes/runtime_text.hpp"
#include "runtimes/utf8.hpp"
#include "tests/support/catch.hpp"

#include <nlohmann/json.hpp>

using namespace berth;

namespace {

constexpr int exited_1 = 1 << 8;
constexpr int exited_2 = 2 << 8;
constexpr int exited_7 = 7 << 8;
constexpr int exited_128 = 128 << 8;
constexpr int exited_255 = 255 << 8;
constexpr int killed = 9;

RuntimeProfile runc() {
  auto profile = RuntimeProfile{};
  profile.version = "1.1.5+ds1";
  return profile;
}

RuntimeProfile gvisor() {
  auto profile = RuntimeProfile{};
  profile.kind = RuntimeKind::gvisor;
  profile.version = "0.0~20221219.0";
  return profile;
}

LaunchSpec some_spec() {
  auto spec = LaunchSpec{};
  spec.id = {"web"};
  spec.rootfs = "/srv/rootfs";
  spec.workdir = "/etc/file";
  spec.user = "4294967295";
  spec.mounts = {
    {"/no/such/src", "/mnt", false}, {"/tmp", "/etc/file", false}, {"/tmp", "/etc/file/x/", true}};
  return spec;
}

/// As runc writes it to its log.
std::string runc_log(const std::string& message) {
  return nlohmann::json({{"level", "error"}, {"msg", message}, {"time", "2026-01-01T00:00:00Z"}})
           .dump()
         + "\n";
}

/// As runsc writes it: another order, and no line break.
std::string runsc_log(const std::string& message) {
  return R"({"msg":)" + nlohmann::json(message).dump() + R"(,"level":"error","time":"2026-01-01T00:00:00.000000000Z"})";
}

/// What follows when a sandbox ends while it starts (both releases).
std::string runsc_boot_log(const std::string& cause) {
  return runsc_log(cause)
         + runsc_log("Error reading mounts file: error unmarshaling mounts: unexpected end of JSON "
                     "input\nJSON bytes:\n")
         + runsc_log("creating container: cannot create sandbox: cannot read client sync file: "
                     "waiting for sandbox to "
                     "start: EOF");
}

struct Row {
  const char* what;
  std::string text;
  ec code;
  const char* subject;
  const char* reason;
};

bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

void check(const Error& error, const Row& row) {
  CAPTURE(row.text, error);
  CHECK(error.code == row.code);
  CHECK(error.subject == row.subject);
  CHECK(contains(error.reason, row.reason));
  CHECK_FALSE(error.next.empty());
  CHECK(error.reason.find('\n') == std::string::npos);
}

std::string in_create(const std::string& reason) {
  return "runc create failed: unable to start container process: " + reason;
}

std::string in_init(const std::string& reason) {
  return in_create("error during container init: " + reason);
}

std::string in_load(const std::string& reason) {
  return "starting container: starting root container: starting sandbox: creating process: failed "
         "to load "
         + reason;
}

} // namespace

// Every text below was printed by the program named, with a busybox root file system.

TEST_CASE("what runc 1.1.5 says when it cannot create a container") {
  auto row = GENERATE_COPY(values<Row>({
    {"no such command",
     in_create(R"(exec: "/bin/nope": stat /bin/nope: no such file or directory)"),
     ec::command_not_found, "command \"/bin/nope\"", "no such file"},
    {"not in PATH", in_create(R"(exec: "nope": executable file not found in $PATH)"),
     ec::command_not_found, "command \"nope\"", "no such executable in PATH"},
    {"a path through a file",
     in_create(R"(exec: "/etc/file/x": stat /etc/file/x: not a directory)"),
     ec::command_not_found, "command \"/etc/file/x\"", "not a directory"},
    {"not executable, or a directory",
     in_create(R"(exec: "/bin/noexec": permission denied)"),
     ec::command_not_executable, "command \"/bin/noexec\"", "may not be executed"},
    {"a workdir that is a file", in_init("mkdir /etc/file: not a directory"),
     ec::bad_request, "workdir \"/etc/file\"", "not a directory"},
    {"a user id too large",
     in_create("unable to setup user: uids and gids must be in range 0-2147483647"),
     ec::bad_request, "user \"4294967295\"", "uids and gids must be in range"},
    {"no root file system",
     "runc create failed: invalid rootfs: stat /no/such: no such file or directory",
     ec::rootfs_missing, "rootfs \"/srv/rootfs\"", "no such file or directory"},
    {"a root file system that is a file",
     in_create("unable to start init: fork/exec /proc/self/exe: not a directory"),
     ec::rootfs_missing, "rootfs \"/srv/rootfs\"", "not a directory"},
    {"a mount without source",
     in_init(R"(error mounting "/no/such/src" to rootfs at "/mnt": stat /no/such/src: no such file or directory)"),
     ec::bad_request, "mount \"/no/such/src:/mnt\"", "the source does not exist"},
    {"a directory on a file",
     in_init(R"(error mounting "/tmp" to rootfs at "/etc/file": mount /tmp:/etc/file (via /proc/self/fd/6), flags: 0x5000: not a directory)"),
     ec::bad_request, "mount \"/tmp:/etc/file\"", "one is a directory"},
    {"a destination below a file",
     in_init(R"(error mounting "/tmp" to rootfs at "/etc/file/x": open o_path procfd: open /b/rootfs/etc/file/x: not a directory)"),
     ec::bad_request, "mount \"/tmp:/etc/file/x/\"", "a part of the path is a file"},
    {"a mount of the bundle's own",
     in_init(R"(error mounting "sysfs" to rootfs at "/sys": mount sysfs:/sys (via /proc/self/fd/6): permission denied)"),
     ec::runtime_failed, "runc 1.1.5+ds1 create", "error mounting \"sysfs\" to rootfs at \"/sys\""},
    {"a memory limit too low",
     in_init("error setting cgroup config for procHooks process: unable to set memory limit "
             "to 1048576 (current usage: 2093056, peak usage: 2523136)"),
     ec::bad_request, "memory limit 0", "too low for the runtime itself"},
    {"a resource limit above the host's",
     in_init("error setting rlimits for ready process: error setting rlimit type 7: "
             "operation not permitted"),
     ec::runtime_failed, "runc 1.1.5+ds1 create",
     "error setting rlimit type 7: operation not permitted"},
    {"the host's sysctl",
     R"(runc create failed: sysctl "vm.swappiness" is not in a separate kernel namespace)",
     ec::bad_request, "sysctl \"vm.swappiness\"", "whole host"},
    {"a sysctl's value", in_init("write /proc/sys/kernel/shmmax: invalid argument"),
     ec::bad_request, "sysctl \"kernel.shmmax\"", "invalid argument"},
    {"a long host name", in_init("sethostname: invalid argument"),
     ec::runtime_failed, "runc 1.1.5+ds1 create", "sethostname: invalid argument"},
    {"a broken bundle",
     "runc create failed: json: cannot unmarshal number into Go struct field Process.process.args "
     "of type string",
     ec::runtime_failed, "runc 1.1.5+ds1 create", "json: cannot unmarshal number"},
  }));
  INFO(row.what);
  // From the log, and from stderr, where the same text stands alone.
  for (auto& text : {runc_log(row.text), row.text + "\n"})
    check(explain_launch_failure(runc(), {LaunchStage::create, exited_1, text}, some_spec()), row);
}

TEST_CASE("what runsc 20221219 and 20240729 say when they cannot create a container") {
  auto row = GENERATE_COPY(values<Row>({
    {"a workdir that is a file (2022)",
     runsc_boot_log(
       R"(Error setting up root FS: creating working directory "/etc/file": mkdir /proc/root/etc/file: not a directory)"),
     ec::bad_request, "workdir \"/etc/file\"", "not a directory"},
    {"a workdir that is a file (2024)",
     runsc_boot_log(
       R"(Error setting up root FS: creating working directory "/etc/file": mkdir /proc/fs/root/etc/file: not a directory)"),
     ec::bad_request, "workdir \"/etc/file\"", "not a directory"},
    {"no root file system (2022)",
     runsc_boot_log(
       R"(Error setting up root FS: mounting root on root ("/proc/root") err: no such file or directory)"),
     ec::rootfs_missing, "rootfs \"/srv/rootfs\"", "no such file or directory"},
    {"a root file system that is a file (2024)",
     runsc_boot_log(
       R"(Error setting up root FS: mounting root on root ("/proc/fs/root") err: not a directory)"),
     ec::rootfs_missing, "rootfs \"/srv/rootfs\"", "not a directory"},
    {"a mount without source (both)",
     runsc_boot_log("error setting up FS: mounting {Destination:/mnt Type:bind Source:/no/such/src "
                    "Options:[rbind rprivate] "
                    "UIDMappings:[] GIDMappings:[]}: stat(\"/no/such/src\") failed: stat "
                    "/no/such/src: no such file or directory"),
     ec::bad_request, "mount \"/no/such/src:/mnt\"", "the source does not exist"},
    {"a directory on a file (2022)",
     runsc_boot_log("error setting up FS: mounting {Destination:/etc/file Type:bind Source:/tmp "
                    "Options:[rbind rprivate] "
                    "UIDMappings:[] GIDMappings:[]}: mkdir(\"/proc/root/etc/file\") failed: mkdir "
                    "/proc/root/etc/file: not a directory"),
     ec::bad_request, "mount \"/tmp:/etc/file\"", "one is a directory"},
    {"a destination below a file (2024)",
     runsc_boot_log(
       R"(error setting up FS: resolving symlinks to "/etc/file/x": lstat /proc/fs/root/etc/file/x: not a directory)"),
     ec::bad_request, "mount \"/tmp:/etc/file/x/\"", "a part of the path is a file"},
    {"no such platform (2022)",
     "W1123 15:24:05.524242   11679 util.go:64] FATAL ERROR: unknown platform: systrap\nunknown "
     "platform: systrap\n",
     ec::platform_failed, "gvisor 0.0~20221219.0", "it has no platform \"systrap\""},
    {"no KVM device (2022)",
     runsc_log(
       R"(creating container: cannot create sandbox: cannot create sandbox process: opening device file for platform "kvm": error opening KVM device file (/no/such): open /no/such: no such file or directory)"),
     ec::platform_failed, "gvisor 0.0~20221219.0",
     "platform initialization failed: \"kvm\": error opening KVM device file (/no/such)"},
    {"no KVM device (2024)",
     runsc_log(
       R"(creating container: cannot create sandbox: cannot create sandbox process: opening device file for platform "kvm": error opening KVM device file (/no/such): no such file or directory)"),
     ec::platform_failed, "gvisor 0.0~20221219.0", "platform initialization failed"},
    {"a device that is not KVM (both)",
     runsc_log(
       "creating loader: creating platform: getting VCPU mmap size: inappropriate ioctl for device")
       + runsc_log("creating container: cannot create sandbox: cannot read client sync file: "
                   "waiting for sandbox to start: EOF"),
     ec::platform_failed, "gvisor 0.0~20221219.0",
     "platform initialization failed: getting VCPU mmap size"},
    {"an unknown flag (both)",
     "flag provided but not defined: -bogus\nUsage: runsc <flags> <subcommand> <subcommand "
     "args>\n\nSubcommands:\n\tcreate  create a secure container\n",
     ec::runtime_failed, "gvisor 0.0~20221219.0", "flag provided but not defined: -bogus"},
    {"a flag's bad value (both)",
     "invalid value \"bogus\" for flag -network: invalid network type \"bogus\"\nUsage: runsc "
     "<flags>\n",
     ec::runtime_failed, "gvisor 0.0~20221219.0", "invalid network type \"bogus\""},
    {"a sandbox that ended (both)",
     runsc_log("creating container: cannot create sandbox: cannot read client sync file: waiting "
               "for sandbox to start: EOF"),
     ec::runtime_failed, "gvisor 0.0~20221219.0 create", "the sandbox ended while it was starting"},
    {"no process left for the sandbox (2022)",
     runsc_log("creating container: cannot create sandbox: cannot create sandbox process: starting "
               "sandbox: fork/exec /proc/self/exe: resource temporarily unavailable"),
     ec::runtime_failed, "gvisor 0.0~20221219.0", "no more processes"},
    {"no process left for the umounter (2024)",
     runsc_log(
       "error executing umounter: fork/exec /proc/self/exe: resource temporarily unavailable")
       + runsc_log("creating container: cannot create sandbox: cannot read client sync file: "
                   "waiting for sandbox to start: EOF"),
     ec::runtime_failed, "gvisor 0.0~20221219.0", "no more processes"},
    {"no thread left, with the stack trace of Go (both)",
     "runtime: failed to create new OS thread (have 5 already; errno=11)\nruntime: may need to "
     "increase max user processes (ulimit -u)\n"
     "fatal error: newosproc\n\ngoroutine 18 gp=0xc00032c1c0 m=0 mp=0x2082a80 "
     "[running]:\nruntime.throw({0x13388c4?, 0xc000068620?})\n",
     ec::runtime_failed, "gvisor 0.0~20221219.0", "no more processes"},
    {"a cgroup that cannot be set (2022)",
     runsc_log("creating container: cannot set up cgroup for root: configuring cgroup: write "
               "/sys/fs/cgroup/cpu/x/cpu.cfs_quota_us: invalid argument"),
     ec::runtime_failed, "gvisor 0.0~20221219.0 create", "cannot set up cgroup for root"},
    {"an option of a mount (2022)", runsc_log(R"(reading spec: unknown mount option "bogusopt")"),
     ec::runtime_failed, "gvisor 0.0~20221219.0 create", "unknown mount option"},
  }));
  INFO(row.what);
  check(explain_launch_failure(gvisor(), {LaunchStage::create, exited_128, row.text}, some_spec()),
        row);
}

TEST_CASE("what runsc 20221219 and 20240729 say when they cannot start a container") {
  auto row = GENERATE_COPY(values<Row>({
    {"no such command, or no interpreter",
     in_load("/bin/nope: no such file or directory"), ec::command_not_found,
     "command \"/bin/nope\"", "no such file in the container, or the interpreter"},
    {"not in PATH",
     R"(starting container: starting root container: starting sandbox: error finding executable "nope" in PATH [/bin]: no such file or directory)",
     ec::command_not_found, "command \"nope\"", "no such executable in PATH"},
    {"a path through a file", in_load("/etc/file/x: not a directory"),
     ec::command_not_found, "command \"/etc/file/x\"", "not a directory"},
    {"not executable, or a directory", in_load("/bin/noexec: permission denied"),
     ec::command_not_executable, "command \"/bin/noexec\"", "may not be executed"},
    {"not a program", in_load("/bin/notelf: exec format error"),
     ec::command_not_executable, "command \"/bin/notelf\"", "exec format error"},
    {"a name with a colon", in_load("/bin/a: b: exec format error"),
     ec::command_not_executable, "command \"/bin/a: b\"", "exec format error"},
    {"a network on a new kernel",
     R"(starting container: setting up network: creating interfaces from net namespace "/proc/27735/ns/net": cannot run with network enabled in root network namespace)",
     ec::runtime_failed, "gvisor 0.0~20221219.0", "does not work with this kernel"},
    {"a sandbox that has ended",
     R"(starting container: cannot start container "x" in state stopped)", ec::wrong_state,
     "container \"web\"", "in state stopped"},
  }));
  INFO(row.what);
  check(explain_launch_failure(gvisor(), {LaunchStage::start, exited_128, runsc_log(row.text)},
                               some_spec()),
        row);
}

TEST_CASE("with a limit of processes, that is what was too low") {
  auto spec = some_spec();
  spec.limits.pids = 3;
  auto text =
    runsc_log("cannot create sandbox: fork/exec /proc/self/exe: resource temporarily unavailable");
  auto error = explain_launch_failure(gvisor(), {LaunchStage::create, exited_128, text}, spec);
  CHECK(error.code == ec::bad_request);
  CHECK(error.subject == "pids limit 3");
}

TEST_CASE("a runtime that says nothing is quoted with how it ended") {
  auto spec = some_spec();
  auto silent = explain_launch_failure(gvisor(), {LaunchStage::create, killed, ""}, spec);
  CHECK(silent.code == ec::runtime_failed);
  CHECK(contains(silent.reason, "signal 9"));
  spec.limits.memory_bytes = 64 << 20;
  auto limited = explain_launch_failure(gvisor(), {LaunchStage::create, exited_2, "\n \n"}, spec);
  CHECK(contains(limited.reason, "exit code 2"));
  CHECK(contains(limited.next, "higher limits"));
}

TEST_CASE("what the monitor could not do before the runtime is told as it is") {
  auto stage = GENERATE(LaunchStage::plan, LaunchStage::mount);
  auto error =
    explain_launch_failure(runc(), {stage, 0, "mount overlay: Invalid argument"}, some_spec());
  CHECK(error.code == ec::system_error);
  CHECK(error.reason == "mount overlay: Invalid argument");
}

TEST_CASE("an exec that ran has the program's own exit code, whatever it is") {
  struct Own {
    int status;
    std::string log;
  };
  auto info = std::string{R"({"level":"info","msg":"exec: \"x\": permission denied","time":"t"})"};
  auto own = GENERATE_COPY(values<Own>({{0, ""},
                                        {exited_7, ""},
                                        {exited_255, ""},
                                        {exited_128, ""},
                                        {exited_7, info},
                                        {0, runc_log("a late complaint")}}));
  CHECK_FALSE(explain_exec_failure(runc(), own.status, own.log, some_spec()));
}

TEST_CASE("what runc 1.1.5 says when it cannot exec") {
  auto row = GENERATE(values<Row>({
    {"not in PATH",
     R"(exec failed: unable to start container process: exec: "nope": executable file not found in $PATH)",
     ec::command_not_found, "command \"nope\"", "no such executable"},
    {"no such file",
     R"(exec failed: unable to start container process: exec: "/bin/nope": stat /bin/nope: no such file or directory)",
     ec::command_not_found, "command \"/bin/nope\"", "no such file"},
    {"a directory",
     R"(exec failed: unable to start container process: exec: "/etc": permission denied)",
     ec::command_not_executable, "command \"/etc\"", "directory"},
    {"a workdir that is a file",
     R"(exec failed: unable to start container process: chdir to cwd ("/etc/file") set in config.json failed: not a directory)",
     ec::bad_request, "workdir \"/etc/file\"", "not a directory"},
    {"an ended container", "exec failed: cannot exec in a stopped container", ec::wrong_state,
     "container \"web\"", "stopped"},
    {"a removed container", "exec failed: container does not exist", ec::wrong_state,
     "container \"web\"", "does not exist"},
    {"something else", "exec failed: Cwd property must not be empty", ec::runtime_failed,
     "runc 1.1.5+ds1 exec", "Cwd property"},
  }));
  INFO(row.what);
  auto error = explain_exec_failure(runc(), exited_255, runc_log(row.text), some_spec());
  REQUIRE(error);
  check(*error, row);
}

TEST_CASE("what runsc 20221219 and 20240729 say when they cannot exec") {
  auto row = GENERATE(values<Row>({
    {"not in PATH (both)",
     R"(executing processes for container: executing command "nope" in sandbox: error finding executable "nope" in PATH [/bin]: no such file or directory)",
     ec::command_not_found, "command \"nope\"", "no such executable"},
    {"no such file (both)",
     R"(executing processes for container: executing command "/bin/nope" in sandbox: failed to load /bin/nope: no such file or directory)",
     ec::command_not_found, "command \"/bin/nope\"", "no such file"},
    {"a directory (both)",
     R"(executing processes for container: executing command "/etc" in sandbox: failed to load /etc: permission denied)",
     ec::command_not_executable, "command \"/etc\"", "directory"},
    {"not a program (both)",
     R"(executing processes for container: executing command "/bin/notelf" in sandbox: failed to load /bin/notelf: exec format error)",
     ec::command_not_executable, "command \"/bin/notelf\"", "exec format error"},
    {"before the start (both)",
     R"(executing processes for container: executing command "/bin/true" in sandbox: container "k3" not started)",
     ec::wrong_state, "container \"web\"", "not started"},
    {"an ended container (2022)",
     R"(executing processes for container: cannot execute in container "k3" in state stopped)",
     ec::wrong_state, "container \"web\"", "stopped"},
    {"an ended container (2024)",
     R"(executing processes for container: executing command "/bin/true" in sandbox: connecting to control server at PID 27350: connection refused)",
     ec::wrong_state, "container \"web\"", "connection refused"},
    {"a removed container (2022)", "loading sandbox: file does not exist", ec::wrong_state,
     "container \"web\"", "does not exist"},
  }));
  INFO(row.what);
  auto error = explain_exec_failure(gvisor(), exited_128, runsc_log(row.text), some_spec());
  REQUIRE(error);
  check(*error, row);
}

TEST_CASE("messages are read with and without line breaks, and from damaged text") {
  auto a = runsc_log("first } { \"quoted\" \\ one");
  auto b = runsc_log("second");
  using Texts = std::vector<RuntimeMessage>;
  auto both = Texts{{"first } { \"quoted\" \\ one", true}, {"second", true}};
  CHECK(parse_runtime_text(a + b) == both);
  CHECK(parse_runtime_text(a + "\n" + b + "\n") == both);
  CHECK(parse_runtime_text(a + "plain line\n" + b)
        == Texts{{"first } { \"quoted\" \\ one", true}, {"plain line", false}, {"second", true}});
  CHECK(parse_runtime_text(
          "{\"level\":\"warning\",\"msg\":\"x\"}{\"level\":\"error\"}{\"msg\":\"x\"}{}")
          .empty());
  CHECK(parse_runtime_text("{\"level\":1,\"msg\":\"x\"}{\"level\":\"error\",\"msg\":2}").empty());
  CHECK(main_message({}).empty());
  // The monitor keeps the end of a long log.
  CHECK(parse_runtime_text(a.substr(20) + b).back() == RuntimeMessage{"second", true});
  CHECK(parse_runtime_text("cut off\"}" + runc_log("runc's")).back()
        == RuntimeMessage{"runc's", true});
  // Whatever is cut off or overwritten, there is an answer and no crash.
  for (size_t i = 0; i < a.size(); ++i) {
    (void)explain_launch_failure(gvisor(), {LaunchStage::create, exited_1, a.substr(i)},
                                 some_spec());
    (void)explain_launch_failure(gvisor(), {LaunchStage::create, exited_1, a.substr(0, i)},
                                 some_spec());
    for (auto c : {'{', '}', '"', '\\', '\0', '\xff'}) {
      auto damaged = a;
      damaged[i] = c;
      auto error =
        explain_launch_failure(gvisor(), {LaunchStage::create, exited_1, damaged}, some_spec());
      CHECK(is_utf8(error.reason));
    }
  }
}

TEST_CASE("long and binary messages become one short line of text") {
  CHECK(one_line("a\tb\nc\x7f") == "a b c ");
  CHECK(one_line("a\xff\xfe") == "a??");
  CHECK(one_line(std::string(1000, 'a')) == std::string(300, 'a') + "...");
  auto euros = std::string{};
  for (int i = 0; i < 200; ++i)
    euros += "\xe2\x82\xac";
  CHECK(one_line("ab" + euros) == "ab" + euros.substr(0, 99 * 3) + "...");
  CHECK(is_utf8(one_line("abc" + euros)));
}

TEST_CASE("a heap of brackets or chains takes no noticeable time") {
  // Far more than a monitor ever sends.
  constexpr auto size = 1 << 18;
  auto lines = std::string{};
  while (lines.size() < size)
    lines += "{\n{\"";
  auto text =
    GENERATE_COPY(as<std::string>{}, std::string(size, '{'), std::string(size, '\n'),
                  "{\"a\":" + std::string(size, '['), lines);
  CHECK(explain_launch_failure(runc(), {LaunchStage::create, exited_1, text}, some_spec()).code
        == ec::runtime_failed);
}
