#include "runtimes/linux/log_follower.hpp"

#include "apps/berth-monitor/log_file.hpp"
#include "runtimes/linux/file.hpp"
#include "runtimes/linux/process.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/temp_dir.hpp"

#include <atomic>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <thread>

#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

using namespace berth;
using namespace std::chrono_literals;

namespace fs = std::filesystem;

namespace {

using Kind = LogFollower::Piece::Kind;
using Mode = LogFollower::Mode;

constexpr auto patience = 20s;

/// Eight bytes each, so that a file of 80 bytes holds ten.
std::string line(int number) {
  char text[16];
  std::snprintf(text, sizeof(text), "%07d\n", number);
  return text;
}

std::string lines(int begin, int end) {
  auto result = std::string{};
  for (auto i = begin; i < end; ++i)
    result += line(i);
  return result;
}

LogFile open_log(const std::string& path, uint64_t max_size = 0, uint32_t max_files = 1) {
  auto log = LogFile::open(path, max_size, max_files);
  REQUIRE(log);
  return std::move(*log);
}

LogFollower open_follower(const std::string& path, Mode mode) {
  auto follower = LogFollower::open(path, mode);
  REQUIRE(follower);
  return std::move(*follower);
}

/// All that is there now, with "<gap>" where lines may be missing and "<end>" at the end.
std::string read_now(LogFollower& follower) {
  auto result = std::string{};
  for (;;) {
    auto piece = follower.next(0ms);
    REQUIRE(piece);
    switch (piece->kind) {
      case Kind::lines: result += piece->lines; break;
      case Kind::gap: result += "<gap>"; break;
      case Kind::idle: return result;
      case Kind::end: return result + "<end>";
    }
  }
}

/// Waits for the next thing but time.
LogFollower::Piece wait_for_piece(LogFollower& follower) {
  auto piece = follower.next(patience);
  REQUIRE(piece);
  return std::move(*piece);
}

void write_text(const std::string& path, const std::string& text) {
  std::ofstream{path, std::ios::app} << text;
}

} // namespace

TEST_CASE("a log is read from its oldest file to its end") {
  auto dir = test::TempDir{};
  auto path = dir / "log";
  auto log = open_log(path, 80, 4);
  for (auto i = 0; i < 35; ++i)
    log.append(line(i));
  REQUIRE(fs::exists(path + ".3"));
  auto follower = open_follower(path, Mode::read);
  CHECK(read_now(follower) == lines(0, 35) + "<end>");
  CHECK(read_now(follower) == "<end>");
}

TEST_CASE("files that are not of the log are not read") {
  auto dir = test::TempDir{};
  auto path = dir / "log";
  for (auto name : {"log.new", "log.01", "log.0", "log.1.gz", "log.-1", "log.4294967295", "log.4294967296", "log.",
                    "log1", "alog"})
    write_text(dir / name, "wrong\n");
  fs::create_symlink(dir / "log1", path + ".2");
  fs::create_directory(path + ".3");
  REQUIRE(::mkfifo((path + ".4").c_str(), 0600) == 0);
  write_text(path, "right\n");
  auto follower = open_follower(path, Mode::read);
  CHECK(read_now(follower) == "right\n<end>");
}

TEST_CASE("what is written while the follower looks around wakes it up") {
  constexpr auto count = 3000;
  auto dir = test::TempDir{};
  auto log = open_log(dir / "log");
  auto follower = open_follower(dir / "log", Mode::follow);
  auto seen = std::atomic<int>{0};
  auto writer = std::thread{[&] {
    for (auto i = 0; i < count; ++i) {
      log.append(line(i));
      // The next line comes when the follower has just given out this one and is about to wait.
      while (seen <= i)
        std::this_thread::yield();
    }
  }};
  auto text = std::string{};
  auto stalls = 0;
  while (text.size() < 8 * count) {
    auto piece = follower.next(0ms);
    REQUIRE(piece);
    text += piece->lines;
    seen = static_cast<int>(text.size() / 8);
    if (piece->kind != Kind::idle)
      continue;
    auto watched = pollfd{follower.fd().get(), POLLIN, 0};
    if (::poll(&watched, 1, 1000) == 0)
      ++stalls;
  }
  writer.join();
  CHECK(stalls == 0);
  CHECK((text == lines(0, count)));
}

TEST_CASE("a follower for whom the kernel has no inotify instance left looks by itself") {
  auto dir = test::TempDir{};
  auto log = open_log(dir / "log");
  log.append(line(0));
  auto pid = ::fork();
  if (pid == 0) {
    // Limits are counted for each user namespace.
    if (::unshare(CLONE_NEWUSER) != 0 || !write_file("/proc/sys/user/max_inotify_instances", "0"))
      ::_exit(2);
    auto follower = LogFollower::open(dir / "log", Mode::follow);
    if (!follower)
      ::_exit(3);
    auto text = std::string{};
    while (text.size() < 16) {
      auto piece = follower->next(patience);
      if (!piece || piece->kind != Kind::lines)
        ::_exit(4);
      text += piece->lines;
      if (text.size() == 8)
        log.append(line(1));
    }
    ::_exit(text == lines(0, 2) ? 0 : 5);
  }
  auto status = 0;
  REQUIRE(::waitpid(pid, &status, 0) == pid);
  CHECK((to_exit_status(status) == ExitStatus{Exited{0}}));
}

TEST_CASE("a log that does not exist can be waited for but not read") {
  auto dir = test::TempDir{};
  auto path = dir / "log";
  auto refused = LogFollower::open(path, Mode::read);
  REQUIRE(!refused);
  CHECK(render(refused.error()) == "system_error: open " + path + ": No such file or directory");
  CHECK(!LogFollower::open(dir / "nowhere/log", Mode::follow));
  auto follower = open_follower(path, Mode::follow);
  CHECK(read_now(follower) == "");
  auto log = open_log(path);
  log.append(line(1));
  CHECK(wait_for_piece(follower).lines == line(1));
}

TEST_CASE("a directory that goes before the log came ends the waiting") {
  auto dir = test::TempDir{};
  fs::create_directory(dir / "logs");
  auto follower = open_follower(dir / "logs/log", Mode::follow);
  CHECK(read_now(follower) == "");
  fs::remove(dir / "logs");
  CHECK(read_now(follower) == "<end>");
}

TEST_CASE("lines are told as they are written, until the writer closes the log") {
  auto dir = test::TempDir{};
  auto path = dir / "log";
  auto log = open_log(path);
  log.append(lines(0, 3));
  auto follower = open_follower(path, Mode::follow);
  CHECK(read_now(follower) == lines(0, 3));
  CHECK(follower.next(1ms)->kind == Kind::idle);
  auto writer = std::thread{[&] {
    for (auto i = 3; i < 100; ++i)
      log.append(line(i));
    log.close();
  }};
  auto text = std::string{};
  for (;;) {
    auto piece = wait_for_piece(follower);
    if (piece.kind == Kind::end)
      break;
    REQUIRE(piece.kind == Kind::lines);
    text += piece.lines;
  }
  writer.join();
  CHECK(text == lines(3, 100));
}

TEST_CASE("the log of a container that has ended is read to its end and no longer") {
  auto dir = test::TempDir{};
  auto path = dir / "log";
  {
    auto log = open_log(path, 80, 4);
    log.append(lines(0, 25));
  }
  auto follower = open_follower(path, Mode::follow);
  CHECK(read_now(follower) == lines(0, 25) + "<end>");
}

TEST_CASE("a writer that is killed ends the log") {
  auto dir = test::TempDir{};
  auto path = dir / "log";
  write_text(path, line(1) + "half a line");
  auto fd = UniqueFd{::open(path.c_str(), O_WRONLY | O_APPEND | O_CLOEXEC)};
  auto options = SpawnOptions{};
  options.stdout_fd = fd.get();
  auto writer = Child::spawn({"sleep", "1000"}, options);
  REQUIRE(writer);
  fd = UniqueFd{};
  auto follower = open_follower(path, Mode::follow);
  CHECK(read_now(follower) == line(1));
  REQUIRE(writer->kill(SIGKILL));
  auto rest = wait_for_piece(follower);
  CHECK(rest.kind == Kind::lines);
  CHECK(rest.lines == "half a line");
  CHECK(wait_for_piece(follower).kind == Kind::end);
}

TEST_CASE("somebody else who opens the log for writing does not end it") {
  auto dir = test::TempDir{};
  auto path = dir / "log";
  auto log = open_log(path);
  log.append(line(1));
  auto follower = open_follower(path, Mode::follow);
  write_text(path, line(2));
  CHECK(read_now(follower) == lines(1, 3));
  CHECK(follower.next(1ms)->kind == Kind::idle);
  log.append(line(3));
  CHECK(wait_for_piece(follower).lines == line(3));
  log.close();
  CHECK(wait_for_piece(follower).kind == Kind::end);
}

TEST_CASE("a line is told when it is whole") {
  auto dir = test::TempDir{};
  auto path = dir / "log";
  auto fd = UniqueFd{::open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600)};
  auto write = [&](std::string_view text) {
    REQUIRE(::write(fd.get(), text.data(), text.size()) == static_cast<ssize_t>(text.size()));
  };
  auto follower = open_follower(path, Mode::follow);
  write("one\ntw");
  CHECK(read_now(follower) == "one\n");
  write("o");
  CHECK(read_now(follower) == "");
  write("\nthree");
  CHECK(read_now(follower) == "two\n");
  // What no log of ours has: memory stays bounded.
  write(std::string(200'000, 'x'));
  CHECK(read_now(follower).size() > 100'000);
}

TEST_CASE("a line that the writer took back is not told") {
  auto dir = test::TempDir{};
  auto path = dir / "log";
  auto fd = UniqueFd{::open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600)};
  auto write = [&](std::string_view text) {
    REQUIRE(::write(fd.get(), text.data(), text.size()) == static_cast<ssize_t>(text.size()));
  };
  auto follower = open_follower(path, Mode::follow);
  write("one\ntw");
  CHECK(read_now(follower) == "one\n");
  REQUIRE(::ftruncate(fd.get(), 4) == 0);
  CHECK(read_now(follower) == "");
  write("three\n");
  CHECK(read_now(follower) == "three\n");
}

TEST_CASE("rotations lose nothing for a reader that keeps up") {
  auto max_files = GENERATE(1u, 2u, 3u, 5u);
  CAPTURE(max_files);
  auto dir = test::TempDir{};
  auto path = dir / "log";
  auto log = open_log(path, 80, max_files);
  auto follower = open_follower(path, Mode::follow);
  auto text = std::string{};
  for (auto i = 0; i < 200; ++i) {
    log.append(line(i));
    if (i % 7 == 0)
      text += read_now(follower);
  }
  log.close();
  text += read_now(follower);
  CHECK(text == lines(0, 200) + "<end>");
}

TEST_CASE("a reader that is as many files behind as are kept loses nothing") {
  auto max_files = GENERATE(2u, 3u, 5u);
  CAPTURE(max_files);
  auto dir = test::TempDir{};
  auto path = dir / "log";
  auto log = open_log(path, 80, max_files);
  log.append(lines(0, 10));
  auto follower = open_follower(path, Mode::follow);
  CHECK(read_now(follower) == lines(0, 10));
  // The file that was read is thrown away by this, and the one after it is the oldest.
  auto end = 10 * (static_cast<int>(max_files) + 1);
  log.append(lines(10, end));
  CHECK(read_now(follower) == lines(10, end));
  CHECK(follower.next(0ms)->kind == Kind::idle);
}

TEST_CASE("a reader that falls further behind is told of the gap, once") {
  auto max_files = GENERATE(1u, 2u, 3u, 5u);
  CAPTURE(max_files);
  auto dir = test::TempDir{};
  auto path = dir / "log";
  auto log = open_log(path, 80, max_files);
  log.append(lines(0, 5));
  auto follower = open_follower(path, Mode::follow);
  CHECK(read_now(follower) == lines(0, 5));
  auto kept = 10 * static_cast<int>(max_files);
  for (auto i = 5; i < 200; ++i)
    log.append(line(i));
  CHECK(read_now(follower) == lines(5, 10) + "<gap>" + lines(200 - kept, 200));
  log.close();
  CHECK(read_now(follower) == "<end>");
}

TEST_CASE("a log that is removed while it is read is read to its end") {
  auto dir = test::TempDir{};
  auto path = dir / "log";
  auto log = open_log(path, 80, 3);
  log.append(lines(0, 25));
  auto follower = open_follower(path, Mode::follow);
  CHECK(follower.next(0ms)->lines == lines(0, 10));
  fs::remove(path + ".2");
  CHECK(read_now(follower) == lines(10, 25));
  fs::remove(path);
  log.append(lines(25, 28));
  // Older files are still there; they are not read again.
  CHECK(read_now(follower) == lines(25, 28));
  fs::remove(path + ".1");
  log.append(line(28));
  CHECK(read_now(follower) == line(28));
  log.close();
  CHECK(wait_for_piece(follower).kind == Kind::end);
}

TEST_CASE("a rotation in which the writer died does not stop the reader") {
  auto dir = test::TempDir{};
  auto path = dir / "log";
  SECTION("after moving the older files") {
    write_text(path + ".3", lines(0, 10));
    write_text(path + ".2", lines(10, 20));
    write_text(path, lines(20, 30));
    write_text(path + ".new", "");
    auto follower = open_follower(path, Mode::follow);
    CHECK(read_now(follower) == lines(0, 30) + "<end>");
  }
  SECTION("after giving the present file its second name") {
    write_text(path + ".2", lines(0, 10));
    write_text(path, lines(10, 20));
    fs::create_hard_link(path, path + ".1");
    write_text(path + ".new", "");
    auto follower = open_follower(path, Mode::follow);
    CHECK(read_now(follower) == lines(0, 20) + "<end>");
  }
  SECTION("when the reader's own file was thrown away by it") {
    write_text(path + ".2", lines(0, 10));
    write_text(path + ".1", lines(10, 20));
    write_text(path, lines(20, 30));
    auto follower = open_follower(path, Mode::follow);
    CHECK(follower.next(0ms)->lines == lines(0, 10));
    write_text(path + ".new", "");
    fs::rename(path + ".1", path + ".2");
    // It cannot be told any more that this was the next file, so the reader is warned.
    CHECK(read_now(follower) == "<gap>" + lines(10, 30) + "<end>");
  }
}

TEST_CASE("readers and a rotating writer agree on every line") {
  // However they interleave: no line twice, none out of order, none missing without a gap.
  auto max_files = GENERATE(1u, 2u, 4u);
  CAPTURE(max_files);
  constexpr auto count = 30'000;
  auto dir = test::TempDir{};
  auto path = dir / "log";
  auto log = open_log(path, 800, max_files);
  auto wrong = std::atomic<int>{0};
  auto read = std::atomic<int>{0};
  auto readers = std::vector<std::thread>{};
  for (auto mode : {Mode::follow, Mode::follow, Mode::read})
    readers.emplace_back([&, mode] {
      do {
        auto follower = LogFollower::open(path, mode);
        auto last = -1;
        auto gap = true; // the begin is not known: older files are gone already
        for (;;) {
          auto piece = follower->next(patience);
          if (!piece || piece->kind == Kind::idle) {
            ++wrong;
            return;
          }
          if (piece->kind == Kind::end)
            break;
          gap = gap || piece->kind == Kind::gap;
          for (auto at = size_t{0}; at < piece->lines.size(); at += 8) {
            auto number = std::atoi(piece->lines.c_str() + at);
            if (gap ? number <= last : number != last + 1)
              ++wrong;
            gap = false;
            last = number;
            ++read;
          }
        }
        if (mode == Mode::follow && last != count - 1)
          ++wrong;
        if (mode == Mode::follow || last == count - 1)
          return;
      } while (true);
    });
  for (auto i = 0; i < count; i += 5)
    log.append(lines(i, i + 5));
  log.close();
  for (auto& reader : readers)
    reader.join();
  CHECK(wrong == 0);
  CHECK(read > 0);
}
