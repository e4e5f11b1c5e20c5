#include "runtimes/linux/mount.hpp"

#include "runtimes/linux/file.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/temp_dir.hpp"

#include <filesystem>
#include <fstream>
#include <functional>

#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

using namespace berth;
namespace fs = std::filesystem;

namespace {

/// Runs a step in a process and mount namespace of its own. False: the step or the namespace
/// failed.
bool in_private_namespace(const std::function<bool()>& step) {
  auto pid = ::fork();
  if (pid == 0)
    ::_exit(enter_private_mount_namespace() && step() ? 0 : 1);
  auto status = 0;
  return ::waitpid(pid, &status, 0) == pid && status == 0;
}

Result<void> overlay(const std::string& lower, const std::string& layer,
                     const std::string& target) {
  auto held_lower = open_directory(lower);
  auto held_layer = open_directory(layer);
  if (!held_lower || !held_layer)
    return failure(ec::internal, "test", "directories missing");
  return mount_overlay(*held_lower, *held_layer, target);
}

} // namespace

TEST_CASE(
    "an overlay shows the lower tree, whose path may hold any character, and never writes to it") {
  auto dir = test::TempDir{};
  auto name = GENERATE(as<std::string>{}, "plain", "with:colon,comma\\back\nslash \xc3\xa9");
  auto lower = dir / name;
  fs::create_directories(lower + "/etc");
  fs::create_directories(dir / "layer");
  fs::create_directories(dir / "target");
  std::ofstream{lower + "/etc/f"} << "below";
  REQUIRE(::chmod(lower.c_str(), 0751) == 0);
  CHECK(in_private_namespace([&] {
    if (!overlay(lower, dir / "layer", dir / "target"))
      return false;
    struct stat root = {};
    auto ok = read_file(dir / "target/etc/f", 100) == Result<std::string>{"below"}
              && ::stat((dir / "target").c_str(), &root) == 0 && (root.st_mode & 07777) == 0751
              && write_file(dir / "target/etc/f", "above").has_value()
              && fs::create_directory(dir / "target/new") && unmount(dir / "target").has_value()
              && fs::is_empty(dir / "target");
    return ok && unmount(dir / "target").has_value(); // nothing there is success
  }));
  CHECK(read_file(lower + "/etc/f", 100) == Result<std::string>{"below"});
  CHECK_FALSE(fs::exists(lower + "/new"));
  CHECK(read_file(dir / "layer/upper/etc/f", 100) == Result<std::string>{"above"});
  CHECK(remove_tree(dir / "layer"));
}

TEST_CASE("mounts of a private namespace are not seen outside and end with it") {
  auto dir = test::TempDir{};
  fs::create_directories(dir / "lower");
  fs::create_directories(dir / "layer");
  fs::create_directories(dir / "target");
  int to_child[2];
  int to_us[2];
  REQUIRE(::pipe(to_child) == 0);
  REQUIRE(::pipe(to_us) == 0);
  auto pid = ::fork();
  REQUIRE(pid >= 0);
  if (pid == 0) {
    auto ok =
        enter_private_mount_namespace() && overlay(dir / "lower", dir / "layer", dir / "target");
    auto byte = ok ? 'y' : 'n';
    auto told = ::write(to_us[1], &byte, 1) == 1 && ::read(to_child[0], &byte, 1) == 1;
    ::_exit(ok && told ? 0 : 1);
  }
  auto byte = 'n';
  REQUIRE(::read(to_us[0], &byte, 1) == 1);
  CHECK(byte == 'y');
  // Whatever else the host mounts meanwhile.
  CHECK(read_file("/proc/self/mountinfo", 1 << 20)->find(dir.path()) == std::string::npos);
  REQUIRE(::kill(pid, SIGKILL) == 0);
  auto status = 0;
  REQUIRE(::waitpid(pid, &status, 0) == pid);
  for (auto fd : {to_child[0], to_child[1], to_us[0], to_us[1]})
    ::close(fd);
  CHECK(remove_tree(dir / "layer"));
}

TEST_CASE("a layer that was used before is refused") {
  auto dir = test::TempDir{};
  fs::create_directories(dir / "lower");
  fs::create_directories(dir / "layer/upper");
  fs::create_directories(dir / "target");
  CHECK(in_private_namespace([&] {
    auto mounted = overlay(dir / "lower", dir / "layer", dir / "target");
    return !mounted && render(mounted.error()) == "system_error: mkdir upper: File exists";
  }));
}
