#include "runtimes/doctor/examine.hpp"
#include "runtimes/linux/cgroup.hpp"
#include "runtimes/linux/checkup.hpp"

#include "tests/support/catch.hpp"
#include "tests/support/command.hpp"
#include "tests/support/eventually.hpp"
#include "tests/support/installed.hpp"
#include "tests/support/skip.hpp"

#include <nlohmann/json.hpp>

#include <filesystem>
#include <fstream>

#include <sys/stat.h>
#include <unistd.h>

using namespace berth;
using namespace berth::test;
using Json = nlohmann::json;
namespace fs = std::filesystem;

namespace {

void write(const std::string& path, const std::string& text, unsigned mode = 0644) {
  fs::create_directories(fs::path{path}.parent_path());
  std::ofstream{path} << text;
  fs::permissions(path, fs::perms{mode});
}

/// What a broken host is examined with: a node, a configuration and a place for trials of its own.
class Examined {
public:
  explicit Examined(const std::string& config = "worker:\n  pools:\n    plain: {}\n") {
    write(dir / "berth.yaml", config);
    fs::create_directories(dir / "tmp");
  }

  /// `berth doctor -o json ARGS…` before which `wrapper` stands.
  Json run(const Argv& args, const Argv& wrapper = {}) {
    auto argv = Argv{"/usr/bin/env", "TMPDIR=" + (dir / "tmp")};
    argv.insert(argv.end(), wrapper.begin(), wrapper.end());
    argv.insert(argv.end(), {BERTH_BIN_DIR "/berth", "--root", dir / "node", "doctor", "-o", "json", "--config", dir / "berth.yaml"});
    argv.insert(argv.end(), args.begin(), args.end());
    output = run_program(argv);
    INFO(describe(output));
    auto json = Json::parse(output.out, nullptr, false);
    REQUIRE(json.is_object());
    CHECK(output.code == (json["fit"] == true ? 0 : 1));
    return json;
  }

  TempDir dir;
  Output output;
};

/// The first finding of this name.
Json finding(const Json& report, const std::string& name) {
  for (const auto& each : report["findings"])
    if (each["name"] == name)
      return each;
  FAIL("no finding " << name << " in " << report.dump(2));
  return {};
}

bool says(const Json& text, const std::string& part) {
  return text.get<std::string>().find(part) != std::string::npos;
}

/// Groups of doctors that were left, in all hierarchies.
size_t count_groups() {
  auto result = size_t{0};
  auto host = detect_cgroup_host();
  REQUIRE(host);
  for (const auto& hierarchy : host->hierarchies)
    for (const auto& name : list_directory(hierarchy))
      result += name.starts_with("berth-") ? 1 : 0;
  return result;
}

} // namespace

TEST_CASE("doctor boots a real container with runc and leaves nothing behind", "[doctor]") {
  if (::geteuid() != 0 || installed_runc().empty())
    BERTH_SKIP("only root can boot containers, and with runc");
  auto host = Examined{"worker:\n  pools:\n    plain: {}\nberth:\n  probeTimeout: " + stretched_seconds(20) + "\n  runtimes: {runc: " + installed_runc() + "}\n"};
  auto report = host.run({"--check", "runtime", "--check", "doctor"});
  auto booted = finding(report, "runtime.runc");
  CHECK(booted["status"] == "ok");
  CHECK(says(booted["found"], "booted a container in"));
  CHECK(says(booted["found"], "plain"));
  CHECK(report["findings"].size() == 1);
  CHECK(fs::is_empty(host.dir / "tmp"));
}

TEST_CASE("a runtime that is missing, lies, hangs or does not boot is found, and nothing is left", "[doctor]") {
  if (::geteuid() != 0)
    BERTH_SKIP("only root can boot containers");
  struct Row {
    const char* what;
    /// Of a program in the place of runsc; empty: no program.
    std::string script;
    std::string options;
    const char* found;
    const char* fix;
  };
  auto row = GENERATE(Row{"missing", "", "", "No such file", "berth.runtimes.runsc"}, Row{"lies", "#!/bin/sh\necho runc version 1\n", "", "", ""},
                      Row{"fails", "#!/bin/sh\nexit 3\n", "", "exit code 3", ""},
                      Row{"hangs when it boots",
                          "#!/bin/sh\ncase \"$*\" in --version) echo runsc version release-20240729.0;; flags) echo '  -platform string' >&2;; "
                          "*platforms*) echo systrap;; *) exec sleep 600;; esac\n",
                          "", "", ""});
  CAPTURE(row.what);
  auto dir = TempDir{};
  auto runsc = dir / "runsc";
  if (!row.script.empty())
    write(runsc, row.script, 0755);
  auto host = Examined{"worker:\n  pools:\n    sandbox:\n      runtime: gvisor\n      overrides: deny\n      onRuntimeUnavailable: fail\nberth:\n  runtimes: {runsc: "
                       + runsc + "}\n"};
  auto groups = count_groups();
  auto report = host.run({"--check", "runtime.gvisor", "--timeout", "2s"});
  auto failed = finding(report, "runtime.gvisor");
  INFO(failed.dump(2));
  CHECK(failed["status"] == "problem");
  CHECK(says(failed["found"], row.found));
  CHECK(says(failed["found"], "sandbox"));
  CHECK(says(failed["fix"], row.fix));
  CHECK(failed["fix"] != "");
  CHECK(fs::is_empty(host.dir / "tmp"));
  // Other nodes of this host come and go.
  CHECK(eventually(std::chrono::seconds{5}, [&] { return count_groups() <= groups; }));
}

TEST_CASE("a host without a controller of cgroups is told which one", "[doctor]") {
  auto host = Examined{};
  auto prefix = host.dir / "host";
  auto there = host.dir / "cgroup";
  write(prefix + "/proc/self/mountinfo",
        "31 30 0:28 / " + there + "/cpu rw - cgroup cgroup rw,cpu\n34 30 0:31 / " + there + "/memory rw - cgroup cgroup rw,memory\n"
        "35 30 0:32 / " + there + "/devices rw - cgroup cgroup rw,devices\n");
  write(prefix + "/proc/cgroups", "#subsys_name\thierarchy\tnum_cgroups\tenabled\ncpu\t1\t1\t1\nmemory\t2\t1\t1\npids\t3\t1\t1\ndevices\t4\t1\t1\n");
  auto lacking = finding(host.run({"--prefix", prefix, "--check", "cgroup.controllers"}), "cgroup.controllers");
  CHECK(lacking["status"] == "problem");
  CHECK(says(lacking["found"], "pids"));
  CHECK(says(lacking["fix"], "/sys/fs/cgroup"));
  // What the tables of another host call a cgroup is any directory on this one.
  CHECK(finding(host.run({"--prefix", prefix, "--check", "cgroup.writable"}), "cgroup.writable")["status"] == "note");
  CHECK_FALSE(fs::exists(there));

  write(prefix + "/proc/self/mountinfo", "1 1 0:1 / / rw - ext4 /dev/vda rw\n");
  auto none = finding(host.run({"--prefix", prefix, "--check", "cgroup"}), "cgroup.version");
  CHECK(none["status"] == "problem");
  CHECK(says(none["fix"], "mount -t cgroup2"));
}

TEST_CASE("a broken CDI file is named, and a host without CRIU is told so", "[doctor]") {
  auto host = Examined{"worker:\n  pools:\n    plain: {criuEnabled: true}\n"};
  auto prefix = host.dir / "host";
  write(prefix + "/etc/cdi/good.json", R"({"cdiVersion":"0.6.0","kind":"v.com/gpu","devices":[{"name":"0","containerEdits":{"env":["A=1"]}}]})");
  write(prefix + "/etc/cdi/bad.yaml", "cdiVersion: 0.6.0\nkind: v.com/gpu\ndevices:\n- containerEdits: {}\n");
  auto report = host.run({"--prefix", prefix, "--check", "cdi"});
  auto broken = finding(report, "cdi.broken");
  CHECK(broken["subject"] == prefix + "/etc/cdi/bad.yaml");
  CHECK(broken["status"] == "warning");
  CHECK(says(broken["found"], "devices[0]: no name"));
  CHECK(finding(report, "cdi.specs")["status"] == "ok");

  auto criu = finding(host.run({"--check", "criu"}, {"PATH=/nowhere"}), "criu.binary");
  CHECK(criu["status"] == "warning");
  CHECK(says(criu["found"], "no CRIU"));
  CHECK(says(criu["found"], "plain"));
}

TEST_CASE("a CRIU that cannot do it is found by its own words and by a round trip, of which nothing is left", "[doctor]") {
  if (::geteuid() != 0 || installed_runc().empty())
    BERTH_SKIP("only root can boot containers, and with runc");
  auto host = Examined{"worker:\n  pools:\n    plain: {criuEnabled: true}\nberth:\n  probeTimeout: " + stretched_seconds(20)
                       + "\n  runtimes: {runc: " + installed_runc() + "}\n"};
  write(host.dir / "bin/criu",
        "#!/bin/sh\ncase \"$1\" in --version) echo Version: 3.17.1;; check) echo 'Error (criu/vdso.c:1): no symtable' >&2; exit 1;; *) exit 1;; esac\n",
        0755);
  auto groups = count_groups();
  auto report = host.run({"--check", "criu"}, {"PATH=" + (host.dir / "bin") + ":/usr/sbin:/usr/bin:/sbin:/bin"});
  CHECK(says(finding(report, "criu.binary")["found"], "3.17.1"));
  auto kernel = finding(report, "criu.kernel");
  CHECK(kernel["status"] == "warning");
  CHECK(says(kernel["found"], "no symtable"));
  auto trip = finding(report, "criu.roundTrip");
  INFO(trip.dump(2));
  CHECK(trip["status"] == "warning");
  CHECK(says(trip["found"], "checkpoint: "));
  CHECK(report["findings"].size() == 3);
  CHECK(fs::is_empty(host.dir / "tmp"));
  CHECK(eventually(std::chrono::seconds{5}, [&] { return count_groups() <= groups; }));
}

// Hidden: the kernel of a test machine may be too new for the CRIU of the distribution; that of the VM is not.
TEST_CASE("a CRIU that works saves a container and brings it back, of which nothing is left", "[.criu]") {
  auto host = Examined{"worker:\n  pools:\n    plain: {criuEnabled: true}\nberth:\n  probeTimeout: " + stretched_seconds(20)
                       + "\n  runtimes: {runc: " + installed_runc() + "}\n"};
  auto groups = count_groups();
  auto report = host.run({"--check", "criu"});
  INFO(report.dump(2));
  CHECK(report["findings"].size() == 3);
  for (auto name : {"criu.binary", "criu.kernel", "criu.roundTrip"})
    CHECK(finding(report, name)["status"] == "ok");
  CHECK(fs::is_empty(host.dir / "tmp"));
  CHECK(eventually(std::chrono::seconds{5}, [&] { return count_groups() <= groups; }));
}

TEST_CASE("a full disk and directories that others may write to are found", "[doctor]") {
  if (::geteuid() != 0)
    BERTH_SKIP("only root can mount");
  auto host = Examined{};
  auto state = host.dir / "node/state";
  fs::create_directories(state);
  auto full = host.run({"--check", "disk"}, {"unshare", "--mount", "sh", "-c", "mount -t tmpfs -o size=64k tmpfs \"$0\" && exec \"$@\"", state});
  auto space = finding(full, "disk.space");
  CHECK(space["subject"] == state);
  CHECK(space["status"] == "problem");
  auto written = finding(full, "disk.write");
  CHECK(written["status"] == "problem");
  CHECK(says(written["found"], "No space left"));

  fs::permissions(state, fs::perms{0777});
  auto open = finding(host.run({"--check", "permissions"}), "permissions.stateDirectory");
  CHECK(open["status"] == "problem");
  CHECK(open["fix"] == "chmod go-w " + state);
  CHECK(fs::is_empty(state));
}

TEST_CASE("a configuration that is wrong is a problem of its own", "[doctor]") {
  auto host = Examined{"worker: {pools: {p: {runtme: runc}}}\n"};
  auto wrong = finding(host.run({"--check", "config"}), "config.file");
  CHECK(wrong["status"] == "problem");
  CHECK(says(wrong["found"], "runtme"));
  CHECK(says(wrong["fix"], "berth validate"));
}

TEST_CASE("a debug bundle is made without a daemon, for its owner only, and replaces nothing by itself", "[debug]") {
  auto dir = TempDir{};
  auto bundle = [&](const Argv& args) {
    auto argv = Argv{BERTH_BIN_DIR "/berth", "--root", dir / "node", "debug", "bundle", "--no-doctor"};
    argv.insert(argv.end(), args.begin(), args.end());
    return run_program(argv);
  };
  auto mode_of = [](const std::string& path) {
    struct stat info = {};
    CHECK(::lstat(path.c_str(), &info) == 0);
    return info.st_mode & 07777;
  };
  write(dir / "daemon.log", "INFO start pool=web\nWARN url=https://u:hunter2@h password=hunter2\n");
  auto tree = bundle({"-o", dir / "report", "--log", dir / "daemon.log"});
  INFO(describe(tree));
  REQUIRE(tree.code == 0);
  CHECK(tree.out == dir / "report\n");
  CHECK(mode_of(dir / "report") == 0700);
  auto manifest = text_of(dir / "report/MANIFEST");
  CHECK(manifest.find("does not answer") != std::string::npos);
  CHECK(manifest.find("missing  daemon/pools.json") != std::string::npos);
  CHECK(manifest.find("present  daemon.log") != std::string::npos);
  auto log = text_of(dir / "report/daemon.log");
  CHECK(log.find("pool=web") != std::string::npos);
  CHECK(log.find("hunter2") == std::string::npos);
  for (const auto& entry : fs::recursive_directory_iterator{dir / "report"})
    if (entry.is_regular_file())
      CHECK(mode_of(entry.path()) == 0600);

  auto again = bundle({"-o", dir / "report"});
  CHECK(again.code == 1);
  CHECK(again.err.find("--force") != std::string::npos);
  CHECK(bundle({"-o", dir / "report", "--force"}).code == 0);

  auto archive = dir / "report.tar.gz";
  REQUIRE(bundle({"-o", archive}).code == 0);
  CHECK(mode_of(archive) == 0600);
  CHECK(run_program({"tar", "-tzf", archive}).out.find("report/MANIFEST\n") != std::string::npos);
  CHECK(bundle({"-o", archive}).code == 1);

  // A link is never written through: without --force it is refused, with it the link goes.
  write(dir / "precious", "precious");
  fs::create_symlink(dir / "precious", dir / "link.tar.gz");
  CHECK(bundle({"-o", dir / "link.tar.gz"}).code == 1);
  CHECK(bundle({"-o", dir / "link.tar.gz", "--force"}).code == 0);
  CHECK(text_of(dir / "precious") == "precious");
  fs::create_directory(dir / "real");
  fs::create_directory_symlink(dir / "real", dir / "tree");
  CHECK(bundle({"-o", dir / "tree", "--force"}).code == 1);
  CHECK(fs::is_empty(dir / "real"));
}
