#include "runtimes/linux/rootfs_files.hpp"

#include "runtimes/linux/bundle_host.hpp"
#include "runtimes/linux/file.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/temp_dir.hpp"

#include <filesystem>
#include <fstream>

#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/un.h>
#include <unistd.h>

namespace fs = std::filesystem;

using namespace berth;
using namespace berth::test;

namespace {

constexpr size_t limit = 4096;

/// A root file system beside a secret that its links try to reach.
struct World {
  World() {
    fs::create_directories(dir / "rootfs/etc");
    fs::create_directories(dir / "rootfs/real");
    std::ofstream{dir / "secret"} << "secret\n";
    auto opened = open_directory(dir / "rootfs");
    REQUIRE(opened);
    rootfs = std::move(*opened);
  }

  std::string inside(const std::string& path) const {
    return dir / "rootfs" + path;
  }

  Result<std::string> read(const std::string& path = "/etc/passwd") const {
    return read_rootfs_file(rootfs, path, limit);
  }

  TempDir dir;
  UniqueFd rootfs;
};

} // namespace

TEST_CASE("a file of a root file system is read") {
  auto world = World{};
  std::ofstream{world.inside("/etc/passwd")} << "root:x:0:0\n";
  CHECK(world.read() == "root:x:0:0\n");
  CHECK(world.read("etc/passwd") == "root:x:0:0\n");
  CHECK(world.read("/etc/../etc//passwd") == "root:x:0:0\n");
}

TEST_CASE("a file that is not there is empty") {
  auto world = World{};
  CHECK(world.read() == "");
  CHECK(world.read("/no/such/directory/file") == "");
  std::ofstream{world.inside("/etc/file")} << "x";
  CHECK(world.read("/etc/file/below") == "");
}

TEST_CASE("links are followed as the container would follow them, never out of it") {
  struct Row {
    const char* what;
    std::string target;
    const char* text;
  };
  auto world = World{};
  std::ofstream{world.inside("/real/passwd")} << "inside\n";
  auto row = GENERATE_REF(values<Row>({
      {"relative", "../real/passwd", "inside\n"},
      {"absolute: from the container's root", "/real/passwd", "inside\n"},
      {"out by dots: stops at the container's root", "../../../../../real/passwd", "inside\n"},
      {"to the secret by dots", "../../secret", ""},
      {"to the secret by its path on the host", world.dir / "secret", ""},
      {"to a file of the host", "/proc/self/status", ""},
      {"to itself", "passwd", ""},
      {"to nothing", "/no/such/file", ""},
  }));
  INFO(row.what);
  fs::create_symlink(row.target, world.inside("/etc/passwd"));
  CHECK(world.read() == row.text);
}

TEST_CASE("a directory that is a link does not lead out either") {
  auto world = World{};
  fs::remove_all(world.inside("/etc"));
  fs::create_directories(world.dir / "etc");
  std::ofstream{world.dir / "etc/passwd"} << "secret\n";
  fs::create_symlink("../etc", world.inside("/etc"));
  CHECK(world.read() == "");
}

TEST_CASE("what is no regular file is refused at once and never opened") {
  auto world = World{};
  auto path = world.inside("/etc/passwd");
  auto kind = GENERATE(as<std::string>{}, "fifo", "directory", "socket", "device");
  CAPTURE(kind);
  if (kind == "fifo") {
    REQUIRE(::mkfifo(path.c_str(), 0600) == 0);
  } else if (kind == "directory") {
    fs::create_directory(path);
  } else if (kind == "device") {
    REQUIRE(::mknod(path.c_str(), S_IFCHR | 0600, makedev(1, 5)) == 0);
  } else {
    auto fd = UniqueFd{::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)};
    auto address = sockaddr_un{};
    address.sun_family = AF_UNIX;
    path.copy(address.sun_path, sizeof(address.sun_path) - 1);
    REQUIRE(::bind(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof(address)) == 0);
  }
  auto text = world.read();
  REQUIRE_FALSE(text);
  CHECK(text.error().code == ec::bad_request);
  CHECK(text.error().reason == "it is not a regular file");
}

TEST_CASE("a file that is too long is refused") {
  auto world = World{};
  std::ofstream{world.inside("/etc/passwd")} << std::string(limit, 'a');
  CHECK(world.read());
  std::ofstream{world.inside("/etc/passwd")} << std::string(limit + 1, 'a');
  auto text = world.read();
  REQUIRE_FALSE(text);
  CHECK(text.error().code == ec::bad_request);
}

TEST_CASE("the empty path is no file") {
  auto world = World{};
  CHECK(world.read("") == "");
}

TEST_CASE("users and groups are read together") {
  auto world = World{};
  auto none = read_user_files(world.rootfs);
  REQUIRE(none);
  CHECK(none->passwd == "");
  CHECK(none->group == "");
  std::ofstream{world.inside("/etc/passwd")} << "a";
  std::ofstream{world.inside("/etc/group")} << "b";
  auto both = read_user_files(world.rootfs);
  REQUIRE(both);
  CHECK(both->passwd == "a");
  CHECK(both->group == "b");
  fs::create_directories(world.inside("/etc/shadow"));
  fs::remove(world.inside("/etc/group"));
  fs::create_symlink("shadow", world.inside("/etc/group"));
  CHECK_FALSE(read_user_files(world.rootfs));
}

TEST_CASE("a device node is described") {
  auto null = read_device_node("/dev/null");
  REQUIRE(null);
  CHECK(null->path == "/dev/null");
  CHECK(null->type == 'c');
  CHECK(null->major == 1);
  CHECK(null->minor == 3);
  CHECK(null->mode == 0666);
}

TEST_CASE("what is no device is not passed as one") {
  auto path =
      GENERATE(as<std::string>{}, "/dev/no-such-device", "/etc/passwd", "/etc", "/etc/passwd/x");
  CAPTURE(path);
  auto node = read_device_node(path);
  REQUIRE_FALSE(node);
  CHECK(node.error().code == ec::bad_request);
  CHECK_FALSE(node.error().next.empty());
}

TEST_CASE("the host's facts for bundles are its real ones") {
  auto host = detect_bundle_host(true);
  REQUIRE(host);
  CHECK(host->swap_limit);
  CHECK(host->cgroup_namespaces == fs::exists("/proc/self/ns/cgroup"));
  auto files = rlimit{};
  REQUIRE(::getrlimit(RLIMIT_NOFILE, &files) == 0);
  CHECK(host->max_open_files == files.rlim_max);
  CHECK_FALSE(detect_bundle_host(false)->swap_limit);
}
