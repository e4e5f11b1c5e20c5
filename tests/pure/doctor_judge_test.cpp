#include "apps/berth/doctor_report.hpp"
#include "apps/berth/host_order.hpp"
#include "runtimes/doctor/cdi.hpp"
#include "runtimes/doctor/examine.hpp"
#include "runtimes/doctor/judge.hpp"
#include "runtimes/doctor/round_trip.hpp"

#include "tests/support/catch.hpp"

#include <algorithm>
#include <functional>

using namespace berth;
using namespace std::chrono_literals;

namespace {

constexpr uint64_t mebibyte = 1024 * 1024;

KernelFacts good_kernel() {
  auto facts = KernelFacts{};
  facts.release = "6.1.0-37-amd64";
  facts.namespaces = {"cgroup", "ipc", "mnt", "net", "pid", "user", "uts"};
  facts.seccomp_actions = {"kill_process", "kill_thread", "trap", "errno", "allow"};
  facts.user_namespaces = 1000;
  facts.inotify_instances = 1024;
  facts.inotify_watches = 65'536;
  facts.open_files = 1'048'576;
  return facts;
}

DirectoryFacts good_directory(const std::string& path) {
  return {path, true, true, false, 0, 0755, path, {}};
}

PermissionFacts good_permissions() {
  return {0, ~uint64_t{0}, good_directory("/run/berth"), good_directory("/var/lib/berth")};
}

ClockFacts good_clock() {
  return {true, true, 4000us, 1'790'000'000, 100s, 120s};
}

DiskFacts good_disk() {
  return {"/var/lib/berth", {}, 100'000 * mebibyte, 50'000 * mebibyte, 1'000'000, 900'000, false, {}};
}

CgroupFacts good_cgroups(CgroupVersion version = CgroupVersion::v2) {
  auto facts = CgroupFacts{};
  facts.host = CgroupHost{version, {"/sys/fs/cgroup"}, {}};
  for (const auto* name : {"cpu", "cpuacct", "devices", "freezer", "memory", "pids"})
    facts.host->controllers[name] = "/sys/fs/cgroup";
  facts.has_swap_limit = true;
  return facts;
}

BootFacts failed_boot(BootNeed need, Error error) {
  auto facts = BootFacts{};
  facts.kind = RuntimeKind::gvisor;
  facts.platform = "kvm";
  facts.need = need;
  if (need != BootNeed::none)
    facts.pools = {"sandbox"};
  facts.fault = std::move(error);
  return facts;
}

/// "name status" of everything that is not ok.
std::vector<std::string> complaints(const Findings& findings) {
  auto result = std::vector<std::string>{};
  for (const auto& finding : findings)
    if (finding.status != FindingStatus::ok)
      result.push_back(finding.name + " " + to_string(finding.status));
  return result;
}

template <class Facts>
struct Broken {
  const char* what;
  std::function<void(Facts&)> harm;
  std::vector<std::string> expected;
};

/// Each harm is found, and nothing else is.
template <class Facts>
void check_broken(const Facts& good, Findings (*judge)(const Facts&), const std::vector<Broken<Facts>>& table) {
  CHECK(complaints(judge(good)) == std::vector<std::string>{});
  for (const auto& row : table) {
    CAPTURE(row.what);
    auto facts = good;
    row.harm(facts);
    auto findings = judge(facts);
    CHECK(complaints(findings) == row.expected);
    for (const auto& finding : findings) {
      INFO(finding.name << ": " << finding.found);
      CHECK(finding.found != "");
      CHECK((finding.status == FindingStatus::ok) == finding.fix.empty());
      CHECK(std::count(check_names().begin(), check_names().end(), finding.name) == 1);
    }
  }
}

using Names = std::vector<std::string>;

} // namespace

TEST_CASE("every defect of a kernel is found and named, with the next step", "[doctor]") {
  check_broken<KernelFacts>(
    good_kernel(), judge_kernel,
    {{"too old", [](auto& x) { x.release = "4.19.0"; }, {"kernel.version problem"}},
     {"older than what is tested", [](auto& x) { x.release = "5.9.1"; }, {"kernel.version warning"}},
     {"of an unknown version", [](auto& x) { x.release = "custom"; }, {"kernel.version warning"}},
     {"no pidfd", [](auto& x) { x.pidfd = false; }, {"kernel.pidfd problem"}},
     {"no pid namespaces", [](auto& x) { x.namespaces.erase("pid"); }, {"kernel.namespaces problem"}},
     {"no cgroup namespaces", [](auto& x) { x.namespaces.erase("cgroup"); }, {"kernel.namespaces warning"}},
     {"no overlay", [](auto& x) { x.overlay_fault = "mount: No such device"; }, {"kernel.overlay problem"}},
     {"overlay not tried", [](auto& x) { x.overlay_tried = false; }, {"kernel.overlay note"}},
     {"no seccomp", [](auto& x) { x.seccomp_actions.clear(); }, {"kernel.seccomp problem"}},
     {"no user namespaces", [](auto& x) { x.user_namespaces = 0; }, {"kernel.userNamespaces note"}},
     {"few inotify instances", [](auto& x) { x.inotify_instances = 16; }, {"kernel.inotify warning"}},
     {"no inotify", [](auto& x) { x.inotify_watches = {}; }, {"kernel.inotify problem"}},
     {"few files", [](auto& x) { x.open_files = 4096; }, {"kernel.openFiles warning"}},
     {"too few files", [](auto& x) { x.open_files = 256; }, {"kernel.openFiles problem"}},
     {"no kernel log", [](auto& x) { x.kmsg_fault = "open: Operation not permitted"; }, {"kernel.log warning"}}});
}

TEST_CASE("every defect of rights and directories is found and named", "[doctor]") {
  check_broken<PermissionFacts>(
    good_permissions(), judge_permissions,
    {{"not root", [](auto& x) { x.uid = 1000; }, {"permissions.root problem"}},
     {"no CAP_SYS_ADMIN", [](auto& x) { x.capabilities &= ~(uint64_t{1} << 21); }, {"permissions.capabilities problem"}},
     {"no CAP_SYS_RESOURCE", [](auto& x) { x.capabilities &= ~(uint64_t{1} << 24); }, {"permissions.capabilities warning"}},
     {"others may write", [](auto& x) { x.state.mode = 0777; }, {"permissions.stateDirectory problem"}},
     {"of somebody else", [](auto& x) { x.run.owner = 1000; }, {"permissions.runDirectory problem"}},
     {"a link", [](auto& x) { x.run.is_link = true; }, {"permissions.runDirectory problem"}},
     {"a file", [](auto& x) { x.state.is_directory = false; }, {"permissions.stateDirectory problem"}},
     {"read-only", [](auto& x) { x.state.write_fault = "Read-only file system"; }, {"permissions.stateDirectory problem"}}});
  auto facts = good_permissions();
  facts.state = {"/var/lib/berth", false, false, false, 0, 0, "/var/lib", {}};
  CHECK(complaints(judge_permissions(facts)) == Names{});
  facts.capabilities = ~(uint64_t{1} << 27);
  CHECK(judge_permissions(facts)[1].found == "missing: CAP_MKNOD");
}

TEST_CASE("every defect of clocks is found and named", "[doctor]") {
  check_broken<ClockFacts>(good_clock(), judge_clock,
                           {{"not synchronised", [](auto& x) { x.is_synchronised = false; }, {"clock.synchronised warning"}},
                            {"unknown", [](auto& x) { x.is_known = false; }, {"clock.synchronised note"}},
                            {"never set", [](auto& x) { x.real_time = 12; }, {"clock.sane problem"}},
                            {"stands still", [](auto& x) { x.monotonic = 0ns; }, {"clock.sane problem"}},
                            {"runs backwards", [](auto& x) { x.boot_time = 99s; }, {"clock.sane problem"}}});
}

TEST_CASE("every defect of disks and memory is found and named", "[doctor]") {
  check_broken<DiskFacts>(good_disk(), judge_disk,
                          {{"almost full", [](auto& x) { x.available = 512 * mebibyte; }, {"disk.space warning"}},
                           {"full", [](auto& x) { x.available = 0; }, {"disk.space problem"}},
                           {"few inodes", [](auto& x) { x.free_inodes = 2000; }, {"disk.inodes warning"}},
                           {"no inodes", [](auto& x) { x.free_inodes = 0; }, {"disk.inodes problem"}},
                           {"inodes that are not counted", [](auto& x) { x.inodes = x.free_inodes = 0; }, {}},
                           {"read-only", [](auto& x) { x.is_read_only = true; }, {"disk.write problem"}},
                           {"broken", [](auto& x) { x.write_fault = "fsync: Input/output error"; }, {"disk.write problem"}},
                           {"gone", [](auto& x) { x.fault = "Stale file handle"; }, {"disk.space problem"}}});
  check_broken<MemoryFacts>({16'384 * mebibyte, 8192 * mebibyte, 0}, judge_memory,
                            {{"little", [](auto& x) { x.available = 300 * mebibyte; }, {"memory.available warning"}},
                             {"hardly any", [](auto& x) { x.available = 10 * mebibyte; }, {"memory.available problem"}}});
}

TEST_CASE("every defect of cgroups is found and named", "[doctor]") {
  check_broken<CgroupFacts>(
    good_cgroups(), judge_cgroups,
    {{"none", [](auto& x) { x.host.reset(); x.fault = {ec::system_error, "cgroups of this host", "not mounted", {}}; }, {"cgroup.version problem"}},
     {"no memory", [](auto& x) { x.host->controllers.erase("memory"); }, {"cgroup.controllers problem"}},
     {"no pids", [](auto& x) { x.host->controllers.erase("pids"); }, {"cgroup.controllers problem"}},
     {"v2 without what only v1 has", [](auto& x) { x.host->controllers.erase("freezer"); }, {}},
     {"not writable", [](auto& x) { x.write_fault = "mkdir: Read-only file system"; }, {"cgroup.writable problem"}},
     {"not tried", [](auto& x) { x.write_tried = false; }, {"cgroup.writable note"}},
     {"no swap accounting", [](auto& x) { x.has_swap_limit = false; }, {"cgroup.swap note"}},
     {"v1", [](auto& x) { x = good_cgroups(CgroupVersion::v1); }, {"cgroup.version note"}},
     {"v1 without freezer",
      [](auto& x) { x = good_cgroups(CgroupVersion::v1); x.host->controllers.erase("freezer"); },
      {"cgroup.version note", "cgroup.controllers warning"}}});
}

TEST_CASE("a runtime that does not boot is as bad as what depends on it", "[doctor]") {
  auto error = Error{ec::platform_failed, "gvisor 1, platform kvm", "did not boot within 10000 ms", "use systrap"};
  for (auto [need, status] : {std::pair{BootNeed::firm, FindingStatus::problem}, std::pair{BootNeed::has_fallback, FindingStatus::warning},
                              std::pair{BootNeed::second_choice, FindingStatus::warning}, std::pair{BootNeed::none, FindingStatus::note}}) {
    auto finding = judge_boot(failed_boot(need, error));
    CHECK(finding.status == status);
    CHECK(finding.name == "runtime.gvisor");
    CHECK(finding.subject == "platform kvm");
    CHECK(finding.found.find("did not boot within 10000 ms") != std::string::npos);
    CHECK((finding.found.find("sandbox") != std::string::npos) == (need != BootNeed::none));
    CHECK(finding.fix == "use systrap");
  }
  auto good = BootFacts{};
  good.version = "runc 1.1.5";
  good.boot_time = 83ms;
  good.pools = {"a", "b", "c", "d", "e", "f", "g"};
  CHECK(judge_boot(good) == Finding{"runtime.runc", {}, FindingStatus::ok,
                                    "runc 1.1.5, booted a container in 83 ms (pools a, b, c, d, e and 2 more)", {}});
}

TEST_CASE("CRIU is a matter for a warning only where a pool wants it", "[doctor]") {
  struct Row {
    const char* what;
    std::function<void(CriuFacts&)> harm;
    Names expected;
    Names expected_if_wanted;
  };
  auto works = [](CriuFacts& x) { x.binary = "/usr/sbin/criu"; x.trip_tried = true; };
  for (const auto& row : std::vector<Row>{
         {"works", works, {}, {}},
         {"missing", [](auto& x) { x.missing = "it is not in PATH"; }, {"criu.binary note"}, {"criu.binary warning"}},
         {"kernel", [&](auto& x) { works(x); x.check_fault = "Error (vdso): no symtable"; x.trip_fault = Error{ec::runtime_failed, "checkpoint", "no", {}}; },
          {"criu.kernel note", "criu.roundTrip note"}, {"criu.kernel warning", "criu.roundTrip warning"}},
         {"round trip only", [&](auto& x) { works(x); x.trip_fault = Error{ec::runtime_failed, "restore", "no", {}}; },
          {"criu.roundTrip note"}, {"criu.roundTrip warning"}},
         {"not tried", [&](auto& x) { works(x); x.trip_tried = false; }, {"criu.roundTrip note"}, {"criu.roundTrip note"}}}) {
    CAPTURE(row.what);
    auto facts = CriuFacts{};
    row.harm(facts);
    CHECK(complaints(judge_criu(facts)) == row.expected);
    facts.pools = {"gpu"};
    CHECK(complaints(judge_criu(facts)) == row.expected_if_wanted);
  }
  CHECK(parse_criu_version("Version: 4.1.1\nGitID: v4\n") == "4.1.1");
  CHECK(parse_criu_version("nonsense") == "");
  CHECK(criu_complaint("(00.01) fine\n(00.02) Error (criu/vdso.c:1): Can't parse\n(00.03) Error (b): later\n") == "Error (criu/vdso.c:1): Can't parse");
  CHECK(criu_complaint("Error (criu/util.c:642): exited, status=1\nError (criu/vdso.c:381): no bounds") == "Error (criu/vdso.c:381): no bounds");
  CHECK(criu_complaint("Error (criu/util.c:642): exited, status=1") == "Error (criu/util.c:642): exited, status=1");
  CHECK(criu_complaint("all is well") == "");
  CHECK(criu_fix("Error (criu/util.c:627): execvp(\"ip6tables-restore\", ...) failed: No such file or directory")
        == "install what CRIU runs: ip6tables-restore (`apt-get install iptables`)");
  CHECK(criu_fix("Error (criu/util.c:627): execvp(\"tar\", ...) failed") == "install what CRIU runs: tar (`apt-get install tar`)");
  CHECK(criu_fix("Error: execvp(\"") == "");
  CHECK(criu_fix("Error (criu/vdso.c:1): Can't parse") == "");
}

TEST_CASE("a broken CDI specification is named with the reason", "[doctor]") {
  const auto good = std::string{R"({"cdiVersion":"0.6.0","kind":"vendor.com/gpu","devices":[{"name":"0","containerEdits":{"env":["A=1"]}}]})"};
  CHECK(check_cdi_spec("/x/a.json", good) == CdiFile{"/x/a.json", {}, "vendor.com/gpu", 1});
  CHECK(check_cdi_spec("/x/a.yaml", "cdiVersion: 0.6.0\nkind: v.com/net\ndevices:\n- name: eth\n  containerEdits: {env: [A=1]}\n")
        == CdiFile{"/x/a.yaml", {}, "v.com/net", 1});
  for (const auto& [text, part] : std::vector<std::pair<std::string, std::string>>{
         {"{", "not JSON"},
         {"[]", "not a map"},
         {R"({"kind":"a.b/c"})", "no cdiVersion"},
         {R"({"cdiVersion":"7.0","kind":"a.b/c"})", "not known"},
         {R"({"cdiVersion":"0.6.0"})", "no kind"},
         {R"({"cdiVersion":"0.6.0","kind":"gpu"})", "VENDOR/CLASS"},
         {R"({"cdiVersion":"0.6.0","kind":"a.b/c"})", "no devices"},
         {R"({"cdiVersion":"0.6.0","kind":"a.b/c","devices":[]})", "no devices"},
         {R"({"cdiVersion":"0.6.0","kind":"a.b/c","devices":[{}]})", "devices[0]: no name"},
         {R"({"cdiVersion":"0.6.0","kind":"a.b/c","devices":[{"name":"a b"}]})", "no device may have"},
         {R"({"cdiVersion":"0.6.0","kind":"a.b/c","devices":[{"name":"a"}]})", "no containerEdits"},
         {R"({"cdiVersion":"0.6.0","kind":"a.b/c","containerEdits":[],"devices":[]})", "containerEdits"}}) {
    CAPTURE(text);
    auto file = check_cdi_spec("/x/a.json", text);
    CHECK(file.fault.find(part) != std::string::npos);
  }
  CHECK(check_cdi_spec("/x/a.yaml", "a: [").fault.find("not YAML") == 0);
  auto facts = CdiFacts{{"/etc/cdi"}, {check_cdi_spec("/x/a.json", good), check_cdi_spec("/x/b.json", "{")}, false};
  CHECK(complaints(judge_cdi(facts)) == Names{"cdi.broken warning"});
  facts.is_wanted = true;
  CHECK(complaints(judge_cdi(facts)) == Names{"cdi.broken problem"});
  facts.files.clear();
  CHECK(complaints(judge_cdi(facts)) == Names{"cdi.specs warning"});
}

TEST_CASE("findings are grouped by area and counted, as text and as JSON", "[doctor][cli]") {
  auto findings = Findings{{"kernel.version", {}, FindingStatus::ok, "Linux 6.1", {}},
                           {"disk.space", "/var", FindingStatus::warning, "1.0 MiB of\x1b[2J 2.0 MiB", "make room"},
                           {"disk.write", "/var", FindingStatus::problem, "mounted read-only", "remount it"}};
  CHECK(cli::findings_as_text(findings, false)
        == "kernel\n"
           "  ok       kernel.version: Linux 6.1\n"
           "\n"
           "disk\n"
           "  warning  disk.space (/var): 1.0 MiB of\\e[2J 2.0 MiB\n"
           "           fix: make room\n"
           "  problem  disk.write (/var): mounted read-only\n"
           "           fix: remount it\n"
           "\n"
           "This host is not fit: 1 problem, 1 warning, 0 notes, 1 ok.\n");
  CHECK(cli::findings_as_json(findings).find("\"fit\": false") != std::string::npos);
}

TEST_CASE("checks are chosen by the beginnings of their names", "[doctor]") {
  CHECK(is_wanted("cgroup.swap", {}));
  CHECK(is_wanted("cgroup.swap", {"disk", "cgroup"}));
  CHECK_FALSE(is_wanted("cgroup.swap", {"cgroup.swap.more"}));
  CHECK(may_be_wanted("runtime.", {"runtime.gvisor"}));
  CHECK(may_be_wanted("runtime.", {"run"}));
  CHECK_FALSE(may_be_wanted("runtime.", {"disk"}));
  CHECK(cli::root_of("unix:///run/berth/berth.sock") == "");
  CHECK(cli::root_of("unix:///tmp/node/berth.sock") == "/tmp/node");
}
