#include "runtimes/linux/find_program.hpp"

#include "runtimes/linux/sys_error.hpp"

#include <climits>
#include <cstdlib>

#include <sys/stat.h>
#include <unistd.h>

namespace berth {

namespace {

/// Empty: an executable file. Else why not.
std::string why_not_executable(const std::string& path) {
  struct stat info = {};
  if (::stat(path.c_str(), &info) != 0)
    return sys_error("stat").reason;
  if (S_ISDIR(info.st_mode))
    return "it is a directory";
  if (!S_ISREG(info.st_mode))
    return "it is not a regular file";
  if (::access(path.c_str(), X_OK) != 0)
    return "it is not executable";
  return {};
}

Result<std::string> absolute(const std::string& path) {
  char buf[PATH_MAX];
  if (::realpath(path.c_str(), buf) == nullptr)
    return failure(sys_error("realpath", path));
  return buf;
}

} // namespace

Result<std::string> find_program(const std::string& name) {
  if (name.find('/') != std::string::npos) {
    if (auto reason = why_not_executable(name); !reason.empty())
      return failure(ec::bad_request, name, std::move(reason));
    return absolute(name);
  }
  auto* variable = std::getenv("PATH");
  auto path = std::string{variable != nullptr ? variable : "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"};
  for (size_t begin = 0; begin <= path.size();) {
    auto end = std::min(path.find(':', begin), path.size());
    auto candidate = path.substr(begin, end - begin) + "/" + name;
    if (candidate.front() == '/' && why_not_executable(candidate).empty())
      return absolute(candidate);
    begin = end + 1;
  }
  return failure(ec::bad_request, name, "it is not in PATH");
}

Result<std::string> own_executable() {
  char buf[PATH_MAX];
  auto n = ::readlink("/proc/self/exe", buf, sizeof(buf));
  if (n < 0)
    return failure(sys_error("readlink", "/proc/self/exe"));
  return std::string{buf, static_cast<size_t>(n)};
}

} // namespace berth
