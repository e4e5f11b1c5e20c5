#include "apps/berth-monitor/log_file.hpp"

#include "messages/types.hpp"
#include "runtimes/linux/retry.hpp"
#include "runtimes/linux/sys_error.hpp"

#include <algorithm>
#include <cstdio>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace berth {

namespace {

/// Members of the log files' group may read what containers print.
constexpr mode_t log_mode = 0640;

UniqueFd open_for_append(const std::string& path, int flags) {
  constexpr auto append = O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW;
  auto fd = UniqueFd{retry([&] { return ::open(path.c_str(), append | flags, log_mode); })};
  if (fd)
    ::fchmod(fd.get(), log_mode); // whatever the umask is
  return fd;
}

/// How much of `entries` fits into `room` bytes without splitting an entry; at least one entry.
size_t whole_entries(std::string_view entries, uint64_t room) {
  if (entries.size() <= room)
    return entries.size();
  auto last =
      room == 0 ? std::string_view::npos : entries.rfind('\n', static_cast<size_t>(room) - 1);
  if (last == std::string_view::npos)
    last = entries.find('\n');
  return last == std::string_view::npos ? entries.size() : last + 1;
}

std::string drop_notice(uint64_t dropped) {
  return to_string(now()) + " stderr F [berth: " + std::to_string(dropped)
         + " entries of this log are missing here, they could not be written]\n";
}

} // namespace

Result<LogFile> LogFile::open(std::string path, uint64_t max_size, uint32_t max_files) {
  auto fd = open_for_append(path, 0);
  struct stat info = {};
  if (!fd || ::fstat(fd.get(), &info) != 0)
    return failure(sys_error("open", path));
  return LogFile{std::move(path), max_size, max_files, std::move(fd),
                 static_cast<uint64_t>(info.st_size)};
}

LogFile::LogFile(std::string path, uint64_t max_size, uint32_t max_files, UniqueFd fd,
                 uint64_t size)
    : path_(std::move(path)),
      max_size_(max_size),
      max_files_(max_files),
      fd_(std::move(fd)),
      size_(size) {
  // nop
}

void LogFile::append(std::string_view entries) {
  if (!fd_)
    return;
  while (!entries.empty()) {
    auto length = entries.size();
    if (max_size_ > 0) {
      auto room = max_size_ > size_ ? max_size_ - size_ : 0;
      length = whole_entries(entries, room);
      if (length > room && size_ > 0 && rotate())
        length = whole_entries(entries, max_size_);
    }
    write_or_drop(entries.substr(0, length));
    entries.remove_prefix(length);
  }
}

void LogFile::close() {
  if (fd_ && dropped_ > 0)
    write(drop_notice(dropped_));
  fd_ = UniqueFd{};
}

void LogFile::write_or_drop(std::string_view entries) {
  if (dropped_ > 0 && write(drop_notice(dropped_)))
    dropped_ = 0;
  if (dropped_ > 0 || !write(entries))
    dropped_ += static_cast<uint64_t>(std::count(entries.begin(), entries.end(), '\n'));
}

/// All or nothing: a part of an entry at the end of the file would spoil the next one.
bool LogFile::write(std::string_view text) {
  auto n = retry([&] { return ::write(fd_.get(), text.data(), text.size()); });
  if (n >= 0 && static_cast<size_t>(n) == text.size()) {
    size_ += text.size();
    return true;
  }
  if (n > 0 && ::ftruncate(fd_.get(), static_cast<off_t>(size_)) != 0)
    size_ += static_cast<uint64_t>(n);
  return false;
}

/// False: everything stays as it is, and the present file grows beyond its size.
bool LogFile::rotate() {
  auto fresh_path = path_ + ".new";
  ::unlink(fresh_path.c_str());
  auto fresh = open_for_append(fresh_path, O_EXCL);
  if (!fresh)
    return false;
  auto numbered = [&](uint32_t n) {
    return path_ + "." + std::to_string(n);
  };
  if (max_files_ > 1) {
    for (auto n = max_files_ - 1; n > 1; --n)
      ::rename(numbered(n - 1).c_str(), numbered(n).c_str());
    // A second name first, so that there is no moment without the first one.
    ::unlink(numbered(1).c_str());
    if (::link(path_.c_str(), numbered(1).c_str()) != 0) {
      ::unlink(fresh_path.c_str());
      return false;
    }
  }
  if (::rename(fresh_path.c_str(), path_.c_str()) != 0) {
    ::unlink(fresh_path.c_str());
    return false;
  }
  fd_ = std::move(fresh);
  size_ = 0;
  return true;
}

} // namespace berth
