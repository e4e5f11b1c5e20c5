#include "runtimes/linux/file.hpp"

#include "runtimes/linux/mount.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/temp_dir.hpp"

#include <filesystem>
#include <fstream>

#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

using namespace berth;
namespace fs = std::filesystem;

namespace {

void write(const std::string& path, const std::string& text) {
  std::ofstream{path} << text;
}

unsigned mode_of(const std::string& path) {
  struct stat info = {};
  REQUIRE(::stat(path.c_str(), &info) == 0);
  return info.st_mode & 07777;
}

} // namespace

TEST_CASE("a file is read up to its limit and not beyond") {
  auto dir = test::TempDir{};
  auto text = std::string(10'000, 'x');
  write(dir / "f", text);
  CHECK(read_file(dir / "f", 10'000) == Result<std::string>{text});
  auto beyond = read_file(dir / "f", 9'999);
  REQUIRE_FALSE(beyond);
  CHECK(beyond.error().reason == "longer than 9999 bytes");
  auto missing = read_file(dir / "g", 10);
  REQUIRE_FALSE(missing);
  CHECK(missing.error().reason == "No such file or directory");
  CHECK(read_file("/proc/self/comm", 100)); // has size 0
}

TEST_CASE("files of a held directory are found after it was moved, and links are not followed") {
  auto dir = test::TempDir{};
  fs::create_directory(dir / "a");
  write(dir / "a/f", "text");
  fs::create_symlink("f", dir / "a/link");
  auto held = open_directory(dir / "a");
  REQUIRE(held);
  fs::rename(dir / "a", dir / "b");
  CHECK(read_file_at(*held, "f", 100) == Result<std::string>{"text"});
  CHECK_FALSE(read_file_at(*held, "link", 100));
  CHECK(write_file_at(*held, "f", "TE"));
  CHECK(read_file_at(*held, "f", 100) == Result<std::string>{"TExt"});
  CHECK_FALSE(write_file_at(*held, "link", "x"));
  CHECK_FALSE(write_file_at(*held, "missing", "x"));
  CHECK(replace_file_at(*held, "new", "n", 0600, Durability::process));
  CHECK(read_file(dir / "b/new", 100) == Result<std::string>{"n"});
}

TEST_CASE("replacing a file is all or nothing and does not obey the umask") {
  auto dir = test::TempDir{};
  auto durability = GENERATE(Durability::process, Durability::disk);
  auto before = ::umask(0077);
  CHECK(replace_file(dir / "f", "one", 0644, durability));
  ::umask(before);
  CHECK(mode_of(dir / "f") == 0644);
  auto old = std::ifstream{dir / "f"};
  CHECK(replace_file(dir / "f", "second", 0600, durability));
  auto text = std::string{};
  old >> text;
  CHECK(text == "one");
  CHECK(read_file(dir / "f", 100) == Result<std::string>{"second"});
  CHECK(mode_of(dir / "f") == 0600);
  // Onto a directory: refused, and nothing is left behind.
  fs::create_directory(dir / "d");
  CHECK_FALSE(replace_file(dir / "d", "x", 0600, durability));
  CHECK(std::distance(fs::directory_iterator{dir.path()}, {}) == 2);
}

TEST_CASE("directories are made with those above them") {
  auto dir = test::TempDir{};
  CHECK(make_directories(dir / "a/b/c", 0700));
  CHECK(is_directory(dir / "a/b/c"));
  CHECK(mode_of(dir / "a") == 0700);
  CHECK(make_directories(dir / "a/b/c/", 0755));
  CHECK(mode_of(dir / "a/b/c") == 0700);
  write(dir / "f", "");
  CHECK_FALSE(is_directory(dir / "f"));
  auto in_the_way = make_directories(dir / "f/x", 0700);
  REQUIRE_FALSE(in_the_way);
  CHECK(render(in_the_way.error()) == "system_error: mkdir " + (dir / "f") + ": File exists");
  CHECK_FALSE(make_directories(dir / "f", 0700));
  CHECK_FALSE(make_directories("", 0700));
}

TEST_CASE("a tree is removed and nothing that links point to") {
  auto dir = test::TempDir{};
  fs::create_directories(dir / "keep");
  write(dir / "keep/f", "text");
  fs::create_directories(dir / "tree/a/b/c/d");
  write(dir / "tree/a/b/f", "");
  write(dir / "tree/.remove-1", "a name that the removal itself uses");
  fs::create_directories(dir / "tree/x/.remove-2/y");
  fs::create_directory_symlink(dir / "keep", dir / "tree/a/link");
  fs::create_symlink("nowhere", dir / "tree/a/b/dangling");
  REQUIRE(::mkfifo((dir / "tree/fifo").c_str(), 0600) == 0);
  CHECK(remove_tree(dir / "tree"));
  CHECK_FALSE(fs::exists(dir / "tree"));
  CHECK(read_file(dir / "keep/f", 100) == Result<std::string>{"text"});
  // A link to a directory is removed itself.
  fs::create_directory_symlink(dir / "keep", dir / "link");
  CHECK(remove_tree(dir / "link"));
  CHECK(fs::exists(dir / "keep/f"));
  CHECK_FALSE(fs::is_symlink(dir / "link"));
}

TEST_CASE("removing nothing is success, and whole file systems are refused") {
  auto dir = test::TempDir{};
  CHECK(remove_tree(dir / "missing"));
  CHECK(remove_tree(dir / "missing/below"));
  auto bad = GENERATE(as<std::string>{}, "", "/", "//", ".", "..", "/tmp/..", "/tmp/.");
  INFO(bad);
  CHECK_FALSE(remove_tree(bad));
  auto held = open_directory(dir.path());
  REQUIRE(held);
  CHECK_FALSE(remove_tree_at(*held, "../x"));
}

TEST_CASE("a tree deeper than any path or descriptor limit is removed with few descriptors") {
  auto dir = test::TempDir{};
  fs::create_directory(dir / "tree");
  auto at = UniqueFd{::open((dir / "tree").c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC)};
  for (auto i = 0; i < 5000; ++i) {
    REQUIRE(::mkdirat(at.get(), "sub", 0700) == 0);
    if (i % 100 == 0)
      REQUIRE(::mkdirat(at.get(), "side", 0700) == 0);
    at = UniqueFd{::openat(at.get(), "sub", O_PATH | O_DIRECTORY | O_CLOEXEC)};
    REQUIRE(at);
  }
  at = UniqueFd{};
  auto before = rlimit{};
  REQUIRE(::getrlimit(RLIMIT_NOFILE, &before) == 0);
  auto few = rlimit{32, before.rlim_max};
  REQUIRE(::setrlimit(RLIMIT_NOFILE, &few) == 0);
  auto removed = remove_tree(dir / "tree");
  REQUIRE(::setrlimit(RLIMIT_NOFILE, &before) == 0);
  CHECK(removed);
  CHECK_FALSE(fs::exists(dir / "tree"));
}

TEST_CASE("removal does not cross into other mounts, not even of the same file system") {
  auto dir = test::TempDir{};
  fs::create_directories(dir / "tree/sub/point");
  fs::create_directory(dir / "other");
  write(dir / "other/f", "text");
  auto pid = ::fork();
  REQUIRE(pid >= 0);
  if (pid == 0) {
    auto ok = enter_private_mount_namespace().has_value()
              && ::mount((dir / "other").c_str(), (dir / "tree/sub/point").c_str(), nullptr,
                         MS_BIND, nullptr)
                     == 0;
    ok = ok && !remove_tree(dir / "tree") && fs::exists(dir / "other/f");
    ::_exit(ok ? 0 : 1);
  }
  auto status = 0;
  REQUIRE(::waitpid(pid, &status, 0) == pid);
  CHECK(status == 0);
  CHECK(fs::exists(dir / "other/f"));
}
