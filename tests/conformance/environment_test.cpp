#include "tests/conformance/suite.hpp"

#include <filesystem>
#include <fstream>

using namespace berth;
using namespace berth::test;
namespace fs = std::filesystem;

namespace {

/// Runs a script in a container of its own and gives what it printed.
std::string printed(const TestNode& node, const Argv& flags, const std::string& script) {
  auto with_rm = flags;
  with_rm.push_back("--rm");
  auto done = node.run("main", with_rm, shell(script));
  INFO(describe(done));
  REQUIRE(done.code == 0);
  CHECK(done.err == "");
  return done.out;
}

} // namespace

TEST_CASE("a container gets the variables it was given, and a PATH", "[environment]") {
  BERTH_SUITE_NODE(node);
  CHECK(printed(node, {"--env", "A=1", "-e", "B=two words", "-e", "C="}, "echo \"$A|$B|$C|\"") == "1|two words||\n");
  CHECK(printed(node, {"-e", "A=ü=\"'$"}, "echo \"$A\"") == "ü=\"'$\n");
  auto path = std::string{"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"};
  auto variables = lines_of(printed(node, {}, "env | sort"));
  CHECK(std::find(variables.begin(), variables.end(), path) != variables.end());
  // Nothing of the daemon's own leaks in.
  for (auto& variable : variables)
    CHECK(variable.find(census_marker) == std::string::npos);
  CHECK(printed(node, {"-e", "PATH=/bin"}, "echo $PATH") == "/bin\n");
}

TEST_CASE("a container begins in its working directory", "[environment]") {
  BERTH_SUITE_NODE(node);
  CHECK(printed(node, {"--workdir", "/tmp"}, "pwd") == "/tmp\n");
  CHECK(printed(node, {}, "pwd") == "/\n");
  // As with other tools, one that does not exist is made.
  CHECK(printed(node, {"-w", "/data/new/deep"}, "pwd") == "/data/new/deep\n");
}

TEST_CASE("a container runs as the user that was asked for", "[environment]") {
  BERTH_SUITE_NODE(node);
  auto who = std::string{"id -u; id -g; id -G"};
  CHECK(printed(node, {}, who) == "0\n0\n0\n");
  CHECK(printed(node, {"--user", "worker"}, who) == "1000\n1000\n1000 2000\n");
  CHECK(printed(node, {"--user", "1000"}, "id -u; id -g") == "1000\n1000\n");
  CHECK(printed(node, {"--user", "1234:5678"}, "id -u; id -g") == "1234\n5678\n");
  CHECK(printed(node, {"--user", "worker:extra"}, "id -u; id -g") == "1000\n2000\n");
  auto unknown = node.run("main", {"--user", "nobody-we-know"}, {"/bin/true"});
  INFO(describe(unknown));
  CHECK(unknown.code == 125);
  CHECK(unknown.err.find("nobody-we-know") != std::string::npos);
}

TEST_CASE("a container has a host name of its own", "[environment]") {
  BERTH_SUITE_NODE(node);
  CHECK(printed(node, {"--hostname", "alpha.example"}, "hostname") == "alpha.example\n");
  CHECK(printed(node, {"--id", "by-its-id"}, "hostname") == "by-its-id\n");
  CHECK(printed(node, {"--id", "Not_A.Host-Name_"}, "hostname").find('_') == std::string::npos);
}

TEST_CASE("a bind mount is visible inside, and written to only if it may be", "[environment]") {
  BERTH_SUITE_NODE(node);
  auto dir = TempDir{};
  std::ofstream{dir / "given"} << "from the host\n";
  auto writable = dir.path() + ":/mnt/shared";
  CHECK(printed(node, {"--mount", writable}, "cat /mnt/shared/given; echo from inside >/mnt/shared/made") == "from the host\n");
  CHECK(text_of(dir / "made") == "from inside\n");
  auto script = "cat /mnt/shared/given; (echo no >/mnt/shared/other) 2>/dev/null || echo refused";
  CHECK(printed(node, {"--mount", writable + ":ro"}, script) == "from the host\nrefused\n");
  CHECK_FALSE(fs::exists(dir / "other"));
  // A file, onto one that exists.
  CHECK(printed(node, {"--mount", dir / "given" + ":/data/kept:ro"}, "cat /data/kept") == "from the host\n");
  CHECK(text_of(test_rootfs() + "/data/kept") == "as it was\n");
}

TEST_CASE("the root file system is never written to", "[environment]") {
  BERTH_SUITE_NODE(node);
  auto before = fingerprint(test_rootfs());
  auto script = "echo changed >/data/kept; rm -r /home; mkdir /new; chmod 700 /etc; echo x >>/etc/passwd; cat /data/kept; ls /";
  auto seen = printed(node, {}, script);
  CHECK(seen.starts_with("changed\n"));
  CHECK(seen.find("new\n") != std::string::npos);
  CHECK(seen.find("home\n") == std::string::npos);
  CHECK(fingerprint(test_rootfs()) == before);
  // Nor by what a mount point needs.
  printed(node, {"--mount", test_rootfs() + "/data:/never/seen/before:ro"}, "true");
  CHECK(fingerprint(test_rootfs()) == before);
  // The next container begins with the original again.
  CHECK(printed(node, {}, "cat /data/kept; ls -d /home") == "as it was\n/home\n");
}

TEST_CASE("two containers share a root file system and see nothing of each other", "[environment]") {
  BERTH_SUITE_NODE(node);
  auto first = node.start("main", {}, shell("echo mine >/tmp/file; " + idle_loop()));
  REQUIRE(is_ready(node, first));
  CHECK(printed(node, {}, "ls /tmp; ls /proc | grep -c '^[0-9]'").size() == 2);
}

TEST_CASE("the root file system may be any directory", "[environment]") {
  BERTH_SUITE_NODE(node);
  auto dir = TempDir{};
  fs::permissions(dir.path(), fs::perms{0755});
  auto odd = dir / "with, comma:and colon\\ü 'x'";
  fs::copy(test_rootfs(), odd, fs::copy_options::recursive | fs::copy_options::copy_symlinks);
  auto done = node.berth({"run", "--rm", "--pool", "main", "--rootfs", odd, "--", "/bin/cat", "/data/kept"});
  INFO(describe(done));
  CHECK(done.out == "as it was\n");
}

TEST_CASE("labels are kept with the container", "[environment]") {
  BERTH_SUITE_NODE(node);
  auto id = node.start("main", {"-l", "team=a", "--label", "note=two words"}, {"/bin/sleep", "1000"});
  CHECK(node.inspect(id)["labels"] == Json{{"team", "a"}, {"note", "two words"}});
}
