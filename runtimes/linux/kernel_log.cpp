#include "runtimes/linux/kernel_log.hpp"

#include "runtimes/linux/sys_error.hpp"

#include <array>
#include <cerrno>

#include <fcntl.h>
#include <unistd.h>

namespace berth {

namespace {

constexpr auto log_path = "/dev/kmsg";

/// The kernel refuses smaller buffers than a record needs; this is the size of its own.
constexpr size_t record_limit = 8192;

constexpr int max_records = 1000;

} // namespace

KernelLog KernelLog::open() {
  auto result = KernelLog{};
  result.fd_ = UniqueFd{::open(log_path, O_RDONLY | O_NONBLOCK | O_CLOEXEC)};
  if (result.fd_ && ::lseek(result.fd_.get(), 0, SEEK_END) != -1)
    return result;
  auto error = sys_error(result.fd_ ? "lseek" : "open", log_path);
  result.why_unavailable_ = error.subject + ": " + error.reason;
  result.fd_ = UniqueFd{};
  return result;
}

KernelLog::News KernelLog::drain() {
  auto result = News{};
  auto record = std::array<char, record_limit>{};
  for (auto i = 0; fd_ && i < max_records; ++i) {
    auto size = ::read(fd_.get(), record.data(), record.size());
    // EPIPE: the next records were overwritten; the read after it goes on with the oldest that is left.
    if (size < 0 && (errno == EPIPE || errno == EINTR))
      continue;
    if (size <= 0)
      return result;
    auto victim = parse_oom_record({record.data(), static_cast<size_t>(size)});
    if (!victim || (victim->cgroup.empty() && victim->pid == last_pid_))
      continue;
    last_pid_ = victim->cgroup.empty() ? 0 : victim->pid;
    result.victims.push_back(std::move(*victim));
  }
  result.more = static_cast<bool>(fd_);
  return result;
}

} // namespace berth
