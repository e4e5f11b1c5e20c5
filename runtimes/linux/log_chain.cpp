#include "runtimes/linux/log_chain.hpp"

#include "runtimes/linux/file.hpp"
#include "runtimes/linux/retry.hpp"

#include <algorithm>
#include <charconv>
#include <optional>
#include <set>

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace berth {

namespace {

/// Nobody keeps more files than this; odd files with higher numbers are read nevertheless.
constexpr uint32_t dense_numbers = 1000;

/// The number of a rotated file's name; nothing for other files.
std::optional<uint32_t> number_in(std::string_view file, const std::string& name) {
  if (file == name)
    return 0;
  auto prefix = name + ".";
  if (!file.starts_with(prefix) || file[prefix.size()] == '0')
    return std::nullopt;
  auto result = uint32_t{0};
  auto end = file.data() + file.size();
  auto [stop, error] = std::from_chars(file.data() + prefix.size(), end, result);
  auto valid = error == std::errc{} && stop == end && result < UINT32_MAX;
  return valid ? std::optional{result} : std::nullopt;
}

} // namespace

Result<LogChain> LogChain::open(const std::string& path) {
  auto slash = path.rfind('/');
  auto parent = slash == std::string::npos ? "." : slash == 0 ? "/" : path.substr(0, slash);
  auto directory = open_directory(parent);
  if (!directory)
    return failure(std::move(directory.error()));
  return LogChain{std::move(*directory), path.substr(slash + 1)};
}

LogChain::LogChain(UniqueFd directory, std::string name)
    : directory_(std::move(directory)), name_(std::move(name)) {
  // nop
}

std::string LogChain::name_of(uint32_t number) const {
  return number == 0 ? name_ : name_ + "." + std::to_string(number);
}

uint64_t LogChain::inode_of(const std::string& name) const {
  struct stat info = {};
  auto found = ::fstatat(directory_.get(), name.c_str(), &info, AT_SYMLINK_NOFOLLOW) == 0;
  return found && S_ISREG(info.st_mode) ? info.st_ino : 0;
}

std::map<uint32_t, uint64_t> LogChain::files() const {
  // While files are renamed, a listing may leave them out. So it only tells how far to look.
  auto numbers = std::set<uint32_t>{0};
  auto fd = UniqueFd{::openat(directory_.get(), ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
  if (auto listing = fd ? ::fdopendir(fd.get()) : nullptr) {
    fd.release();
    while (auto entry = ::readdir(listing))
      if (auto number = number_in(entry->d_name, name_))
        numbers.insert(*number);
    ::closedir(listing);
  }
  for (auto number = uint32_t{0}; number <= std::min(*numbers.rbegin(), dense_numbers); ++number)
    numbers.insert(number);
  numbers.insert(*numbers.rbegin() + 1);
  // From low to high numbers, which is the way that a file moves: none is overtaken and missed.
  auto result = std::map<uint32_t, uint64_t>{};
  for (auto number : numbers)
    if (auto inode = inode_of(name_of(number)); inode != 0)
      result.emplace(number, inode);
  return result;
}

uint64_t LogChain::current() const {
  return inode_of(name_);
}

bool LogChain::is_rotating() const {
  return inode_of(name_ + ".new") != 0;
}

bool LogChain::is_gone() const {
  struct stat info = {};
  return ::fstat(directory_.get(), &info) == 0 && info.st_nlink == 0;
}

UniqueFd LogChain::open_file(uint32_t number) const {
  auto name = name_of(number);
  // Not blocking, for the name could be that of a pipe.
  constexpr auto flags = O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK;
  auto fd = UniqueFd{retry([&] { return ::openat(directory_.get(), name.c_str(), flags); })};
  struct stat info = {};
  if (fd && (::fstat(fd.get(), &info) != 0 || !S_ISREG(info.st_mode)))
    return UniqueFd{};
  return fd;
}

uint64_t linked_inode(const UniqueFd& file) {
  struct stat info = {};
  return ::fstat(file.get(), &info) == 0 && info.st_nlink > 0 ? info.st_ino : 0;
}

} // namespace berth
