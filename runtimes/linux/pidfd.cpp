#include "runtimes/linux/pidfd.hpp"

#include "runtimes/linux/file.hpp"
#include "runtimes/linux/sys_error.hpp"

#include <charconv>

#include <sys/syscall.h>
#include <unistd.h>

namespace berth {

namespace {

/// No text below /proc that is read here comes near this.
constexpr size_t proc_file_limit = 16 * 1024;

/// A number in the text of /proc/PID/stat, by the number that proc(5) gives the field; 4 or more.
Result<uint64_t> parse_stat_number(std::string_view stat, int wanted) {
  auto bad = [] {
    return failure(ec::system_error, "/proc/PID/stat", "not the expected text");
  };
  auto name_end = stat.rfind(')');
  if (name_end == std::string_view::npos)
    return bad();
  stat.remove_prefix(name_end + 1);
  // Field 3 is the first one after the name.
  for (auto field = 2; field < wanted; ++field) {
    auto space = stat.find(' ');
    if (space == std::string_view::npos)
      return bad();
    stat.remove_prefix(space + 1);
  }
  auto result = uint64_t{0};
  auto [end, error] = std::from_chars(stat.data(), stat.data() + stat.size(), result);
  if (error != std::errc{} || end == stat.data() + stat.size() || *end != ' ')
    return bad();
  return result;
}

} // namespace

Result<uint64_t> parse_start_time(std::string_view stat) {
  return parse_stat_number(stat, 22);
}

Result<int> parent_of(int pid) {
  auto stat = read_file("/proc/" + std::to_string(pid) + "/stat", proc_file_limit);
  if (!stat)
    return failure(std::move(stat.error()));
  auto parent = parse_stat_number(*stat, 4);
  if (!parent)
    return failure(std::move(parent.error()));
  return static_cast<int>(*parent);
}

Result<uint64_t> process_start_time(int pid) {
  auto stat = read_file("/proc/" + std::to_string(pid) + "/stat", proc_file_limit);
  if (!stat)
    return failure(std::move(stat.error()));
  return parse_start_time(*stat);
}

Result<UniqueFd> open_pidfd(int pid, uint64_t start_time) {
  // glibc has a wrapper since 2.36 only.
  auto fd = UniqueFd{static_cast<int>(::syscall(SYS_pidfd_open, pid, 0))};
  if (!fd)
    return failure(sys_error("pidfd_open", std::to_string(pid)));
  // The descriptor is bound to whoever has the pid now: compare after opening, not before.
  auto present = process_start_time(pid);
  if (!present)
    return failure(std::move(present.error()));
  if (*present != start_time)
    return failure(ec::system_error, "pidfd_open " + std::to_string(pid),
                   "the pid belongs to another process by now");
  return fd;
}

Result<void> send_signal(const UniqueFd& pidfd, int signal) {
  if (::syscall(SYS_pidfd_send_signal, pidfd.get(), signal, nullptr, 0) != 0)
    return failure(sys_error("pidfd_send_signal", std::to_string(signal)));
  return {};
}

Result<std::string> boot_id() {
  auto text = read_file("/proc/sys/kernel/random/boot_id", proc_file_limit);
  if (text && !text->empty() && text->back() == '\n')
    text->pop_back();
  return text;
}

} // namespace berth
