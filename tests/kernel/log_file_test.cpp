#include "apps/berth-monitor/log_file.hpp"

#include "runtimes/cri_log.hpp"
#include "runtimes/linux/file.hpp"
#include "runtimes/linux/mount.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/temp_dir.hpp"

#include <algorithm>
#include <functional>

#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

using namespace berth;

namespace {

const auto entry = std::string{"2016-10-06T00:17:09.669794202Z stdout F 0123456789\n"};

std::string text_of(const std::string& path) {
  return read_file(path, 16 << 20).value_or("(no file)");
}

std::string repeat(const std::string& text, int times) {
  auto result = std::string{};
  for (auto n = 0; n < times; ++n)
    result += text;
  return result;
}

} // namespace

TEST_CASE("a log file is for its owner and group, and goes on where it ended") {
  auto dir = test::TempDir{};
  for (auto round = 0; round < 2; ++round) {
    auto before = ::umask(0077);
    auto log = LogFile::open(dir / "log", 0, 1);
    ::umask(before);
    REQUIRE(log);
    log->append(entry);
    log->close();
    log->append(entry); // after the end: nothing happens
  }
  struct stat info = {};
  REQUIRE(::stat((dir / "log").c_str(), &info) == 0);
  CHECK((info.st_mode & 07777) == 0640);
  CHECK(text_of(dir / "log") == entry + entry);
}

TEST_CASE("a log that is a link is refused") {
  auto dir = test::TempDir{};
  std::filesystem::create_symlink("elsewhere", dir / "log");
  CHECK_FALSE(LogFile::open(dir / "log", 0, 1));
  CHECK_FALSE(std::filesystem::exists(dir / "elsewhere"));
}

TEST_CASE("a log is rotated at its size, never within an entry") {
  struct Row {
    const char* what;
    uint32_t files;
    int batch; // entries at a time
    int total;
    std::vector<int> wanted; // entries per file, the present one first
  };
  auto row = GENERATE(
      Row{"fits", 3, 1, 4, {4}}, Row{"one more", 3, 1, 5, {1, 4}},
      Row{"two rotations", 3, 1, 9, {1, 4, 4}}, Row{"the oldest goes", 3, 1, 14, {2, 4, 4}},
      Row{"in one batch", 3, 14, 14, {2, 4, 4}}, Row{"in batches across", 3, 3, 12, {4, 4, 4}},
      Row{"a single file", 1, 1, 9, {1}});
  INFO(row.what);
  auto dir = test::TempDir{};
  auto log = LogFile::open(dir / "log", 4 * entry.size() + 10, row.files);
  REQUIRE(log);
  for (auto n = 0; n < row.total; n += row.batch)
    log->append(repeat(entry, row.batch));
  for (size_t n = 0; n < row.wanted.size(); ++n)
    CHECK(text_of((dir / "log") + (n > 0 ? "." + std::to_string(n) : ""))
          == repeat(entry, row.wanted[n]));
  auto files = std::filesystem::directory_iterator{dir.path()};
  CHECK(std::distance(files, {}) == static_cast<ptrdiff_t>(row.wanted.size()));
}

TEST_CASE("an entry that is larger than the whole log is written all the same") {
  auto dir = test::TempDir{};
  auto log = LogFile::open(dir / "log", 20, 2);
  REQUIRE(log);
  log->append(entry + entry);
  CHECK(text_of(dir / "log") == entry);
  CHECK(text_of(dir / "log.1") == entry);
}

TEST_CASE("a full disk costs entries but never the log, and the log says how many") {
  auto dir = test::TempDir{};
  std::filesystem::create_directory(dir / "disk");
  // In a process of its own, for the small file system that nobody else shall see.
  auto pid = ::fork();
  REQUIRE(pid >= 0);
  if (pid == 0) {
    auto disk = dir / "disk";
    auto ok =
        enter_private_mount_namespace().has_value()
        && ::mount("tmpfs", disk.c_str(), "tmpfs", 0, "size=64k") == 0
        && replace_file(disk + "/ballast", std::string(32 * 1024, 'x'), 0600, Durability::process)
               .has_value();
    auto log = LogFile::open(disk + "/log", 0, 1);
    ok = ok && log;
    constexpr auto total = 2000;
    for (auto n = 0; ok && n < total; ++n)
      log->append(entry);
    ok = ok && ::unlink((disk + "/ballast").c_str()) == 0;
    if (ok)
      log->append(entry);
    auto text = text_of(disk + "/log");
    auto entries = static_cast<int>(std::count(text.begin(), text.end(), '\n'));
    auto notice = text.find(" stderr F [berth: ");
    ok = ok && notice != std::string::npos;
    // Every line is whole, and the number in the notice is right.
    auto missing = ok ? std::stoi(text.substr(notice + 18)) : 0;
    ok = ok && missing == total + 1 - (entries - 1);
    for (size_t begin = 0; ok && begin < text.size(); begin = text.find('\n', begin) + 1)
      ok = parse_cri_log_line(std::string_view{text}.substr(begin, text.find('\n', begin) - begin))
               .has_value();
    ::_exit(ok ? 0 : 1);
  }
  auto status = 0;
  REQUIRE(::waitpid(pid, &status, 0) == pid);
  CHECK(status == 0);
}
