#include "runtimes/linux/sequence_file.hpp"

#include "runtimes/linux/file.hpp"
#include "runtimes/linux/sys_error.hpp"

#include <cstdio>

#include <fcntl.h>
#include <unistd.h>

namespace berth {

namespace {

/// The number and its complement, so that a flipped bit is seen.
constexpr auto format = "%016llx %016llx\n";
constexpr size_t length = 34;

Result<UniqueFd> open_private_file(const std::string& path) {
  auto file = UniqueFd{::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, private_file_mode)};
  if (!file)
    return failure(sys_error("open", path));
  return file;
}

} // namespace

Result<SequenceFile> SequenceFile::open(const std::string& path) {
  auto file = open_private_file(path);
  if (!file)
    return failure(file.error());
  auto result = SequenceFile{};
  result.file_ = std::move(*file);
  return result;
}

std::optional<uint64_t> SequenceFile::get() const {
  char text[length + 1] = {};
  auto number = 0ull;
  auto complement = 0ull;
  if (::pread(file_.get(), text, length, 0) != static_cast<ssize_t>(length)
      || std::sscanf(text, "%16llx %16llx", &number, &complement) != 2 || number != ~complement)
    return std::nullopt;
  return number;
}

void SequenceFile::put(uint64_t number) const {
  char text[length + 1];
  std::snprintf(text, sizeof(text), format, static_cast<unsigned long long>(number),
                static_cast<unsigned long long>(~number));
  static_cast<void>(::pwrite(file_.get(), text, length, 0) + 1);
}

Result<void> create_private_file(const std::string& path) {
  auto file = open_private_file(path);
  if (!file)
    return failure(file.error());
  return {};
}

} // namespace berth
