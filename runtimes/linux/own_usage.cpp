#include "runtimes/linux/own_usage.hpp"

#include "runtimes/linux/file.hpp"

#include <filesystem>
#include <sstream>

#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

namespace berth {

namespace {

constexpr size_t longest_statm = 256;

double seconds(const timeval& time) {
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
}

/// The one that counts them is open while it does.
uint64_t count_descriptors() {
  auto error = std::error_code{};
  auto count = uint64_t{0};
  for (auto i = std::filesystem::directory_iterator{"/proc/self/fd", error}; !error && i != std::filesystem::directory_iterator{};
       i.increment(error))
    ++count;
  return count > 0 ? count - 1 : 0;
}

} // namespace

OwnUsage read_own_usage() {
  auto result = OwnUsage{};
  if (auto text = read_file("/proc/self/statm", longest_statm)) {
    auto size = uint64_t{0};
    auto resident = uint64_t{0};
    std::istringstream{*text} >> size >> resident;
    result.resident_bytes = resident * static_cast<uint64_t>(::sysconf(_SC_PAGESIZE));
  }
  auto usage = rusage{};
  if (::getrusage(RUSAGE_SELF, &usage) == 0)
    result.cpu_seconds = seconds(usage.ru_utime) + seconds(usage.ru_stime);
  auto limit = rlimit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) == 0)
    result.max_fds = limit.rlim_cur;
  result.open_fds = count_descriptors();
  return result;
}

uint64_t size_of_file(const std::string& path) {
  struct stat status {};
  return ::stat(path.c_str(), &status) == 0 ? static_cast<uint64_t>(status.st_size) : 0;
}

} // namespace berth
