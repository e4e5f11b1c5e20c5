#include "runtimes/linux/sys_error.hpp"

#include <cerrno>
#include <system_error>

namespace berth {

Error sys_error(const char* call, const std::string& subject) {
  auto reason = std::system_category().message(errno);
  return {ec::system_error, subject.empty() ? std::string{call} : call + (" " + subject), std::move(reason), {}};
}

} // namespace berth
